/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/plan.h"

/*
 * What ran, for the record: versions of the host's and the guest's kernel, of VMM and backends, and the known issues
 * that fit (plan->issues). What is unknown is null, never absent. Pure: no clock.
 *
 *	{ "arch": "x86", "accel": "kvm",
 *	  "host": { "release": "6.18.5", "build": "#1 SMP …" },
 *	  "guest": { "kernel": "6.6.64", "kind": "elf", "boot_protocol": "pvh" },
 *	  "vmm": { "kind": "cloud-hypervisor", "version": "53.0", "path": "/usr/bin/cloud-hypervisor" },
 *	  "backends": [ { "kind": "virtiofsd", "version": "1.14.0", "path": "/usr/libexec/virtiofsd" } ],
 *	  "known_issues": { "date": "2026-11-22", "fitting": [ { "id": "PVH-6664", "fit": "fits",
 *	      "subject": "the guest's kernel 6.6.64", "severity": "refuse", "proof": "proven",
 *	      "explains": "silent-death", "allowed": true } ] } }
 *
 * A program of several backends is there once. "known_issues" is null where nobody looked.
 * A new object, NULL: out of memory.
 */
json_t *facts_to_json(const Plan *plan);

/* "host kernel 6.18.5, guest kernel 6.6.64 (PVH), cloud-hypervisor 53.0, virtiofsd 1.14.0"; NULL: out of memory. */
char *facts_to_words(const Plan *plan);
