/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/access.h"
#include "host/cid-look.h"
#include "host/credentials.h"
#include "host/forward-look.h"
#include "host/state-file.h"
#include "host/vm-dir.h"
#include "model/credentials.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/apply.h"
#include "run/deaf.h"
#include "run/step-internal.h"

/* A VMM or backend that is to go in an undo: it has nothing to save any more. */
#define UNDO_GRACE_USEC (2 * USEC_PER_SEC)

static void changed(Resources *resources)
{
	resources->handlers.on_change(resources->handlers.userdata);
}

void step_remark(Resources *resources, Fault *fault)
{
	resources->handlers.on_remark(fault, resources->handlers.userdata);
	fault_done(fault);
}

static int clean_leftovers(Resources *resources, Fault *fault)
{
	_cleanup_free_ char *found = NULL;
	Fault leftovers = { 0 };
	int r = vm_leftovers_clean(&resources->plan->places, resources->replace, &found, fault);

	if (r == 0 && found) {
		(void) fault_leftovers(found, &leftovers);
		step_remark(resources, &leftovers);
	}
	return r;
}

/* CID and ports are looked at when an earlier VMM of this VM's own is gone, and before anything is made in vain. */
static int lock_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const Plan *plan = resources->plan;
	int r = vm_lock(&plan->places, &resources->lock_fd, fault);

	if (r < 0)
		return r;
	r = clean_leftovers(resources, fault);
	if (r == 0)
		r = cid_look(plan, fault);
	if (r == 0)
		r = forwards_look(plan, fault);
	if (r < 0)
		vm_unlock(&plan->places, TAKE_FD(resources->lock_fd));
	return r;
}

static int lock_undo(Resources *resources, const PlanStep *step)
{
	vm_unlock(&resources->plan->places, TAKE_FD(resources->lock_fd));
	return 0;
}

/* Who has the disk is mostly another VM of ours: then its name says more than its pid. */
static int name_holder(const Resources *resources, Fault *fault)
{
	const char *pid = fault_evidence_get(fault, "holder_pid");
	_cleanup_free_ char *name = pid ? vm_name_of_pid(resources->plan->places.runtime_directory,
							 (pid_t) strtol(pid, NULL, 10)) :
					  NULL;

	if (!name)
		return fault->error;
	(void) fault_evidence(fault, "holder_vm", "%s", name);
	(void) fault_why(fault, "the VM %s has it", name);
	return fault_remedy(
		fault,
		"mvmd stop %s, or give each VM a disk of its own; \"readonly\": true in "
		"both lets them share it",
		name);
}

static int disk_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const SpecDisk *disk = &resources->plan->spec->disks[step->subject];
	int r = disk_lock(&resources->plan->facts->vm, disk->path, disk->readonly,
			  &resources->disk_locks[step->subject], fault);

	return r < 0 ? name_holder(resources, fault) : 0;
}

static int disk_undo(Resources *resources, const PlanStep *step)
{
	resources->disk_locks[step->subject] = close_fd(resources->disk_locks[step->subject]);
	return 0;
}

static int directory_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	int r = vm_directory_make(&resources->plan->places, &resources->plan->facts->vm, fault);

	if (r < 0)
		(void) vm_directory_remove(&resources->plan->places);
	else
		(void) vm_alive_lock(&resources->plan->places, &resources->alive_fd);
	return r;
}

static int directory_undo(Resources *resources, const PlanStep *step)
{
	resources->alive_fd = close_fd(resources->alive_fd);
	(void) vm_directory_remove(&resources->plan->places);
	return 0;
}

static int control_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	return control_new(resources->event, resources->plan->places.control_socket,
			   resources->plan->spec, &resources->handlers.control, &resources->control,
			   fault);
}

static int control_undo(Resources *resources, const PlanStep *step)
{
	resources->control = control_free(resources->control);
	(void) unlink(resources->plan->places.control_socket);
	return 0;
}

BackendConfig backend_config(const Resources *resources, size_t i)
{
	return (BackendConfig){ .plan = resources->plan,
				.kept = resources->kept,
				.backend = &resources->plan->backends[i] };
}

static int listener_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const BackendConfig config = backend_config(resources, step->subject);

	return backend_listen(&config, &resources->listeners[step->subject], fault);
}

static int listener_undo(Resources *resources, const PlanStep *step)
{
	int *listener = &resources->listeners[step->subject];

	*listener = close_fd(*listener);
	(void) unlink(resources->plan->backends[step->subject].socket);
	return 0;
}

static int backend_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	BackendConfig config = backend_config(resources, step->subject);
	int r;

	r = backend_start(resources->event, &config, TAKE_FD(resources->listeners[step->subject]),
			  &resources->handlers.backend, &resources->backends[step->subject], fault);
	if (r < 0)
		return r;
	if (resources->vmm)
		vmm_count_oom_kills(resources->vmm);
	changed(resources);
	return 0;
}

static int backend_undo(Resources *resources, const PlanStep *step)
{
	backend_stop(resources->backends[step->subject]);
	return STEP_LATER;
}

static void on_socket(const Fault *fault, void *userdata)
{
	Slot *slot = userdata;

	apply_step_done(slot->resources->apply, STEP_EXTERNAL, slot->subject, fault);
}

static int external_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	int r;

	if (backend_comes_to_vmm(&resources->plan->backends[step->subject]))
		return peer_apply(resources, step, fault);
	r = socket_wait_start(resources->event, resources->plan->backends[step->subject].socket,
			      step->deadline_usec, on_socket,
			      &resources->backend_slots[step->subject],
			      &resources->socket_waits[step->subject], fault);

	return r < 0 ? r : STEP_LATER;
}

static int external_undo(Resources *resources, const PlanStep *step)
{
	resources->socket_waits[step->subject] =
		socket_wait_free(resources->socket_waits[step->subject]);
	if (backend_comes_to_vmm(&resources->plan->backends[step->subject]))
		peer_undo(resources, step);
	return 0;
}

char *console_history_path(const Plan *plan)
{
	return str_printf("%s/console.history", plan->places.directory);
}

void console_begin(Resources *resources)
{
	const ResourceHandlers *handlers = &resources->handlers;
	_cleanup_free_ char *history = console_history_path(resources->plan);
	Console *console = resources->console;

	if (history)
		(void) console_keep_history(console, history);
	if (resources->adoption)
		console_count_on(console, resources->adoption->console_bytes);
	console_set_listener(console, handlers->on_console_output, handlers->console_userdata);
	if (handlers->console_output_fd >= 0)
		(void) console_add_output(console, handlers->console_output_fd);
}

static int console_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const char *socket = resources->plan->console_socket;
	int r;

	if (socket)
		r = console_new_listener(resources->event, socket, &resources->console, fault);
	else
		r = console_new_pty(resources->event, &resources->console, fault);
	if (r < 0)
		return r;
	if (!socket)
		kept_add(resources->kept, CONSOLE_NAME, console_master_fd(resources->console));
	console_begin(resources);
	return 0;
}

static int console_undo(Resources *resources, const PlanStep *step)
{
	resources->console = console_free(resources->console);
	if (resources->plan->console_socket)
		(void) unlink(resources->plan->console_socket);
	return 0;
}

static int notify_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	return guest_notify_new(resources->event, resources->plan, &resources->handlers.notify,
				&resources->notify, fault);
}

static int notify_undo(Resources *resources, const PlanStep *step)
{
	resources->notify = guest_notify_free(resources->notify);
	if (resources->plan->notify.socket)
		(void) unlink(resources->plan->notify.socket);
	return 0;
}

/* Whom the guest's systemd is to tell that it is ready. */
static int make_notify_string(const Plan *plan, char **ret)
{
	_cleanup_free_ char *address =
		str_printf("vsock-stream:%d:%" PRIu32, VMADDR_CID_HOST, plan->notify.port);

	return address ? smbios_credential(CREDENTIAL_NOTIFY, address, strlen(address), ret) :
			 -ENOMEM;
}

static int read_credentials(const Spec *spec, SmbiosStrings *strings, Fault *fault)
{
	size_t bytes = 0;

	for (size_t i = 0; i < spec->n_credentials; i++) {
		char *string = NULL;
		mode_t mode;
		int r = credential_read(&spec->credentials[i], &string, &mode);

		if (r < 0)
			return fault_credential(spec, &spec->credentials[i], r, fault);
		bytes += smbios_string_bytes(string);
		if (smbios_strings_take(strings, string) < 0)
			return fault_oom(fault);
	}
	return bytes > SMBIOS_STRINGS_MAX_BYTES ? fault_credentials_too_large(spec, bytes, fault) :
						  0;
}

static int credentials_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const Plan *plan = resources->plan;
	int r = read_credentials(plan->spec, &resources->smbios, fault);
	char *string;

	if (r == 0 && plan->notify.port &&
	    (make_notify_string(plan, &string) < 0 ||
	     smbios_strings_take(&resources->smbios, string) < 0))
		r = fault_oom(fault);
	if (r < 0)
		smbios_strings_done(&resources->smbios);
	return r;
}

static int credentials_undo(Resources *resources, const PlanStep *step)
{
	smbios_strings_done(&resources->smbios);
	return 0;
}

/* The first that ends the start is the step's own fault; what else there is to say is said before. */
static int record_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const StartJudge *judge = &resources->judge;
	FaultList faults = { 0 };
	int r = judge->judge ? judge->judge(judge->userdata, &faults) : 0;

	for (size_t i = 0; i < faults.n; i++) {
		if (faults.items[i].exit_code != MVMD_EXIT_OK && fault->error == 0)
			fault_move(fault, &faults.items[i]);
		else
			step_remark(resources, &faults.items[i]);
	}
	fault_list_done(&faults);
	return r < 0 ? fault_oom(fault) : fault->error;
}

/* The record stays, for whoever asks afterwards. */
static int record_undo(Resources *resources, const PlanStep *step)
{
	return 0;
}

static uint64_t count_console_bytes(void *userdata)
{
	const Resources *resources = userdata;

	console_drain(resources->console);
	return console_bytes(resources->console);
}

static void tell_wait(Fault *fault, void *userdata)
{
	(void) deaf_tell(userdata, fault);
}

static void on_started(void *userdata)
{
	changed(userdata);
}

VmmResources vmm_resources(Resources *resources)
{
	return (VmmResources){ .plan = resources->plan,
			       .taps = resources->taps,
			       .smbios = &resources->smbios,
			       .console_fd = console_child_fd(resources->console),
			       .held_fds = resources->held_fds,
			       .n_held_fds = resources->plan->spec->n_disks + 2,
			       .console_bytes = count_console_bytes,
			       .kept = resources->kept,
			       .tell_wait = tell_wait,
			       .on_started = on_started,
			       .userdata = resources };
}

static int vmm_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	VmmResources given = vmm_resources(resources);
	int r;

	resources->held_fds[0] = console_master_fd(resources->console);
	resources->held_fds[1] = resources->alive_fd;
	memcpy(resources->held_fds + 2, resources->disk_locks,
	       resources->plan->spec->n_disks * sizeof(*resources->held_fds));
	r = vmm_start(resources->event, &given, &resources->handlers.vmm, &resources->vmm, fault);
	if (r < 0)
		return r;
	console_release_child_fd(resources->console);
	changed(resources);
	return STEP_LATER;
}

static int vmm_undo(Resources *resources, const PlanStep *step)
{
	bool lives = vmm_pid(resources->vmm) > 0;

	vmm_quit(resources->vmm, UNDO_GRACE_USEC);
	return lives ? STEP_LATER : 0;
}

static const StepOps ops[_STEP_KIND_MAX] = {
	[STEP_LOCK] = { lock_apply, lock_undo },
	[STEP_DISK_LOCK] = { disk_apply, disk_undo },
	[STEP_DIRECTORY] = { directory_apply, directory_undo },
	[STEP_CONTROL] = { control_apply, control_undo },
	[STEP_BRIDGE] = { bridge_apply, bridge_undo },
	[STEP_TAP] = { tap_apply, tap_undo },
	[STEP_LISTENER] = { listener_apply, listener_undo },
	[STEP_BACKEND] = { backend_apply, backend_undo },
	[STEP_EXTERNAL] = { external_apply, external_undo },
	[STEP_CONSOLE] = { console_apply, console_undo },
	[STEP_NOTIFY] = { notify_apply, notify_undo },
	[STEP_CREDENTIALS] = { credentials_apply, credentials_undo },
	[STEP_VMM] = { vmm_apply, vmm_undo },
	[STEP_RECORD] = { record_apply, record_undo },
};

const StepOps *step_ops(StepKind kind)
{
	return &ops[kind];
}
