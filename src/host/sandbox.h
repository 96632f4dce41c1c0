/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"
#include "model/spec.h"

/*
 * Tries what the spec's VMM and backends will do and a unit or container may forbid: each by one system call that
 * changes nothing, since no argument of it is any good. What the spec does not need is not tried.
 */
void sandbox_probe(const Spec *spec, SandboxFact *ret);

/* True where systemd gave us a /tmp of our own. Reads all mounts, some 100 us: only where a file is missed there. */
bool sandbox_has_own_tmp(void);

/* True where the path leads, also by links, into a folder that systemd hides from us (ProtectHome=). */
bool sandbox_hides(const char *path);
