/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"
#include "model/spec.h"

/*
 * What a unit sees of the host's files where root serves a share. Its virtiofsd, and mvmd with it, get past the mode of
 * each file, so that no file but those that the spec names may be within reach: of what is left only they can be written,
 * and users' homes are hidden.
 */

/* Adds the lines for [Service], each group with its reason above it. */
void unit_view_add(StrBuf *buf, const Spec *spec);

/* Adds path as a word of a list in a unit file. */
void unit_add_path(StrBuf *buf, const char *path);

/* Whether a part of the path is "..": systemd refuses it, and only the file systems know what it means. */
bool unit_path_goes_up(const char *path);
