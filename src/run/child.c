/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mvmd/exit-codes.h"
#include "run/child.h"
#include "run/relay.h"

/* Room for a burst of output while we are busy; past it the child's own writes fail (EAGAIN). */
#define CHILD_PIPE_BYTES (256 * 1024)

struct Child {
	char *label;
	ChildHandler handler;
	pid_t pid;
	int pidfd; /* -EBADF: it ended and was reaped */
	sd_event *event;
	sd_event_source *exit_source, *kill_timer;
	Relay *relay; /* NULL: its output goes elsewhere */
};

static bool config_gives(const SpawnConfig *config, int number)
{
	for (size_t i = 0; i < config->n_fds; i++)
		if (config->fds[i].number == number)
			return true;
	return false;
}

/*
 * What it forked ends with it: spawn() made it the leader of a session, and so of a group. Before it is
 * reaped, as long as nobody else can have its number. (Who made a session of his own is for the cgroup.)
 */
static void child_kill_group(const Child *child)
{
	(void) kill(-child->pid, SIGKILL);
}

/*
 * The pidfd is watched as an I/O source and not as a child one: a VMM that an earlier supervisor
 * started is no child of ours, and sd_event_add_child_pidfd() would end the loop with ECHILD.
 */
static int child_on_exit(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Child *child = userdata;
	siginfo_t info = { 0 };
	ChildEnd end;

	if (waitid(P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	if (info.si_pid == 0)
		return 0;
	child_kill_group(child);
	(void) waitid(P_PID, (id_t) child->pid, NULL, WEXITED);

	end = (ChildEnd){ .code = info.si_code, .status = info.si_status };
	child->exit_source = sd_event_source_disable_unref(child->exit_source);
	child->kill_timer = sd_event_source_disable_unref(child->kill_timer);
	child->pidfd = close_fd(child->pidfd);
	if (child->relay)
		relay_drain(child->relay);
	child->handler.on_exit(child, &end, child->handler.userdata);
	return 0;
}

static void child_on_line(const char *line, void *userdata)
{
	Child *child = userdata;

	if (child->handler.on_line)
		child->handler.on_line(child, line, child->handler.userdata);
}

/* Starts the program with the pipe's write end wherever config leaves 1 and 2 free. */
static int child_spawn(Child *child, const SpawnConfig *config, int writer, Fault *fault)
{
	_cleanup_free_ SpawnFd *fds = NULL;
	SpawnConfig with_output = *config;
	size_t n = config->n_fds;

	fds = calloc(n + 2, sizeof(*fds));
	if (!fds)
		return fault_oom(fault);
	if (n > 0)
		memcpy(fds, config->fds, n * sizeof(*fds));
	for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
		if (!config_gives(config, i))
			fds[n++] = (SpawnFd){ writer, i };
	with_output.fds = fds;
	with_output.n_fds = n;
	return spawn(&with_output, &child->pid, &child->pidfd, fault);
}

/* The two ends of a pipe are two file descriptions: O_NONBLOCK here covers both. */
static int child_open_pipe(Child *child, int *ret_writer)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void) fcntl(fds[1], F_SETPIPE_SZ,
		     CHILD_PIPE_BYTES); /* fs.pipe-user-pages-soft may say no */

	r = relay_start(child->event, fds[0], child_on_line, child, &child->relay);
	if (r < 0) {
		(void) close_fd(fds[1]);
		return r;
	}
	*ret_writer = fds[1];
	return 0;
}

int child_start(sd_event *event, const char *label, const SpawnConfig *config,
		const ChildHandler *handler, Child **ret, Fault *fault)
{
	_cleanup_(child_free_p) Child *child = NULL;
	_cleanup_close_ int writer = -EBADF;
	int r;

	child = calloc(1, sizeof(*child));
	if (!child)
		return fault_oom(fault);
	child->pidfd = -EBADF;
	child->handler = *handler;
	child->event = sd_event_ref(event);
	if (str_set(&child->label, label) < 0)
		return fault_oom(fault);

	if (!config_gives(config, STDOUT_FILENO) || !config_gives(config, STDERR_FILENO)) {
		r = child_open_pipe(child, &writer);
		if (r < 0)
			return fault_set(fault, r, MVMD_EXIT_SYSTEM, "spawn-failed",
					 "cannot make the output pipe of %s: %m", label);
	}

	r = child_spawn(child, config, writer, fault);
	if (r < 0)
		return r;

	r = sd_event_add_io(event, &child->exit_source, child->pidfd, EPOLLIN, child_on_exit,
			    child);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "spawn-failed", "cannot watch %s: %m",
				 label);
	*ret = TAKE_PTR(child);
	return 0;
}

static int child_on_grace_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	const Child *child = userdata;

	(void) pidfd_signal(child->pidfd, SIGKILL);
	return 0;
}

void child_stop(Child *child, uint64_t grace_usec)
{
	if (child->pidfd < 0)
		return;

	child->kill_timer = sd_event_source_disable_unref(child->kill_timer);
	if (grace_usec > 0) {
		(void) pidfd_signal(child->pidfd, SIGTERM);
		/* Without a timer it would live as long as it likes. */
		if (sd_event_add_time_relative(child->event, &child->kill_timer, CLOCK_MONOTONIC,
					       grace_usec, 0, child_on_grace_over, child) >= 0)
			return;
	}
	(void) pidfd_signal(child->pidfd, SIGKILL);
}

pid_t child_pid(const Child *child)
{
	return child->pid;
}

const char *child_label(const Child *child)
{
	return child->label;
}

const char *child_last_line(const Child *child)
{
	return child->relay ? relay_last_line(child->relay) : "";
}

const char *child_last_words(const Child *child)
{
	return child->relay ? relay_last_words(child->relay) : "";
}

/* A process that we may not kill is not waited for either: that could be for ever. */
static void child_kill(Child *child)
{
	int r = pidfd_signal(child->pidfd, SIGKILL);

	child_kill_group(child);
	(void) waitid(P_PID, (id_t) child->pid, NULL, WEXITED | (r == -EPERM ? WNOHANG : 0));
	child->pidfd = close_fd(child->pidfd);
}

Child *child_free(Child *child)
{
	if (!child)
		return NULL;

	child->exit_source = sd_event_source_disable_unref(child->exit_source);
	child->kill_timer = sd_event_source_disable_unref(child->kill_timer);
	if (child->pidfd >= 0)
		child_kill(child);
	child->relay = relay_free(child->relay);
	child->event = sd_event_unref(child->event);
	free(child->label);
	free(child);
	return NULL;
}
