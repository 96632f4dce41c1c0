/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/plan-steps.h"
#include "mvmd/exit-codes.h"

/* linux/if_ether.h: ETH_DATA_LEN, with which every tap begins. */
#define TAP_MTU_DEFAULT 1500

static const char *const backend_kind_table[] = {
	[BACKEND_VIRTIOFSD] = "virtiofsd",
	[BACKEND_STORAGE_DAEMON] = "storage-daemon",
	[BACKEND_PASST] = "passt",
	[BACKEND_EXTERNAL] = "external",
};
_Static_assert(ELEMENTSOF(backend_kind_table) == _BACKEND_KIND_MAX, "backend_kind_table");

const char *backend_kind_to_string(BackendKind kind)
{
	return backend_kind_table[kind];
}

bool nic_is_port(const PlanNic *nic)
{
	return nic->attach == ATTACH_BRIDGE || nic->attach == ATTACH_HELPER;
}

const char *backend_device(const PlanBackend *backend)
{
	return backend->disk ? "disk" : backend->share ? "share" : "interface";
}

const PlanBackend *plan_backend_of(const Plan *plan, const void *device)
{
	for (size_t i = 0; i < plan->n_backends; i++) {
		const PlanBackend *backend = &plan->backends[i];

		if (backend->disk == device || backend->share == device ||
		    backend->interface == device)
			return backend;
	}
	return NULL;
}

bool backend_comes_to_vmm(const PlanBackend *backend)
{
	return backend->interface && backend->kind == BACKEND_EXTERNAL &&
	       backend->interface->vhost_user.mode == VHOST_USER_SERVER;
}

static int plan_places(Plan *plan, const char *runtime_directory)
{
	bool has_vsock = plan->vmm == VMM_CLOUD_HYPERVISOR && plan->cid;
	VmPlaces *places = &plan->places;
	int r;

	r = vm_places_init(runtime_directory, plan->spec->name, places);
	if (r < 0)
		return r;
	plan->vmm_socket = str_printf("%s/%s", places->directory,
				      plan->vmm == VMM_QEMU ? "qmp.sock" : "api.sock");
	if (plan->vmm == VMM_QEMU)
		plan->console_socket = str_printf("%s/console.sock", places->directory);
	if (has_vsock)
		plan->vsock_socket = str_printf("%s/vsock.sock", places->vmm_directory);
	if (has_vsock && plan->notify.port)
		plan->notify.socket = str_printf("%s/vsock.sock_%" PRIu32, places->vmm_directory,
						 plan->notify.port);

	if (!plan->vmm_socket || (plan->vmm == VMM_QEMU && !plan->console_socket) ||
	    (has_vsock && !plan->vsock_socket) ||
	    (has_vsock && plan->notify.port && !plan->notify.socket))
		return -ENOMEM;
	return 0;
}

/* 0: it follows from a bridge that is not there yet. */
static uint32_t plan_mtu(const SpecInterface *interface, const BridgeFact *bridge)
{
	NetAttach attach = spec_attach(interface);

	if (interface->mtu || !attach_has_link(attach))
		return (uint32_t) interface->mtu;
	if (attach == ATTACH_MACVTAP)
		return bridge->mtu;
	if (!interface->bridge || (attach == ATTACH_NETWORKD && !bridge->is_bridge))
		return TAP_MTU_DEFAULT;
	return bridge->is_bridge ? bridge->mtu : 0;
}

static int plan_nics(Plan *plan)
{
	const Spec *spec = plan->spec;

	plan->nics = calloc(spec->n_interfaces ?: 1, sizeof(*plan->nics));
	if (!plan->nics)
		return -ENOMEM;

	for (size_t i = 0; i < spec->n_interfaces; i++) {
		const SpecInterface *interface = &spec->interfaces[i];
		PlanNic *nic = &plan->nics[plan->n_nics++];

		nic->spec = interface;
		nic->attach = spec_attach(interface);
		nic->queues = nic_queues(interface, spec->cpus);
		nic->vhost = plan->vmm == VMM_QEMU && plan->accel == ACCEL_KVM &&
			     plan->facts->vhost_net && attach_has_link(nic->attach);
		nic->on_detach = spec_on_detach(interface);
		nic->mtu = plan_mtu(interface, &plan->facts->bridges[i]);
		if (!interface->mac || !mac_parse(interface->mac, &nic->mac))
			nic->mac = mac_derive(spec->name, interface->id);
		nic->tap_mac = nic->attach == ATTACH_MACVTAP ? nic->mac : mac_of_tap(nic->mac);
		nic->port = port_of(interface);
		nic->offloads = nic_offloads(interface);
		nic->rate = nic_rate(interface);
		nic->alias = tap_alias_make(spec->name, interface->id);
		if (!nic->alias)
			return -ENOMEM;

		if (!attach_has_link(nic->attach))
			continue;
		if (nic->attach == ATTACH_HELPER)
			continue; /* its tap has the name and the MAC that the helper gives it */
		if (interface->tap) {
			(void) snprintf(nic->tap, sizeof(nic->tap), "%s", interface->tap);
		} else if (tap_name_derive(nic->tap, spec->name, interface->id)) {
			nic->altname = str_printf("vm-%s-%s", spec->name, interface->id);
			if (!nic->altname)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Somebody else's socket stays where it is; ours is RUNTIME/NAME/KIND-ID.sock. */
static int plan_add_backend(Plan *plan, PlanBackend backend, const char *external)
{
	if (external) {
		backend.kind = BACKEND_EXTERNAL;
		backend.socket = strdup(external);
	} else {
		backend.socket = str_printf("%s/%s-%s.sock", plan->places.directory,
					    backend_device(&backend), backend.id);
	}
	if (!backend.socket)
		return -ENOMEM;
	backend.on_exit = plan_on_exit(&backend, plan->vmm);
	plan->backends[plan->n_backends++] = backend;
	return 0;
}

static int plan_nic_backends(Plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_nics; i++) {
		const SpecInterface *interface = &plan->spec->interfaces[i];
		PlanBackend backend = { .kind = BACKEND_PASST,
					.id = interface->id,
					.interface = interface,
					.identity = plan->facts->vm };

		if (attach_is_vhost_user(plan->nics[i].attach))
			r = plan_add_backend(plan, backend, interface->vhost_user.socket);
	}
	return r;
}

static int plan_backends(Plan *plan)
{
	const Spec *spec = plan->spec;
	int r;

	plan->backends = calloc((spec->n_disks + spec->n_shares + spec->n_interfaces) ?: 1,
				sizeof(*plan->backends));
	if (!plan->backends)
		return -ENOMEM;

	for (size_t i = 0; i < spec->n_disks; i++) {
		const SpecDisk *disk = &spec->disks[i];
		PlanBackend backend = { .kind = BACKEND_STORAGE_DAEMON,
					.id = disk->id,
					.disk = disk,
					.identity = plan->facts->vm };

		if (!disk->socket && disk->backend != DISK_BY_STORAGE_DAEMON)
			continue;
		r = plan_add_backend(plan, backend, disk->socket);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < spec->n_shares; i++) {
		const SpecShare *share = &spec->shares[i];
		PlanBackend backend = { .kind = BACKEND_VIRTIOFSD,
					.id = share->id,
					.share = share,
					.identity = plan->facts->share_users[i] };

		r = plan_add_backend(plan, backend, share->socket);
		if (r < 0)
			return r;
	}
	return plan_nic_backends(plan);
}

static int check_socket_path(const char *path, Fault *fault)
{
	if (!path || strlen(path) <= SOCKET_PATH_MAX)
		return 0;
	(void) fault_set(fault, -ENAMETOOLONG, MVMD_EXIT_USAGE, "socket-path-too-long",
			 "the socket path %s has %zu bytes", path, strlen(path));
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_evidence(fault, "length", "%zu", strlen(path));
	(void) fault_why(fault, "a UNIX socket's path holds at most %d bytes (unix(7))",
			 SOCKET_PATH_MAX);
	return fault_remedy(fault,
			    "give a shorter --runtime-dir, a shorter VM name or a shorter id");
}

static int check_socket_paths(const Plan *plan, Fault *fault)
{
	const char *const paths[] = { plan->places.control_socket, plan->vmm_socket,
				      plan->console_socket, plan->vsock_socket,
				      plan->notify.socket };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTSOF(paths); i++)
		r = check_socket_path(paths[i], fault);
	for (size_t i = 0; r == 0 && i < plan->n_backends; i++)
		r = check_socket_path(plan->backends[i].socket, fault);
	return r;
}

static int plan_choose(Plan *plan)
{
	VmmChoice choice = vmm_choose(plan->spec, plan->facts);

	plan->vmm = choice.vmm;
	plan->accel = choice.accel;
	plan->vmm_program =
		choice.vmm == VMM_QEMU ? &plan->facts->qemu : &plan->facts->cloud_hypervisor;
	plan->vmm_reason = str_printf("%s with %s: %s", vmm_kind_to_string(choice.vmm),
				      choice.accel == ACCEL_KVM ? "KVM" : "TCG", choice.reason);
	plan->boot_protocol = kernel_boot_protocol(plan->spec, plan->facts, plan->vmm);
	plan->shared_memory = spec_needs_shared_memory(plan->spec);
	plan->cid = spec_cid(plan->spec);
	if (plan->spec->ready == READY_GUEST)
		plan->notify.port = plan->vmm == VMM_CLOUD_HYPERVISOR ?
					    NOTIFY_PORT :
					    notify_port_of_cid(plan->cid);
	plan->n_smbios_strings = plan->spec->n_credentials + (plan->spec->ready == READY_GUEST);
	return plan->vmm_reason ? 0 : -ENOMEM;
}

int plan_build(const Spec *spec, const Facts *facts, const char *runtime_directory, Plan **ret,
	       Fault *fault)
{
	_cleanup_(plan_free_p) Plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return fault_oom(fault);
	plan->spec = spec;
	plan->facts = facts;

	r = plan_choose(plan);
	if (r == 0)
		r = plan_places(plan, runtime_directory);
	if (r == 0)
		r = plan_nics(plan);
	if (r == 0)
		r = plan_backends(plan);
	if (r == 0)
		r = plan_add_steps(plan);
	if (r < 0)
		return fault_oom(fault);

	r = check_socket_paths(plan, fault);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

Plan *plan_free(Plan *plan)
{
	if (!plan)
		return NULL;
	for (size_t i = 0; i < plan->n_steps; i++) {
		free(plan->steps[i].id);
		free(plan->steps[i].needs);
		free(plan->steps[i].what);
		free(plan->steps[i].awaits);
	}
	for (size_t i = 0; i < plan->n_nics; i++) {
		free(plan->nics[i].altname);
		free(plan->nics[i].alias);
	}
	for (size_t i = 0; i < plan->n_backends; i++)
		free(plan->backends[i].socket);
	free(plan->steps);
	free(plan->nics);
	free(plan->backends);
	vm_places_done(&plan->places);
	free(plan->vmm_reason);
	free(plan->vmm_socket);
	free(plan->console_socket);
	free(plan->vsock_socket);
	free(plan->notify.socket);
	free(plan);
	return NULL;
}
