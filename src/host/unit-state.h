/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/util.h"

/*
 * What systemd knows of one unit, as far as mvmd asks (org.freedesktop.systemd1(5)). What is not known is NULL, 0 or
 * false. Zero-initialise.
 */
typedef struct UnitState {
	char *load; /* loaded, not-found, masked, bad-setting, error */
	char *active; /* active, reloading, inactive, failed, activating, deactivating */
	char *sub; /* running, auto-restart, stop-sigterm, … */
	char *result; /* of the last run: success, exit-code, signal, timeout, start-limit-hit, … */
	char *status_text; /* the last STATUS= of the supervisor: it survives its death, not the next start */
	int main_code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED of the supervisor; 0: it did not end */
	int main_status; /* its exit code, or signal */
	uint64_t main_began_realtime_usec;
	uint64_t since_realtime_usec; /* of its last change of state, or of a reload of systemd */
	uint64_t
		ended_realtime_usec; /* when it last became inactive or failed; 0: never, since it was loaded */
	bool needs_daemon_reload; /* a file of it was changed, which systemd has not read */
	char *fragment; /* its file */
	StrList drop_ins;
} UnitState;

void unit_state_done(UnitState *state);

/* Takes what is known out of an a{sv}: of GetAll(), or of a signal, which tells only what changed. 0 or -errno. */
int unit_state_read(sd_bus_message *message, UnitState *state);

/* True while there is a supervisor, or is to be one at once: active, reloading, activating, deactivating. */
bool unit_state_is_alive(const UnitState *state);
