/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * Adds "LABEL: text" (without a label: text) broken at spaces into lines of at most 80 columns, each indented
 * by so many. A word that is longer stays whole.
 */
void wrap_add(StrBuf *buf, size_t indent, const char *label, const char *text);
