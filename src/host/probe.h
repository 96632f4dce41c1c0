/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/host-conf.h"
#include "model/spec.h"

typedef struct ProbeOptions {
	const char *state_directory; /* uid table, cache of program versions */
	const HostConf *host_conf;
	bool allocate_uid; /* this is a start, not a look */
	bool switches_later; /* the caller asks host_switches_probe() and bridge_filter_probe() when there is time */
} ProbeOptions;

/*
 * Looks at the host as far as spec needs it: only the programs, devices, bridges and paths that it
 * names. Program versions come from a cache in the state directory (keyed by path, device, inode, size,
 * mtime and ctime); without one, or where it cannot be written, the program is asked. Changes nothing
 * but that cache, and the uid table where options say so. What is missing is a fact, not an error.
 * Returns 0 or -errno with fault. The strings in *ret borrow from spec.
 */
int facts_probe(const Spec *spec, const ProbeOptions *options, Facts *ret, Fault *fault);

/* Reads "v53.0", "QEMU emulator version 7.2.22 (…)", "virtiofsd 1.13.0": the first number with a dot. */
bool version_parse(const char *text, Program *program);

/*
 * The first files, at most max, that the name of a program may mean, in the order of search: those of PATH, then
 * those of places (full paths, ends with NULL) that are programs. 0 or -ENOMEM.
 */
int programs_find(const char *name, const char *const *places, size_t max, StrList *ret);

/* True where the CPU shows VMX or SVM, or is no x86. */
bool cpu_runs_stock_guests(void);

/* A number in /proc/sys; otherwise where there is none. */
long sysctl_read(const char *path, long otherwise);
