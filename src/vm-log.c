/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "mvmd/exit-codes.h"
#include "vm-log.h"

#define NUMBER_MAX 24

static const char *number(char buffer[NUMBER_MAX], uint64_t n)
{
	(void) snprintf(buffer, NUMBER_MAX, "%" PRIu64, n);
	return buffer;
}

void vm_log_state(VmState from, VmState to, VmEvent event)
{
	const char *before = vm_state_to_string(from), *now = vm_state_to_string(to);
	const char *word = vm_event_to_string(event);

	log_set_field(MVMD_FIELD_STATE, now);
	log_entry(&(LogKind){ LOG_LEVEL_DEBUG,
			      MVMD_MESSAGE_STATE,
			      { { MVMD_FIELD_STATE_BEFORE, before }, { MVMD_FIELD_EVENT, word } } },
		  "%s -> %s (%s)", before, now, word);
}

void vm_log_step_waits(const PlanStep *step)
{
	char text[FORMAT_MAX];

	log_entry(&(LogKind){ step->kind == STEP_VMM ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
			      MVMD_MESSAGE_STEP_WAIT,
			      { { MVMD_FIELD_STEP, step->id } } },
		  "waiting up to %s for %s", format_duration(text, step->deadline_usec),
		  step->awaits);
}

void vm_log_step(const PlanStep *step, uint64_t took_usec)
{
	bool visible = step->kind == STEP_TAP || step->kind == STEP_BACKEND ||
		       step->kind == STEP_EXTERNAL || step->kind == STEP_VMM;
	char took[NUMBER_MAX];

	log_entry(&(LogKind){ visible ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
			      MVMD_MESSAGE_STEP,
			      { { MVMD_FIELD_STEP, step->id },
				{ MVMD_FIELD_TOOK_USEC, number(took, took_usec) } } },
		  "%s", step->what);
}

void vm_log_running(VmmKind kind, const char *version, pid_t pid, uint64_t took_usec)
{
	const char *vmm = vmm_kind_to_string(kind);
	char process[NUMBER_MAX], took[NUMBER_MAX];

	log_entry(&(LogKind){ LOG_LEVEL_INFO,
			      MVMD_MESSAGE_RUNNING,
			      { { MVMD_FIELD_VMM, vmm },
				{ MVMD_FIELD_PID, number(process, (uint64_t) pid) },
				{ MVMD_FIELD_TOOK_USEC, number(took, took_usec) } } },
		  "running after %" PRIu64 "ms: %s %s, pid %d", took_usec / USEC_PER_MSEC, vmm,
		  version ?: "(version unknown)", pid);
}

void vm_log_adopted(VmmKind kind, const StateFile *state, const Life *life, uint64_t took_usec)
{
	const char *vmm = vmm_kind_to_string(kind);
	uint64_t now = realtime_usec(), since = life ? life->began.realtime_usec : now;
	char process[NUMBER_MAX], took[NUMBER_MAX], lasts[FORMAT_MAX];

	vm_log_life(life ? life->number : 0);
	log_entry(&(LogKind){ LOG_LEVEL_INFO,
			      MVMD_MESSAGE_ADOPTED,
			      { { MVMD_FIELD_VMM, vmm },
				{ MVMD_FIELD_PID, number(process, (uint64_t) state->vmm.pid) },
				{ MVMD_FIELD_TOOK_USEC, number(took, took_usec) } } },
		  "adopted the running VM after %" PRIu64
		  "ms: %s %s, pid %d, life %u of its guest lasts %s%s",
		  took_usec / USEC_PER_MSEC, vmm, state->vmm_version ?: "(version unknown)",
		  state->vmm.pid, life ? life->number : 0,
		  format_rough_duration(lasts, now > since ? now - since : 0),
		  log_is_journal() ? "; warnings of systemd above, about a failure and processes "
				     "that are left over, were expected" :
				     "");
}

void vm_log_reloaded(uint64_t took_usec)
{
	char took[NUMBER_MAX];

	log_entry(&(LogKind){ LOG_LEVEL_INFO,
			      MVMD_MESSAGE_RELOADED,
			      { { MVMD_FIELD_TOOK_USEC, number(took, took_usec) } } },
		  "reloaded: mvmd " MVMD_VERSION " has the VM after %" PRIu64 "ms",
		  took_usec / USEC_PER_MSEC);
}

void vm_log_life(unsigned life)
{
	char text[NUMBER_MAX];

	if (life > 0)
		log_set_field(MVMD_FIELD_LIFE, number(text, life));
}

void vm_log_guest(const char *did)
{
	log_entry(&(LogKind){ .level = LOG_LEVEL_INFO, .message_id = MVMD_MESSAGE_GUEST },
		  "the guest %s", did);
}

void vm_log_mended(const char *id, const char *words)
{
	log_entry(&(LogKind){ LOG_LEVEL_INFO, MVMD_MESSAGE_MENDED, { { MVMD_FIELD_MENDED, id } } },
		  "%s", words);
}

void vm_log_guest_awaited(uint64_t limit_usec)
{
	char text[FORMAT_MAX];

	/* No step of the plan, but the last one of a start: the catalog names it. */
	log_entry(&(LogKind){ LOG_LEVEL_INFO,
			      MVMD_MESSAGE_STEP_WAIT,
			      { { MVMD_FIELD_STEP, "guest" } } },
		  "waiting up to %s for the guest to say that it is ready",
		  format_duration(text, limit_usec));
}

void vm_log_stop(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text)
		log_entry(&(LogKind){ .level = LOG_LEVEL_INFO, .message_id = MVMD_MESSAGE_STOP },
			  "%s", text);
}

void vm_log_ended(int exit_code, const Fault *cause)
{
	bool failed = exit_code != MVMD_EXIT_OK;
	char code[NUMBER_MAX];
	const LogKind kind = { failed ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
			       MVMD_MESSAGE_ENDED,
			       { { MVMD_FIELD_EXIT_CODE, number(code, (uint64_t) exit_code) },
				 { MVMD_FIELD_CAUSE, cause->id } } };

	if (!log_is_journal())
		return;
	if (cause->what)
		log_entry(&kind, "ended with exit code %s: %s [%s]", code, cause->what, cause->id);
	else if (failed)
		log_entry(&kind, "ended with exit code %s", code);
	else
		log_entry(&kind, "ended");
}
