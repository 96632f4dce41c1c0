/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/fault.h"
#include "cli/commands.h"
#include "model/host-conf.h"
#include "model/spec.h"

/*
 * The spec that the user means by a NAME (SPEC_DIR/NAME.json) or, where it has a slash, a PATH to one
 * ending in .json. Returns 0; -EINVAL with problems (78), where fault stays empty; or another -errno with
 * fault, whose exit code says of which class: 66, 71, 77 or 78.
 */
int spec_load(const Places *places, const char *argument, Spec **ret, Problems *problems,
	      Fault *fault);

/* The folder of what is named so, "host.conf": that of the specs; the host's where a user has none of his own. */
const char *settings_directory(const Places *places, const char *name);

/*
 * host.conf of that folder; without one, the defaults, and so where the host's is not for this user to read. Returns as
 * spec_load().
 */
int host_conf_load(const Places *places, HostConf *ret, Problems *problems, Fault *fault);

/* The names of all specs in SPEC_DIR, sorted. 0 or -errno with fault. */
int spec_list_names(const Places *places, StrList *ret, Fault *fault);

/* All problems on stderr, with their lines where that is a terminal. */
void spec_print_problems(const Problems *problems);

/* The same as data: an array of {file, line, column, pointer, rule, text}. NULL: out of memory. */
json_t *spec_problems_to_json(const Problems *problems);
