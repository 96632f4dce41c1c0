/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/access.h"
#include "host/cgroup.h"
#include "host/strays.h"
#include "mvmd/exit-codes.h"

/* SIGKILL takes effect in milliseconds; a process in uninterruptible sleep may take for ever. */
#define KILL_TIMEOUT_USEC (5 * USEC_PER_SEC)

void found_add(StrBuf *found, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		found->failed = true;
	else
		str_buf_add(found, "%s%s", found->length ? ", " : "", text);
	va_end(arguments);
	free(text);
}

int leftover_end(const StateProcess *process, uint64_t grace_usec, StrBuf *found, Fault *fault)
{
	int r;

	if (!state_process_is_alive(process))
		return 0;
	r = state_process_end(process, grace_usec, KILL_TIMEOUT_USEC);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_BUSY, "leftover-process",
				 "cannot end %s, pid %d, of an earlier run: %m", process->label,
				 process->pid);
		(void) fault_evidence(fault, "pid", "%d", process->pid);
		(void) fault_evidence(fault, "process", "%s", process->label);
		return fault_remedy(fault, "ps -o pid,stat,wchan,args -p %d", process->pid);
	}
	found_add(found, "%s (pid %d)", process->label, process->pid);
	return 0;
}

/* What was started as a child of ours leads a session (host/spawn.h), and what it forks stays in that. */
static bool is_of(pid_t session, const StateProcess *process)
{
	return process->pid > 0 && session == process->pid;
}

static bool is_on_record(pid_t pid, const StateFile *state)
{
	pid_t session = getsid(pid);

	if (!state)
		return false;
	for (size_t i = 0; i < state->n_backends; i++)
		if (is_of(session, &state->backends[i].process))
			return true;
	return is_of(session, &state->vmm);
}

/* Of another user's process the unit may not even see the name (ProtectProc=). */
static int stray_end(pid_t pid, StrBuf *found, Fault *fault)
{
	_cleanup_free_ char *name = process_name(pid);
	StateProcess stray = { 0 };
	int r = state_process_set(&stray, name ?: "a process", pid);

	if (r < 0)
		return fault_oom(fault);
	r = leftover_end(&stray, 0, found, fault);
	free(stray.label);
	return r;
}

/*
 * Threads of the kernel that KVM and vhost make for a VM are in its group, too (cgroup_attach_task_all()): no signal ends
 * them, and they go with the VM. Alone they are in no session.
 */
static bool is_stray(pid_t pid, const StateFile *state)
{
	pid_t session = getsid(pid);

	return session > 0 && session != getsid(0) && !is_on_record(pid, state);
}

int strays_end(const char *vm, const StateFile *state, StrBuf *found, Fault *fault)
{
	_cleanup_free_ char *unit = str_printf("mvmd@%s.service", vm);
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = 0;

	if (!unit)
		return fault_oom(fault);
	if (!cgroup_is_of_unit(unit) || cgroup_processes(&pids, &n) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (is_stray(pids[i], state))
			r = stray_end(pids[i], found, fault);
	return r;
}
