/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/fault.h"
#include "host/state-process.h"
#include "model/lifecycle.h"

/*
 * What a supervisor leaves on record while its VM lives, so that the next one knows the VM's processes and can go on
 * with it: RUNTIME/NAME/state.json, of one boot of the host.
 */
#define STATE_FILE_VERSION 2 /* 1 had nothing but the processes */

typedef struct StateBackend {
	char *id; /* of its disk or share */
	StateProcess process;
	unsigned restarts;
} StateBackend;

/* Zero-initialise. Of version 1, which had the processes alone, all the rest is zero. */
typedef struct StateFile {
	StateProcess vmm; /* pid 0: none */
	VmmKind vmm_kind;
	char *vmm_version; /* NULL: not known */
	Accel accel;
	StateBackend *backends;
	size_t n_backends;
	char *spec_file; /* its main file */
	json_t *spec; /* all of it, model/spec-json.h; NULL: not known */
	json_t *taps; /* by the interface's id: {name, ifindex, since_realtime_usec}; NULL: none */
	VmState state;
	uint64_t since_realtime_usec; /* when that began */
	bool ready; /* its unit was told so */
	int exit_code; /* of the run's first failure; 0: none so far */
	uint64_t console_bytes; /* that were read when this was written */
	json_t *lives; /* lives_to_record(), model/lives-json.h; NULL: none */
	json_t *findings; /* fault_list_to_record(), model/fault-json.h; NULL: none */
} StateFile;

/* 0 or -ENOMEM. */
int state_file_add_backend(StateFile *state, const char *id, const char *label, pid_t pid,
			   unsigned restarts);

/* Writes it whole, for its owner alone: temporary file, rename. 0 or -errno. */
int state_file_write(const char *path, const StateFile *state);

/*
 * -ENOENT: there is none; -EUCLEAN: it is damaged; -EPROTONOSUPPORT: a newer mvmd wrote it; -ESTALE: before the host
 * booted, so nothing of it lives; else 0 or -errno. What it has beyond what this version knows is left out.
 */
int state_file_read(const char *path, StateFile *ret);
void state_file_done(StateFile *state);

/* In words why it could not be read; not for -ENOENT and -ESTALE. Returns error. */
int state_file_fault(const char *path, int error, Fault *fault);
