/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/state-file.h"

#define STATE_FILE_VERSION  1
#define PROC_STAT_MAX_BYTES 1024
/* proc(5): state is field 3, starttime field 22; both counted from behind the name in parentheses. */
#define FIELDS_FROM_STATE_TO_STARTTIME 19

uint64_t process_start_ticks(pid_t pid)
{
	char path[64], text[PROC_STAT_MAX_BYTES], *at;
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;

	(void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';

	/* The name may hold anything, a ")" too: what counts is the last one. */
	at = strrchr(text, ')');
	if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
		return 0;
	at += 2;
	for (int i = 0; i < FIELDS_FROM_STATE_TO_STARTTIME; i++) {
		at = strchr(at, ' ');
		if (!at)
			return 0;
		at++;
	}
	return strtoull(at, NULL, 10);
}

bool state_process_is_alive(const StateProcess *process)
{
	return process->pid > 0 && process->start_ticks != 0 &&
	       process_start_ticks(process->pid) == process->start_ticks;
}

int state_process_kill(const StateProcess *process, uint64_t timeout_usec)
{
	_cleanup_close_ int fd = -EBADF;
	struct pollfd gone = { .events = POLLIN };
	int r;

	if (process->pid <= 0)
		return 0;
	fd = (int) syscall(SYS_pidfd_open, process->pid, 0);
	if (fd < 0)
		return errno == ESRCH ? 0 : -errno;
	/* Asked again now that the pidfd pins the process: it may have ended in between. */
	if (!state_process_is_alive(process))
		return 0;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
		return errno == ESRCH ? 0 : -errno;

	gone.fd = fd;
	r = poll(&gone, 1, (int) (timeout_usec / USEC_PER_MSEC));
	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

int state_process_set(StateProcess *process, const char *label, pid_t pid)
{
	int r = str_set(&process->label, label);

	if (r < 0)
		return r;
	process->pid = pid;
	process->start_ticks = process_start_ticks(pid);
	return 0;
}

int state_file_add_backend(StateFile *state, const char *label, pid_t pid)
{
	StateProcess process = { 0 };
	int r;

	r = state_process_set(&process, label, pid);
	if (r < 0)
		return r;
	r = array_grow(&state->backends, state->n_backends, sizeof(process));
	if (r < 0) {
		free(process.label);
		return r;
	}
	state->backends[state->n_backends++] = process;
	return 0;
}

static json_t *process_to_json(const StateProcess *process)
{
	return json_pack("{s:s, s:i, s:I}", "label", process->label ?: "", "pid",
			 (int) process->pid, "start_ticks", (json_int_t) process->start_ticks);
}

int state_file_write(const char *path, const StateFile *state)
{
	_cleanup_free_ char *temporary = str_printf("%s.new", path);
	json_t *json, *backends = json_array();
	int r = 0;

	if (!temporary) {
		json_decref(backends);
		return -ENOMEM;
	}
	for (size_t i = 0; i < state->n_backends; i++)
		(void) json_array_append_new(backends, process_to_json(&state->backends[i]));
	json = json_pack("{s:i, s:o, s:o}", "version", STATE_FILE_VERSION, "vmm",
			 process_to_json(&state->vmm), "backends", backends);
	if (!json)
		return -ENOMEM;

	if (json_dump_file(json, temporary, JSON_INDENT(2)) < 0)
		r = -EIO;
	else if (rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void) unlink(temporary);
	json_decref(json);
	return r;
}

static int process_from_json(json_t *json, StateProcess *ret)
{
	json_int_t start_ticks = 0;
	const char *label = NULL;
	int pid = 0;

	if (json_unpack(json, "{s:s, s:i, s:I}", "label", &label, "pid", &pid, "start_ticks",
			&start_ticks) < 0)
		return -EUCLEAN;
	ret->pid = pid;
	ret->start_ticks = (uint64_t) start_ticks;
	return str_set(&ret->label, label);
}

static int state_from_json(json_t *json, StateFile *ret)
{
	json_t *vmm = NULL, *backends = NULL, *backend;
	size_t i;
	int r, version = 0;

	if (json_unpack(json, "{s:i, s:o, s:o}", "version", &version, "vmm", &vmm, "backends",
			&backends) < 0 ||
	    version != STATE_FILE_VERSION)
		return -EUCLEAN;
	r = process_from_json(vmm, &ret->vmm);
	json_array_foreach(backends, i, backend) {
		if (r < 0)
			break;
		r = array_grow(&ret->backends, ret->n_backends, sizeof(*ret->backends));
		if (r < 0)
			break;
		ret->backends[ret->n_backends] = (StateProcess){ 0 };
		r = process_from_json(backend, &ret->backends[ret->n_backends++]);
	}
	return r;
}

int state_file_read(const char *path, StateFile *ret)
{
	StateFile state = { 0 };
	json_t *json;
	int r;

	if (access(path, F_OK) < 0)
		return -errno;
	json = json_load_file(path, 0, NULL);
	if (!json)
		return -EUCLEAN;
	r = state_from_json(json, &state);
	json_decref(json);
	if (r < 0) {
		state_file_done(&state);
		return r;
	}
	*ret = state;
	return 0;
}

void state_file_done(StateFile *state)
{
	free(state->vmm.label);
	for (size_t i = 0; i < state->n_backends; i++)
		free(state->backends[i].label);
	free(state->backends);
	*state = (StateFile){ 0 };
}
