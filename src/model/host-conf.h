/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "model/problem.h"
#include "model/spec.h"

/*
 * host.conf: the settings of one host, beside its specs and in the same language. The table in
 * host-conf.c says for every key where in these structs it goes.
 */

/* Where the uids lie that VMs get, each with the gid of the same number. */
typedef struct UidRange {
	char *description;
	uint64_t first;
	uint64_t count;
} UidRange;

/* qemu-bridge-helper, where it does not lie where distributions have it. */
typedef struct HelperConf {
	char *description;
	char *program; /* NULL: searched for */
} HelperConf;

typedef struct HostConf {
	char *schema;
	char *description;
	UidRange uid_range;
	HelperConf helper;
	uint64_t start_slots; /* how many VMs may start at the same time; 0: any number */
	AllowedIssue *allow_known_issues; /* for all VMs of the host */
	size_t n_allow_known_issues;
} HostConf;

/*
 * Checks and reads host.conf; doc is NULL where there is none, which gives the defaults. All that is wrong
 * goes to problems in one go. Returns 0, -EINVAL (problems tell; *ret untouched) or -ENOMEM.
 */
int host_conf_parse(const SpecDoc *doc, HostConf *ret, Problems *problems);
void host_conf_done(HostConf *conf);
