/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/spawn.h"
#include "model/child-end.h"

/*
 * One supervised process: its pidfd, its output line by line, its end. stdout and stderr go to one pipe
 * whose write end does not block (a full pipe would stop the VMM), unless config.fds gives 1 or 2.
 */
typedef struct Child Child;

typedef struct ChildHandler {
	/* The last thing that a child says; all its lines came before. The child may be freed in it. */
	void (*on_exit)(Child *child, const ChildEnd *end, void *userdata);
	void (*on_line)(Child *child, const char *line, void *userdata);
	void *userdata;
} ChildHandler;

/* Starts it. label ("virtiofsd[data]") is copied. Returns 0 or -errno with fault. */
int child_start(sd_event *event, const char *label, const SpawnConfig *config,
		const ChildHandler *handler, Child **ret, Fault *fault);

/* SIGTERM now, SIGKILL after grace_usec (0: SIGKILL at once). on_exit tells the end. */
void child_stop(Child *child, uint64_t grace_usec);

pid_t child_pid(const Child *child);
const char *child_label(const Child *child);

/* The last line that it wrote, "" where none. */
const char *child_last_line(const Child *child);

/* What it wrote in the last seconds, a few lines joined by " / ", "" where nothing. Until the next call. */
const char *child_last_words(const Child *child);

/* Kills it where it lives, without a word, and reaps it. NULL-safe, returns NULL. */
Child *child_free(Child *child);
DEFINE_CLEANUP(Child *, child_free)
