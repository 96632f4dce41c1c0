/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "host/slots.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

#define UNIT_MARGIN_USEC (UNIT_MARGIN_SEC * USEC_PER_SEC)

/* What a person reads behind "Status:"; the states without words have others, see below. */
static const char *const state_words[_VM_STATE_MAX] = {
	[VM_ADOPTING] = "adopting: the VM that runs is taken over",
	[VM_APPLYING] = "applying: taps, backends and the VMM are made ready",
	[VM_CREATING] = "creating: the VMM takes its configuration",
	[VM_BOOTING] = "booting: the VMM starts the guest",
	[VM_PAUSED] = "paused",
	[VM_STOPPING] = (UNIT_STATUS_STOPPING "the guest was asked to power off"),
	[VM_ENDING] = "ending: the VMM leaves",
	[VM_UNWINDING] = "unwinding: what was made for the VM is removed",
};

bool unit_is_told(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

static bool is_on_its_way_out(VmState state)
{
	return state == VM_STOPPING || state == VM_ENDING || state == VM_UNWINDING;
}

/* A message is lines: no text of somebody else's may make one of its own. */
static char *one_line(const char *text)
{
	char *copy = strdup(text);

	for (char *c = copy; c && *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	return copy;
}

/* "applying: waiting for bridge br0, /run/data.sock"; NULL: out of memory. */
static char *waiting_words(const SystemdUnit *unit)
{
	_cleanup_(str_buf_done) StrBuf words = { 0 };

	if (unit->n_waiting == 0)
		return strdup(state_words[unit->state] ?: vm_state_to_string(unit->state));
	str_buf_add(&words, "%s: waiting for ", vm_state_to_string(unit->state));
	for (size_t i = 0; i < unit->n_waiting; i++)
		str_buf_add(&words, "%s%s", i > 0 ? ", " : "", unit->waiting[i].step->awaits);
	return words.failed ? NULL : TAKE_PTR(words.text);
}

static void tell_waiting(const SystemdUnit *unit, uint64_t limit_usec)
{
	_cleanup_free_ char *words = waiting_words(unit);
	_cleanup_free_ char *line = words ? one_line(words) : NULL;

	if (!line)
		return;
	if (limit_usec > 0)
		(void) sd_notifyf(0, "STATUS=%s\nEXTEND_TIMEOUT_USEC=%" PRIu64, line,
				  limit_usec + UNIT_MARGIN_USEC);
	else
		(void) sd_notifyf(0, "STATUS=%s", line);
}

void unit_waits_for_turn(uint64_t wait_usec)
{
	char text[FORMAT_MAX];

	(void) sd_notifyf(
		0, "STATUS=" UNIT_STATUS_WAITING "next try in %s\nEXTEND_TIMEOUT_USEC=%" PRIu64,
		format_rough_duration(text, wait_usec), wait_usec + UNIT_MARGIN_USEC);
}

void unit_waits_for_slot(unsigned slots, uint64_t interval_usec)
{
	(void) sd_notifyf(0,
			  "STATUS=waiting for a start slot (%u VM%s now)\n"
			  "EXTEND_TIMEOUT_USEC=%" PRIu64,
			  slots, slots == 1 ? " starts" : "s start",
			  interval_usec + UNIT_MARGIN_USEC);
}

void unit_step_waits(SystemdUnit *unit, const PlanStep *step)
{
	if (array_grow(&unit->waiting, unit->n_waiting, sizeof(*unit->waiting)) == 0)
		unit->waiting[unit->n_waiting++].step = step;
	tell_waiting(unit, step->deadline_usec);
}

void unit_step_done(SystemdUnit *unit, const PlanStep *step)
{
	for (size_t i = 0; i < unit->n_waiting; i++) {
		if (unit->waiting[i].step != step)
			continue;
		memmove(unit->waiting + i, unit->waiting + i + 1,
			(unit->n_waiting - i - 1) * sizeof(*unit->waiting));
		unit->n_waiting--;
		tell_waiting(unit, 0);
		return;
	}
}

void unit_enters(SystemdUnit *unit, VmState state, uint64_t limit_usec)
{
	if (!state_words[state])
		return;
	unit->n_waiting = 0;
	unit->state = state;
	(void) sd_notifyf(0, "%sSTATUS=%s\nEXTEND_TIMEOUT_USEC=%" PRIu64,
			  is_on_its_way_out(state) ? "STOPPING=1\n" : "", state_words[state],
			  limit_usec + UNIT_MARGIN_USEC);
}

void unit_awaits_guest(uint64_t limit_usec, const char *says)
{
	static const char words[] = "for the guest to say that it is ready";
	_cleanup_free_ char *line = one_line(says);
	char text[FORMAT_MAX];

	if (limit_usec > 0)
		(void) sd_notifyf(
			0,
			"STATUS=" UNIT_STATUS_READYING "up to %s %s\nEXTEND_TIMEOUT_USEC=%" PRIu64,
			format_duration(text, limit_usec), words, limit_usec + UNIT_MARGIN_USEC);
	else if (line)
		(void) sd_notifyf(0, "STATUS=" UNIT_STATUS_READYING "%s: %s", words, line);
}

void unit_guest_says(const char *says)
{
	_cleanup_free_ char *line = one_line(says);

	if (line)
		(void) sd_notifyf(0, "STATUS=" UNIT_STATUS_RUNNING "guest: %s", line);
}

void unit_runs(SystemdUnit *unit, VmmKind kind, const Vmm *vmm)
{
	unit->ready = true;
	if (unit->slot_fd)
		slot_free(unit->slot_fd);
	(void) sd_notifyf(0, "READY=1\nSTATUS=" UNIT_STATUS_RUNNING "%s %s, pid %d",
			  vmm_kind_to_string(kind), vmm_version(vmm) ?: "(version unknown)",
			  vmm_pid(vmm));
}

void unit_ended(SystemdUnit *unit, int exit_code, const char *cause)
{
	_cleanup_free_ char *line = one_line(cause ?: "the journal tells why");

	if (exit_code != MVMD_EXIT_OK)
		(void) sd_notifyf(0, "STATUS=" UNIT_STATUS_FAILED "%d: %s", exit_code, line ?: "?");
	else
		(void) sd_notifyf(0, "%sSTATUS=" UNIT_STATUS_ENDED, unit->ready ? "" : "READY=1\n");
	free(unit->waiting);
	*unit = (SystemdUnit){ 0 };
}

const char *unit_status_cause(const char *status)
{
	const char *colon;

	if (!status || strncmp(status, UNIT_STATUS_FAILED, strlen(UNIT_STATUS_FAILED)) != 0)
		return NULL;
	colon = strstr(status, ": ");
	return colon ? colon + strlen(": ") : NULL;
}
