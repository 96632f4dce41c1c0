/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor-life.h"
#include <time.h>

#include "cli/client.h"
#include "host/record-series.h"
#include "model/findings.h"
#include "mvmd/exit-codes.h"
#include "run/post-mortem.h"

#define TIME_TEXT_MAX 32

/* What was found while it ran, which it survived. */
static void take_findings(Doctor *doctor, json_t *findings)
{
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		const char *id = json_string_value(json_object_get(finding, "id"));
		const char *what = json_string_value(json_object_get(finding, "what"));
		const char *why = json_string_value(json_object_get(finding, "why"));
		const char *remedy = json_string_value(json_object_get(finding, "remedy"));
		const Finding *row = id ? finding_find(id) : NULL;
		Fault fault = { 0 };

		if (!row || !what)
			continue;
		(void) fault_set(&fault, 0, MVMD_EXIT_OK, row->id, "%s", what);
		if (why)
			(void) fault_why(&fault, "%s", why);
		(void) fault_remedy(&fault, "%s", remedy ?: row->remedy);
		doctor_take(doctor, ABOUT_VM,
			    row->severity == FINDING_NOTE ? DOCTOR_NOTE : DOCTOR_WARNING, &fault);
	}
}

/* Its state, in the supervisor's words; one that does not answer is a finding as well. False where it has ended. */
static bool say_running(Doctor *doctor, const VmFound *found)
{
	json_t *status = NULL;
	Fault fault = { 0 };
	const char *state;
	int r = client_call(found, "io.mvmd.vm.GetStatus", NULL, &status, NULL, &fault);

	if (r == -ESRCH) {
		fault_done(&fault);
		return false;
	}
	if (r < 0)
		doctor_take(doctor, ABOUT_VM, r == -EPERM ? DOCTOR_NOTE : DOCTOR_WARNING, &fault);
	state = json_string_value(json_object_get(status, "state"));
	(void) fault_set(&fault, -EBUSY, MVMD_EXIT_BUSY, "already-running",
			 "%s is started already: its state is %s, its supervisor pid %d",
			 found->places.name, state ?: "unknown", found->pid);
	(void) fault_remedy(&fault, "mvmd status %s", found->places.name);
	(void) fault_evidence(&fault, "state", "%s", state ?: "");
	(void) fault_evidence(&fault, "pid", "%d", found->pid);
	doctor_take(doctor, ABOUT_VM, DOCTOR_NOTE, &fault);
	take_findings(doctor, json_object_get(status, "findings"));
	json_decref(status);
	return true;
}

static void say_orphaned(Doctor *doctor, const VmFound *found)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EBUSY, MVMD_EXIT_BUSY, "vmm-outlived-supervisor",
			 "%s has no supervisor, and its VMM, pid %d, runs on", found->places.name,
			 found->pid);
	(void) fault_why(&fault, "the mvmd that had started it was killed");
	(void) fault_remedy(&fault, "mvmd %s %s takes it over, mvmd stop %s stops it",
			    client_start_verb(found), found->places.name, found->places.name);
	(void) fault_evidence(&fault, "pid", "%d", found->pid);
	doctor_take(doctor, ABOUT_VM, DOCTOR_ERROR, &fault);
}

/* Its supervisor counts it as started, so that a start beside it is refused. */
static void say_waiting(Doctor *doctor, const VmFound *found)
{
	uint64_t now = now_usec(), until = found->waits_until_usec;
	uint64_t left = until > now ? (until - now) / USEC_PER_SEC * USEC_PER_SEC : 0;
	char text[FORMAT_MAX];
	Fault fault = { 0 };

	(void) fault_set(&fault, -EBUSY, MVMD_EXIT_BUSY, "already-running",
			 found->waits_for_slot ?
				 "%s is started already, and waits for a start slot" :
				 "%s is started already, and waits: its next try is in %s",
			 found->places.name, format_duration(text, left));
	if (found->waits_for_slot)
		(void) fault_why(&fault,
				 "as many VMs start now as \"start_slots\" in host.conf allows");
	else
		(void) fault_why(&fault, "its last runs ended so that they are tried again, each "
					 "after a longer wait");
	(void) fault_remedy(&fault,
			    found->waits_for_slot ?
				    "mvmd list shows which; mvmd stop %s ends the wait" :
				    "mvmd status --last %s tells why; mvmd stop %s ends the wait",
			    found->places.name, found->places.name);
	(void) fault_evidence(&fault, "state", "waiting");
	(void) fault_evidence(&fault, "pid", "%d", found->pid);
	doctor_take(doctor, ABOUT_VM, DOCTOR_NOTE, &fault);
}

/* It need not be so any more, so it is only told. */
static void say_last_failure(Doctor *doctor, const Places *places, const char *name)
{
	char ended[TIME_TEXT_MAX] = "";
	const char *id, *what, *remedy;
	json_t *record = NULL, *cause;
	Fault fault = { 0 };
	struct tm local;
	time_t time;

	if (record_series_last(places->state_directory, name, POST_MORTEM_SERIES, &record) < 0)
		return;
	cause = json_object_get(record, "cause");
	id = json_string_value(json_object_get(cause, "id"));
	what = json_string_value(json_object_get(cause, "what"));
	remedy = json_string_value(json_object_get(cause, "remedy"));
	time = (time_t) json_integer_value(json_object_get(record, "ended_realtime_usec")) /
	       (time_t) USEC_PER_SEC;
	if (localtime_r(&time, &local))
		(void) strftime(ended, sizeof(ended), "%Y-%m-%d %H:%M:%S", &local);
	if (id && finding_find(id) && what) {
		(void) fault_set(&fault, 0, MVMD_EXIT_OK, finding_find(id)->id,
				 "its last run that failed ended %s: %s", ended, what);
		if (remedy && strstr(remedy, "mvmd status --last"))
			(void) fault_remedy(&fault, "%s", remedy);
		else
			(void) fault_remedy(&fault, "%s%smvmd status --last %s tells more",
					    remedy ?: "", remedy ? "; " : "", name);
		doctor_take(doctor, ABOUT_VM, DOCTOR_NOTE, &fault);
	}
	json_decref(record);
}

bool doctor_look_at_life(DoctorRun *run, const char *argument)
{
	VmFound found = { 0 };
	Fault fault = { 0 };
	bool running, orphaned;

	if (client_find(run->places, argument, &found, &fault) < 0) {
		fault_done(&fault); /* no name of a VM, which spec_load() has said */
		return false;
	}
	running = found.presence == VM_PRESENCE_RUNNING && say_running(&run->doctor, &found);
	orphaned = found.presence == VM_PRESENCE_ORPHANED;
	if (found.presence == VM_PRESENCE_WAITING)
		say_waiting(&run->doctor, &found);
	else if (orphaned)
		say_orphaned(&run->doctor, &found);
	if (!running)
		say_last_failure(&run->doctor, run->places, found.places.name);
	vm_found_done(&found);
	return running || orphaned;
}
