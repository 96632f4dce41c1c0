/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/access.h"
#include "host/credentials.h"
#include "host/state-file.h"
#include "host/vm-dir.h"
#include "model/credentials.h"
#include "model/link-faults.h"
#include "model/run-faults.h"
#include "model/spec-json.h"
#include "mvmd/exit-codes.h"
#include "run/apply.h"
#include "run/deaf.h"
#include "run/step.h"

/* A VMM or backend that is to go in an undo: it has nothing to save any more. */
#define UNDO_GRACE_USEC (2 * USEC_PER_SEC)

static int *fds_new(size_t n)
{
	int *fds = calloc(n ?: 1, sizeof(*fds));

	for (size_t i = 0; fds && i < n; i++)
		fds[i] = -EBADF;
	return fds;
}

static Slot *slots_new(Resources *resources, size_t n)
{
	Slot *slots = calloc(n ?: 1, sizeof(*slots));

	for (size_t i = 0; slots && i < n; i++)
		slots[i] = (Slot){ resources, i };
	return slots;
}

int resources_init(sd_event *event, const Plan *plan, const ResourceHandlers *handlers,
		   Resources *ret)
{
	size_t n_nics = plan->n_nics ?: 1, n_backends = plan->n_backends ?: 1;

	*ret = (Resources){
		.event = event, .plan = plan, .handlers = *handlers, .lock_fd = -EBADF
	};
	ret->disk_locks = fds_new(plan->spec->n_disks);
	ret->listeners = fds_new(plan->n_backends);
	ret->link_waits = calloc(n_nics, sizeof(LinkWait *));
	ret->bridges = calloc(n_nics, sizeof(LinkInfo));
	ret->taps = calloc(n_nics, sizeof(Tap));
	ret->backends = calloc(n_backends, sizeof(Backend *));
	ret->socket_waits = calloc(n_backends, sizeof(SocketWait *));
	ret->nic_slots = slots_new(ret, plan->n_nics);
	ret->backend_slots = slots_new(ret, plan->n_backends);
	if (ret->disk_locks && ret->listeners && ret->link_waits && ret->bridges && ret->taps &&
	    ret->backends && ret->socket_waits && ret->nic_slots && ret->backend_slots)
		return 0;
	resources_done(ret);
	return -ENOMEM;
}

void resources_done(Resources *resources)
{
	(void) vmm_free(resources->vmm);
	for (size_t i = 0; resources->backends && i < resources->plan->n_backends; i++)
		(void) backend_free(resources->backends[i]);
	(void) nl_connection_free(resources->nl);
	(void) guest_notify_free(resources->notify);
	smbios_strings_done(&resources->smbios);
	free(resources->disk_locks);
	free(resources->listeners);
	free(resources->link_waits);
	free(resources->bridges);
	free(resources->taps);
	free(resources->backends);
	free(resources->socket_waits);
	free(resources->nic_slots);
	free(resources->backend_slots);
	*resources = (Resources){ .lock_fd = -EBADF };
}

static int record_backend(const Resources *resources, size_t i, StateFile *state)
{
	const PlanBackend *backend = &resources->plan->backends[i];
	pid_t pid = resources->backends[i] ? backend_pid(resources->backends[i]) : 0;
	_cleanup_free_ char *label = NULL;

	if (pid == 0)
		return 0;
	label = str_printf("%s[%s]", backend_kind_to_string(backend->kind), backend->id);
	return label ? state_file_add_backend(state, backend->id, label, pid,
					      backend_restarts(resources->backends[i])) :
		       -ENOMEM;
}

static int record_vmm(const Resources *resources, StateFile *state)
{
	const Plan *plan = resources->plan;
	const char *version = plan->vmm_program->version;
	int r = 0;

	if (!resources->vmm)
		return 0;
	vmm_count_oom_kills(resources->vmm);
	if (vmm_pid(resources->vmm) > 0)
		r = state_process_set(&state->vmm, vmm_kind_to_string(plan->vmm),
				      vmm_pid(resources->vmm));
	return r < 0 ? r : str_set(&state->vmm_version, vmm_version(resources->vmm) ?: version);
}

int resources_record(const Resources *resources)
{
	const Plan *plan = resources->plan;
	StateFile state = { .vmm_kind = plan->vmm, .accel = plan->accel };
	int r;

	state.spec = spec_to_json(plan->spec);
	r = str_set(&state.spec_file, plan->spec->file);
	if (r == 0)
		r = record_vmm(resources, &state);
	for (size_t i = 0; r == 0 && i < plan->n_backends; i++)
		r = record_backend(resources, i, &state);
	if (r == 0)
		r = state_file_write(plan->places.state_file, &state);
	state_file_done(&state);
	return r;
}

static void remark(Resources *resources, Fault *fault)
{
	resources->handlers.on_remark(fault, resources->handlers.userdata);
	fault_done(fault);
}

static int lock_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	_cleanup_free_ char *found = NULL;
	Fault leftovers = { 0 };
	int r;

	r = vm_lock(&resources->plan->places, &resources->lock_fd, fault);
	if (r < 0)
		return r;
	r = vm_leftovers_clean(&resources->plan->places, resources->replace, &found, fault);
	if (r < 0) {
		vm_unlock(&resources->plan->places, TAKE_FD(resources->lock_fd));
		return r;
	}
	if (found) {
		(void) fault_leftovers(found, &leftovers);
		remark(resources, &leftovers);
	}
	return 0;
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
	return r;
}

static int directory_undo(Resources *resources, const PlanStep *step)
{
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

static void on_bridge(const LinkInfo *bridge, const Fault *fault, void *userdata)
{
	Slot *slot = userdata;

	if (bridge)
		slot->resources->bridges[slot->subject] = *bridge;
	apply_step_done(slot->resources->apply, STEP_BRIDGE, slot->subject, fault);
}

static int open_netlink(Resources *resources, Fault *fault)
{
	int r = resources->nl ? 0 : nl_connection_new(NETLINK_ROUTE, &resources->nl);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "netlink", "cannot open a netlink socket: %m");
	return fault_remedy(fault, "ulimit -n; in a unit, allow AF_NETLINK in "
				   "RestrictAddressFamilies=");
}

/* What the probe saw a moment ago. The attaching tells where it has gone since: tap_attach(), bridge-lost. */
static LinkInfo bridge_from_facts(const PlanNic *nic, const BridgeFact *fact)
{
	LinkInfo bridge = { .ifindex = fact->ifindex,
			    .kind = "bridge",
			    .flags = fact->is_up ? IFF_UP : 0,
			    .mtu = fact->mtu };

	(void) snprintf(bridge.name, sizeof(bridge.name), "%s", nic->spec->bridge);
	return bridge;
}

static int bridge_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	const BridgeFact *fact = &resources->plan->facts->bridges[step->subject];
	int r;

	if (fact->is_bridge) {
		resources->bridges[step->subject] = bridge_from_facts(nic, fact);
		return 0;
	}
	r = link_wait_start(resources->event, nic->spec->bridge, step->deadline_usec, on_bridge,
			    &resources->nic_slots[step->subject],
			    &resources->link_waits[step->subject], fault);
	return r < 0 ? r : STEP_LATER;
}

static int bridge_undo(Resources *resources, const PlanStep *step)
{
	resources->link_waits[step->subject] = link_wait_free(resources->link_waits[step->subject]);
	return 0;
}

/* net/bridge/br_if.c: br_mtu_auto_adjust(). All that is on the bridge has to do with that. */
static void look_at_bridge_mtu(Resources *resources, const PlanNic *nic, const LinkInfo *before)
{
	LinkInfo bridge;
	Fault fault = { 0 };

	if (nic->mtu == 0 || nic->mtu >= before->mtu ||
	    link_get(resources->nl, before->name, &bridge) < 0 || bridge.mtu >= before->mtu)
		return;
	(void) fault_bridge_mtu(bridge.name, before->mtu, bridge.mtu, &fault);
	remark(resources, &fault);
}

/*
 * Where the bridge listens and learns first, the guest comes up without a network: that is told before anybody asks.
 * A port that is disabled has its carrier to come yet, or a bridge that is down, which is told already.
 */
static void look_at_port(Resources *resources, const PlanNic *nic, const Tap *tap)
{
	Fault fault = { 0 };

	if (tap->port_state != PORT_LISTENING && tap->port_state != PORT_LEARNING &&
	    tap->port_state != PORT_BLOCKING)
		return;
	(void) fault_port_not_forwarding(nic->tap, nic->spec->bridge,
					 port_state_to_string(tap->port_state), &fault);
	remark(resources, &fault);
}

static int tap_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	const LinkInfo *bridge = &resources->bridges[step->subject];
	Tap *tap = &resources->taps[step->subject];
	Fault down = { 0 };
	int r;

	if (!(bridge->flags & IFF_UP)) {
		(void) fault_bridge_down(bridge->name, &down);
		remark(resources, &down);
	}
	r = open_netlink(resources, fault);
	if (r < 0)
		return r;
	r = tap_create(resources->nl, nic, tap, fault);
	if (r < 0)
		return r;
	r = tap_attach(resources->nl, nic, tap, bridge, fault);
	if (r < 0) {
		tap_close(tap);
		return r;
	}
	look_at_bridge_mtu(resources, nic, bridge);
	look_at_port(resources, nic, tap);
	return 0;
}

static int tap_undo(Resources *resources, const PlanStep *step)
{
	tap_close(&resources->taps[step->subject]);
	return 0;
}

/* Who connects is the VMM, as the VM's user. */
static int listener_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanBackend *backend = &resources->plan->backends[step->subject];
	const SockAccess access = { .mode = 0600, .user = resources->plan->facts->vm.uid };
	int r = sock_listen(backend->socket, &access, &resources->listeners[step->subject]);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "listener", "cannot listen on %s: %m",
			 backend->socket);
	(void) fault_evidence(fault, "path", "%s", backend->socket);
	return fault_remedy(fault, "ulimit -n; namei -l %s", backend->socket);
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
	BackendConfig config = { .plan = resources->plan,
				 .backend = &resources->plan->backends[step->subject] };
	int r;

	r = backend_start(resources->event, &config, TAKE_FD(resources->listeners[step->subject]),
			  &resources->handlers.backend, &resources->backends[step->subject], fault);
	if (r < 0)
		return r;
	(void) resources_record(resources);
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
	int r = socket_wait_start(resources->event, resources->plan->backends[step->subject].socket,
				  step->deadline_usec, on_socket,
				  &resources->backend_slots[step->subject],
				  &resources->socket_waits[step->subject], fault);

	return r < 0 ? r : STEP_LATER;
}

static int external_undo(Resources *resources, const PlanStep *step)
{
	resources->socket_waits[step->subject] =
		socket_wait_free(resources->socket_waits[step->subject]);
	return 0;
}

static int console_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	int r;

	if (resources->plan->console_socket)
		r = console_new_listener(resources->event, resources->plan->console_socket,
					 &resources->console, fault);
	else
		r = console_new_pty(resources->event, &resources->console, fault);
	if (r == 0)
		console_set_listener(resources->console, resources->handlers.on_console_output,
				     resources->handlers.console_userdata);
	if (r == 0 && resources->handlers.console_output_fd >= 0)
		(void) console_add_output(resources->console,
					  resources->handlers.console_output_fd);
	return r;
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
			remark(resources, &faults.items[i]);
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
	(void) resources_record(userdata);
}

static int vmm_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	VmmResources given = { .plan = resources->plan,
			       .taps = resources->taps,
			       .smbios = &resources->smbios,
			       .console_fd = console_child_fd(resources->console),
			       .console_bytes = count_console_bytes,
			       .tell_wait = tell_wait,
			       .on_started = on_started,
			       .userdata = resources };
	int r;

	r = vmm_start(resources->event, &given, &resources->handlers.vmm, &resources->vmm, fault);
	if (r < 0)
		return r;
	console_release_child_fd(resources->console);
	(void) resources_record(resources);
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
