/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/spawn.h"
#include "host/state-file.h"
#include "model/child-end.h"

/*
 * One supervised process: its pidfd, its output line by line, its end. stdout and stderr go to one pipe
 * whose write end does not block (a full pipe would stop the VMM), unless config.spawn gives 1 or 2.
 */
typedef struct Child Child;

typedef struct ChildHandler {
	/* The last thing that a child says; all its lines came before. The child may be freed in it. */
	void (*on_exit)(Child *child, const ChildEnd *end, void *userdata);
	void (*on_line)(Child *child, const char *line, void *userdata);
	void *userdata;
} ChildHandler;

typedef struct ChildConfig {
	const char *label; /* "virtiofsd[data]"; copied */
	/*
	 * The pipe is a FIFO of this name, which the process holds open for reading, too: where its supervisor dies, what it
	 * writes waits for the next one, and no write of its ends with EPIPE. NULL: the pipe has no name.
	 */
	const char *output;
	const SpawnConfig *spawn;
} ChildConfig;

/* Starts it. Returns 0 or -errno with fault. */
int child_start(sd_event *event, const ChildConfig *config, const ChildHandler *handler,
		Child **ret, Fault *fault);

/*
 * Takes over a process that an earlier supervisor started; config.spawn is not looked at. How it ends may stay unknown
 * (model/child-end.h). Returns 0, -ESRCH where it is gone, or another -errno.
 */
int child_adopt(sd_event *event, const ChildConfig *config, const StateProcess *process,
		const ChildHandler *handler, Child **ret);

/* SIGTERM now, SIGKILL after grace_usec (0: SIGKILL at once). on_exit tells the end. */
void child_stop(Child *child, uint64_t grace_usec);

pid_t child_pid(const Child *child);
const char *child_label(const Child *child);

/* The last line that it wrote, "" where none. */
const char *child_last_line(const Child *child);

/* What it wrote in the last seconds, a few lines joined by " / ", "" where nothing. Until the next call. */
const char *child_last_words(const Child *child);

/* It lives on without us: child_free() does not kill it, and nothing is told of it any more. */
void child_let_go(Child *child);

/* Kills it where it lives, without a word, and reaps it. NULL-safe, returns NULL. */
Child *child_free(Child *child);
DEFINE_CLEANUP(Child *, child_free)
