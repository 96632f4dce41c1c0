/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "model/conflicts.h"
#include "model/forwards.h"
#include "model/names.h"
#include "model/nic.h"
#include "mvmd/exit-codes.h"

/* One thing that only one VM can have at a time; what it is names the words for it. */
typedef struct Conflict {
	FaultList *faults;
	const Spec *a, *b;
} Conflict;

static int add_conflict(const Conflict *conflict, const char *id, const char *thing,
			const char *remedy)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EBUSY, MVMD_EXIT_BUSY, id, "%s and %s both have %s",
			 conflict->a->name, conflict->b->name, thing);
	(void) fault_evidence(&fault, "vms", "%s, %s", conflict->a->name, conflict->b->name);
	(void) fault_evidence(&fault, "both_have", "%s", thing);
	(void) fault_remedy(&fault, "%s in %s or in %s", remedy, conflict->a->file,
			    conflict->b->file);
	return fault_list_take(conflict->faults, &fault);
}

/* "": its name is the helper's choice. */
static const char *tap_of(const Spec *spec, const SpecInterface *interface,
			  char buffer[TAP_NAME_MAX + 1])
{
	if (spec_attach(interface) == ATTACH_HELPER)
		return "";
	return spec_tap_name(spec, interface, buffer);
}

static MacAddress mac_of(const Spec *spec, const SpecInterface *interface)
{
	MacAddress mac;

	if (interface->mac && mac_parse(interface->mac, &mac))
		return mac;
	return mac_derive(spec->name, interface->id);
}

static int compare_interfaces(const Conflict *conflict, const SpecInterface *a,
			      const SpecInterface *b)
{
	char tap_a[TAP_NAME_MAX + 1], tap_b[TAP_NAME_MAX + 1], thing[64], text[MAC_TEXT_MAX];
	const char *tap = tap_of(conflict->a, a, tap_a);
	MacAddress mac = mac_of(conflict->a, a), other = mac_of(conflict->b, b);
	int r = 0;

	if (*tap && attach_has_link(spec_attach(a)) && attach_has_link(spec_attach(b)) &&
	    streq(tap, tap_of(conflict->b, b, tap_b))) {
		(void) snprintf(thing, sizeof(thing), "the tap %s", tap);
		r = add_conflict(conflict, "tap-conflict", thing,
				 "write another \"tap\" for the interface");
	}
	if (r >= 0 && memcmp(&mac, &other, sizeof(mac)) == 0) {
		(void) snprintf(thing, sizeof(thing), "the MAC address %s", mac_format(text, mac));
		r = add_conflict(conflict, "mac-conflict", thing,
				 "write another \"mac\" for the interface");
	}
	return r;
}

/* The second would find the first one's, and what it asks for itself would not be. */
static int compare_bridges(const Conflict *conflict, const SpecInterface *a, const SpecInterface *b)
{
	_cleanup_free_ char *thing = NULL;

	if (!a->has_create_bridge || !b->has_create_bridge || !streq_null(a->bridge, b->bridge) ||
	    bridges_are_made_alike(a, b))
		return 0;
	thing = str_printf("the bridge %s, each with a \"create_bridge\" of its own", a->bridge);
	return thing ? add_conflict(conflict, "bridge-conflict", thing,
				    "write the other one's \"create_bridge\"") :
		       -ENOMEM;
}

static int add_forward_conflict(const Conflict *conflict, const SpecForward *a,
				const SpecForward *b)
{
	_cleanup_free_ char *words = forward_to_words(a), *other = forward_to_words(b);
	_cleanup_free_ char *thing = NULL;

	if (!words || !other)
		return -ENOMEM;
	if (streq(words, other))
		thing = str_printf("the host's %s", words);
	else
		thing = str_printf("the host's %s port %" PRIu64 ", %s at %s and %s at %s",
				   ip_protocol_to_string(a->protocol), a->host, conflict->a->name,
				   a->address ?: "all addresses", conflict->b->name,
				   b->address ?: "all addresses");
	return thing ? add_conflict(conflict, "port-conflict", thing,
				    "write another \"host\" in the forward") :
		       -ENOMEM;
}

static int compare_forwards(const Conflict *conflict, const SpecPasst *a, const SpecPasst *b)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < a->n_forward; i++)
		for (size_t j = 0; r >= 0 && j < b->n_forward; j++)
			if (forwards_collide(&a->forward[i], &b->forward[j]))
				r = add_forward_conflict(conflict, &a->forward[i], &b->forward[j]);
	return r;
}

static bool is_same_netns(const Spec *a, const Spec *b)
{
	return streq_null(a->netns, b->netns);
}

/* Names and addresses of links, and ports, are those of one network namespace. */
static int compare_all_interfaces(const Conflict *conflict)
{
	int r = 0;

	if (!is_same_netns(conflict->a, conflict->b))
		return 0;

	for (size_t i = 0; r >= 0 && i < conflict->a->n_interfaces; i++)
		for (size_t j = 0; r >= 0 && j < conflict->b->n_interfaces; j++) {
			const SpecInterface *a = &conflict->a->interfaces[i];
			const SpecInterface *b = &conflict->b->interfaces[j];

			r = compare_interfaces(conflict, a, b);
			if (r >= 0)
				r = compare_bridges(conflict, a, b);
			if (r >= 0)
				r = compare_forwards(conflict, &a->passt, &b->passt);
		}
	return r;
}

/* cloud-hypervisor's vsock is a UNIX socket of the VM's own: the host knows nothing of its CID. */
static bool has_cid_on_host(const Spec *spec)
{
	return spec->vmm != VMM_CLOUD_HYPERVISOR;
}

static int compare_cids(const Conflict *conflict)
{
	uint32_t cid = spec_cid(conflict->a);
	char thing[64];

	if (!has_cid_on_host(conflict->a) || !has_cid_on_host(conflict->b) || cid == 0 ||
	    cid != spec_cid(conflict->b))
		return 0;
	(void) snprintf(thing, sizeof(thing), "the vsock CID %" PRIu32, cid);
	return add_conflict(conflict, "cid-conflict", thing, "write another \"cid\"");
}

static bool is_same_disk(const SpecDisk *a, const DiskIdentity *id_a, const SpecDisk *b,
			 const DiskIdentity *id_b)
{
	if (!a->path || !b->path)
		return false;
	if (id_a && id_b && id_a->known && id_b->known)
		return id_a->dev == id_b->dev && id_a->ino == id_b->ino;
	return streq(a->path, b->path);
}

static int compare_disks(const Conflict *conflict, const ConflictSpec *specs_a,
			 const ConflictSpec *specs_b)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < conflict->a->n_disks; i++)
		for (size_t j = 0; r >= 0 && j < conflict->b->n_disks; j++) {
			const SpecDisk *a = &conflict->a->disks[i], *b = &conflict->b->disks[j];
			_cleanup_free_ char *thing = NULL;

			if ((a->readonly && b->readonly) ||
			    !is_same_disk(a, specs_a->disks ? &specs_a->disks[i] : NULL, b,
					  specs_b->disks ? &specs_b->disks[j] : NULL))
				continue;
			thing = str_printf("the disk %s, and %s writes to it", a->path,
					   a->readonly ? conflict->b->name :
					   b->readonly ? conflict->a->name :
							 "each of them");
			r = thing ? add_conflict(
					    conflict, "disk-conflict", thing,
					    "name another \"path\", or make it \"readonly\",") :
				    -ENOMEM;
		}
	return r;
}

/* The socket of a spec's i-th disk, share or interface; NULL where it has none. */
static const char *socket_of(const Spec *spec, size_t i)
{
	if (i < spec->n_disks)
		return spec->disks[i].socket;
	i -= spec->n_disks;
	if (i < spec->n_shares)
		return spec->shares[i].socket;
	return spec->interfaces[i - spec->n_shares].vhost_user.socket;
}

static size_t count_sockets(const Spec *spec)
{
	return spec->n_disks + spec->n_shares + spec->n_interfaces;
}

static int compare_sockets(const Conflict *conflict)
{
	const Spec *a = conflict->a, *b = conflict->b;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < count_sockets(a); i++)
		for (size_t j = 0; r >= 0 && j < count_sockets(b); j++) {
			const char *socket = socket_of(a, i);
			_cleanup_free_ char *thing = NULL;

			if (!socket || !streq_null(socket, socket_of(b, j)))
				continue;
			thing = str_printf("the vhost-user socket %s, which serves one", socket);
			r = thing ? add_conflict(conflict, "socket-conflict", thing,
						 "write another \"socket\"") :
				    -ENOMEM;
		}
	return r;
}

/* On the bridge of that name in the other spec's network namespace. */
static size_t count_ports(const Spec *spec, const Spec *other, const char *bridge)
{
	size_t n = 0;

	if (!is_same_netns(spec, other))
		return 0;

	for (size_t i = 0; i < spec->n_interfaces; i++)
		n += streq_null(spec->interfaces[i].bridge, bridge);
	return n;
}

/* Told where the spec names the bridge first of all. */
static bool is_first(const ConflictSpec *specs, size_t i, size_t j)
{
	const char *bridge = specs[i].spec->interfaces[j].bridge;

	for (size_t k = 0; k < j; k++)
		if (streq_null(specs[i].spec->interfaces[k].bridge, bridge))
			return false;
	for (size_t k = 0; k < i; k++)
		if (count_ports(specs[k].spec, specs[i].spec, bridge) > 0)
			return false;
	return true;
}

static int look_at_bridge(const ConflictSpec *specs, size_t n, const Spec *spec, const char *bridge,
			  FaultList *faults)
{
	Fault fault = { 0 };
	size_t n_ports = 0;

	for (size_t i = 0; i < n; i++)
		n_ports += count_ports(specs[i].spec, spec, bridge);
	if (n_ports <= BRIDGE_PORTS_MAX)
		return 0;
	(void) fault_set(&fault, -EXFULL, MVMD_EXIT_UNAVAILABLE, "bridge-full",
			 "the specs put %zu interfaces on bridge %s, which has room for %d",
			 n_ports, bridge, BRIDGE_PORTS_MAX);
	(void) fault_evidence(&fault, "bridge", "%s", bridge);
	(void) fault_evidence(&fault, "ports_max", "%d", BRIDGE_PORTS_MAX);
	(void) fault_why(&fault, "a bridge has at most %d ports, so not all can run at a time",
			 BRIDGE_PORTS_MAX);
	(void) fault_remedy(&fault, "set interfaces[].bridge of some of them to another bridge");
	return fault_list_take(faults, &fault);
}

static int look_at_bridges(const ConflictSpec *specs, size_t n, FaultList *faults)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; r == 0 && j < specs[i].spec->n_interfaces; j++) {
			const char *bridge = specs[i].spec->interfaces[j].bridge;

			if (bridge && is_first(specs, i, j))
				r = look_at_bridge(specs, n, specs[i].spec, bridge, faults);
		}
	return r;
}

int spec_conflicts(const ConflictSpec *specs, size_t n, FaultList *faults)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			Conflict conflict = { faults, specs[i].spec, specs[j].spec };

			r = compare_all_interfaces(&conflict);
			if (r >= 0)
				r = compare_cids(&conflict);
			if (r >= 0)
				r = compare_disks(&conflict, &specs[i], &specs[j]);
			if (r >= 0)
				r = compare_sockets(&conflict);
			if (r < 0)
				return r;
		}
	return look_at_bridges(specs, n, faults);
}
