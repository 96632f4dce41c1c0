/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"

/* `mvmd unit reload NAME`: its supervisor executes its program anew; waits until that has the VM. */
int unit_reload(const Places *places, int argc, char **argv);

/* `mvmd unit record-version`: which record of a running VM this program writes, and reads with all before it. */
int unit_record_version(const Places *places, int argc, char **argv);
