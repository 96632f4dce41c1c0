/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/fifo.h"
#include "host/process.h"
#include "mvmd/exit-codes.h"
#include "run/child.h"
#include "run/relay.h"

/* Room for a burst of output while we are busy; past it the child's own writes fail (EAGAIN). */
#define CHILD_PIPE_BYTES (256 * 1024)

/* include/uapi/linux/pidfd.h of 6.9 */
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1UL << 2)
#endif

struct Child {
	char *label;
	ChildHandler handler;
	pid_t pid;
	int pidfd; /* -EBADF: it ended and was reaped, or is let go */
	bool adopted; /* it may be no child of ours */
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
 * reaped, as long as nobody else can have its number. One that we adopted is reaped by somebody else, so that its pidfd
 * has to do, which knows its group since kernel 6.9. (Who made a session of his own is for the cgroup.)
 */
static void child_kill_group(const Child *child)
{
	if (child->adopted)
		(void) syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL,
			       PIDFD_SIGNAL_PROCESS_GROUP);
	else
		(void) kill(-child->pid, SIGKILL);
}

/*
 * Returns false where it lives, or where the one whose child it is has not heard of its end yet: then its pidfd becomes
 * readable no second time, but is hung up.
 */
static bool child_has_ended(Child *child, ChildEnd *ret)
{
	siginfo_t info = { 0 };
	int r;

	if (waitid(P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
		*ret = (ChildEnd){ .code = info.si_code, .status = info.si_status };
		return info.si_pid != 0;
	}
	*ret = (ChildEnd){ 0 };
	r = process_exit_status(child->pidfd, ret);
	if (r == -EAGAIN)
		(void) sd_event_source_set_io_events(child->exit_source, 0);
	return r != -EAGAIN;
}

/*
 * The pidfd is watched as an I/O source and not as a child one: a VMM that an earlier supervisor
 * started is no child of ours, and sd_event_add_child_pidfd() would end the loop with ECHILD.
 */
static int child_on_exit(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Child *child = userdata;
	ChildEnd end;

	if (!child_has_ended(child, &end))
		return 0;
	child_kill_group(child);
	(void) waitid(P_PID, (id_t) child->pid, NULL, WEXITED);

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
static int open_pipe(int *ret_reader, int *ret_writer)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	*ret_reader = fds[0];
	*ret_writer = fds[1];
	return 0;
}

/* The pipe from us to the process with that output; *ret_writer is for the process. */
static int child_open_pipe(Child *child, const char *output, int *ret_writer)
{
	_cleanup_close_ int writer = -EBADF;
	int reader = -EBADF, r;

	r = output ? fifo_make(output, &reader, &writer) : open_pipe(&reader, &writer);
	if (r < 0)
		return r;
	(void) fcntl(writer, F_SETPIPE_SZ,
		     CHILD_PIPE_BYTES); /* fs.pipe-user-pages-soft may say no */
	r = relay_start(child->event, reader, child_on_line, child, &child->relay);
	if (r < 0)
		return r;
	*ret_writer = TAKE_FD(writer);
	return 0;
}

static Child *child_new(sd_event *event, const char *label, const ChildHandler *handler)
{
	Child *child = calloc(1, sizeof(*child));

	if (!child)
		return NULL;
	child->pidfd = -EBADF;
	child->handler = *handler;
	child->event = sd_event_ref(event);
	return str_set(&child->label, label) < 0 ? child_free(child) : child;
}

static int child_watch(Child *child)
{
	int r = sd_event_add_io(child->event, &child->exit_source, child->pidfd, EPOLLIN,
				child_on_exit, child);

	return r < 0 ? r : 0;
}

int child_start(sd_event *event, const ChildConfig *config, const ChildHandler *handler,
		Child **ret, Fault *fault)
{
	_cleanup_(child_free_p) Child *child = child_new(event, config->label, handler);
	const SpawnConfig *spawn = config->spawn;
	_cleanup_close_ int writer = -EBADF;
	int r;

	if (!child)
		return fault_oom(fault);
	if (!config_gives(spawn, STDOUT_FILENO) || !config_gives(spawn, STDERR_FILENO)) {
		r = child_open_pipe(child, config->output, &writer);
		if (r < 0)
			return fault_set(fault, r, MVMD_EXIT_SYSTEM, "spawn-failed",
					 "cannot make the output pipe of %s: %m", config->label);
	}

	r = child_spawn(child, spawn, writer, fault);
	if (r < 0)
		return r;

	r = child_watch(child);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "spawn-failed", "cannot watch %s: %m",
				 config->label);
	*ret = TAKE_PTR(child);
	return 0;
}

int child_adopt(sd_event *event, const ChildConfig *config, const StateProcess *process,
		const ChildHandler *handler, Child **ret)
{
	_cleanup_(child_free_p) Child *child = child_new(event, config->label, handler);
	int reader, r;

	if (!child)
		return -ENOMEM;
	/* Without its output it is as good as it was. */
	r = config->output ? fifo_open(config->output, &reader) : -ENOENT;
	if (r == 0)
		r = relay_start(event, reader, child_on_line, child, &child->relay);
	if (r == -ENOMEM)
		return r;

	r = state_process_open(process);
	if (r < 0)
		return r;
	child->pid = process->pid;
	child->pidfd = r;
	child->adopted = true;
	r = child_watch(child);
	if (r < 0) {
		child_let_go(child);
		return r;
	}
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

void child_let_go(Child *child)
{
	child->exit_source = sd_event_source_disable_unref(child->exit_source);
	child->kill_timer = sd_event_source_disable_unref(child->kill_timer);
	child->pidfd = close_fd(child->pidfd);
	child->relay = relay_free(child->relay);
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
