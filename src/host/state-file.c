/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/state-file.h"

#define STATE_FILE_VERSION  1
#define PROC_STAT_MAX_BYTES 1024
/* proc(5): state is field 3, starttime field 22; both counted from behind the name in parentheses. */
#define FIELDS_FROM_STATE_TO_STARTTIME 19
/* include/uapi/linux/magic.h: PIDFS_MAGIC; before it a pidfd was an anonymous inode, the same for all. */
#define PIDFS_MAGIC 0x50494446
#define CGROUP_ROOT "/sys/fs/cgroup"

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

/* The inode that no other process has; 0: the kernel has no such. */
static uint64_t pidfd_inode(int pidfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PIDFS_MAGIC || fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

/* Our control group's list of processes; NULL where it cannot be read. */
static FILE *open_own_group(void)
{
	char line[PATH_MAX], path[PATH_MAX + sizeof(CGROUP_ROOT "/cgroup.procs")];
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strncmp(line, "0::", strlen("0::")) == 0; /* cgroups(7): the unified one */
	if (file)
		(void) fclose(file);
	if (!found)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	(void) snprintf(path, sizeof(path), CGROUP_ROOT "%s/cgroup.procs", line + strlen("0::"));
	return fopen(path, "re");
}

static bool is_in_own_group(pid_t pid)
{
	FILE *file = open_own_group();
	char line[32];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strtol(line, NULL, 10) == pid;
	if (file)
		(void) fclose(file);
	return found;
}

static bool has_ended(int pidfd)
{
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };

	return poll(&gone, 1, 0) > 0;
}

int state_process_open(const StateProcess *process)
{
	_cleanup_close_ int fd = -EBADF;
	uint64_t inode, start_ticks;
	bool same;

	if (process->pid <= 0)
		return -ESRCH;
	fd = (int) syscall(SYS_pidfd_open, process->pid, 0);
	if (fd < 0)
		return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: it leads no thread group */

	inode = pidfd_inode(fd);
	start_ticks = process_start_ticks(process->pid);
	if (process->pidfd_inode > 0 && inode > 0 && inode != process->pidfd_inode)
		same = false;
	else if (process->start_ticks > 0 && start_ticks > 0)
		same = start_ticks == process->start_ticks;
	else
		same = (process->pidfd_inode > 0 && inode > 0) || is_in_own_group(process->pid);
	if (!same || has_ended(fd))
		return -ESRCH;
	return TAKE_FD(fd);
}

bool state_process_is_alive(const StateProcess *process)
{
	_cleanup_close_ int fd = state_process_open(process);

	return fd >= 0;
}

int state_process_kill(const StateProcess *process, uint64_t timeout_usec)
{
	_cleanup_close_ int fd = -EBADF;
	struct pollfd gone = { .events = POLLIN };
	int r;

	fd = state_process_open(process);
	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
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
	_cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
	int r = str_set(&process->label, label);

	if (r < 0)
		return r;
	process->pid = pid;
	process->start_ticks = process_start_ticks(pid);
	process->pidfd_inode = fd >= 0 ? pidfd_inode(fd) : 0;
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
	return json_pack("{s:s, s:i, s:I, s:I}", "label", process->label ?: "", "pid",
			 (int) process->pid, "start_ticks", (json_int_t) process->start_ticks,
			 "pidfd_inode", (json_int_t) process->pidfd_inode);
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
	json_int_t start_ticks = 0, inode = 0;
	const char *label = NULL;
	int pid = 0;

	if (json_unpack(json, "{s:s, s:i, s:I, s?I}", "label", &label, "pid", &pid, "start_ticks",
			&start_ticks, "pidfd_inode", &inode) < 0)
		return -EUCLEAN;
	ret->pid = pid;
	ret->start_ticks = (uint64_t) start_ticks;
	ret->pidfd_inode = (uint64_t) inode;
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
