/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/attach-problems.h"
#include "model/macvtap-faults.h"
#include "model/names.h"
#include "model/networkd-faults.h"
#include "mvmd/exit-codes.h"

static int passt_missing(FaultList *faults)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "program-missing",
			 "passt is not installed, and \"attach\": \"passt\" needs it");
	(void) fault_evidence(&fault, "program", "passt");
	(void) fault_remedy(&fault, "apt install passt (Debian 13), or dnf install passt: one of "
				    "December 2024 or newer");
	return fault_list_take(faults, &fault);
}

static int passt_denied(const Program *passt, FaultList *faults)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, passt->error, MVMD_EXIT_PERMISSION, "program-denied",
			 "uid %u may not execute %s: %m", passt->uid, passt->path);
	(void) fault_evidence(&fault, "path", "%s", passt->path);
	(void) fault_evidence(&fault, "uid", "%u", passt->uid);
	(void) fault_remedy(&fault, "install passt where every user finds it: /usr/local/bin");
	return fault_list_take(faults, &fault);
}

static int passt_too_old(const Program *passt, FaultList *faults)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EPROTONOSUPPORT, MVMD_EXIT_UNAVAILABLE, "passt-too-old",
			 "%s, passt %s, knows no --vhost-user", passt->path,
			 passt->version ?: "of unknown version");
	(void) fault_why(&fault, "it came to passt at the end of November 2024");
	(void) fault_evidence(&fault, "path", "%s", passt->path);
	if (passt->version)
		(void) fault_evidence(&fault, "version", "%s", passt->version);
	(void) fault_remedy(&fault, "install a passt of December 2024 or newer (Debian 13 has one, "
				    "Debian 12 has not), or use another \"attach\"");
	return fault_list_take(faults, &fault);
}

static int check_program(const Facts *facts, FaultList *faults)
{
	if (!facts->passt.path)
		return passt_missing(faults);
	if (facts->passt.error < 0)
		return passt_denied(&facts->passt, faults);
	return facts->passt_knows_vhost_user ? 0 : passt_too_old(&facts->passt, faults);
}

static int check_namespaces(const Spec *spec, const Facts *facts, const char *id, FaultList *faults)
{
	Fault fault = { 0 };

	if (facts->sandbox.no_namespaces) {
		(void) fault_set(&fault, -EPERM, MVMD_EXIT_PERMISSION, "unit-lacks",
				 "interface %s: passt may not make its namespaces here", id);
		(void) fault_why(&fault, "the unit (RestrictNamespaces=, SystemCallFilter=) or the "
					 "container forbids it");
		(void) fault_evidence(&fault, "lacks", "RestrictNamespaces=, SystemCallFilter=");
		(void) fault_remedy(&fault,
				    "mvmd start %s brings the unit up to date (or: systemctl "
				    "daemon-reload); a container needs leave from whoever started "
				    "it",
				    spec->name);
	} else if (!facts->user_namespaces && facts->vm.uid != 0) {
		(void) fault_set(&fault, -EPERM, MVMD_EXIT_UNAVAILABLE, "user-namespaces-off",
				 "interface %s: passt cannot make its sandbox as uid %u", id,
				 facts->vm.uid);
		(void) fault_why(&fault, "user namespaces are switched off for ordinary users");
		(void) fault_evidence(&fault, "uid", "%u", facts->vm.uid);
		(void) fault_remedy(&fault,
				    "sysctl user.max_user_namespaces=10000 (and "
				    "kernel.unprivileged_userns_clone=1, "
				    "kernel.apparmor_restrict_unprivileged_userns=0 where they "
				    "exist)");
	} else {
		return 0;
	}
	(void) fault_evidence(&fault, "interface", "%s", id);
	return fault_list_take(faults, &fault);
}

static int check_port(const SpecInterface *interface, const SpecForward *forward,
		      const Facts *facts, FaultList *faults)
{
	Fault fault = { 0 };

	if ((int) forward->host >= facts->first_free_port || facts->vm.uid == 0)
		return 0;
	(void) fault_set(&fault, -EACCES, MVMD_EXIT_PERMISSION, "port-denied",
			 "interface %s: uid %u may not open %s port %" PRIu64, interface->id,
			 facts->vm.uid, ip_protocol_to_string(forward->protocol), forward->host);
	(void) fault_why(&fault,
			 "ports below %d are for programs with a right to them "
			 "(net.ipv4.ip_unprivileged_port_start), and passt gets none",
			 facts->first_free_port);
	(void) fault_evidence(&fault, "port", "%" PRIu64, forward->host);
	(void) fault_evidence(&fault, "uid", "%u", facts->vm.uid);
	(void) fault_remedy(&fault,
			    "set \"host\" to %d or more, or: sysctl "
			    "net.ipv4.ip_unprivileged_port_start=%" PRIu64
			    ", which is for all programs of this host",
			    facts->first_free_port, forward->host);
	return fault_list_take(faults, &fault);
}

static int check_passt(const Spec *spec, const SpecInterface *interface, const Facts *facts,
		       FaultList *faults)
{
	int r = check_namespaces(spec, facts, interface->id, faults);

	for (size_t i = 0; r >= 0 && i < interface->passt.n_forward; i++)
		r = check_port(interface, &interface->passt.forward[i], facts, faults);
	return r;
}

/* drivers/net/macvlan.c: macvlan_port_create() registers what a bridge or a bond has registered already. */
static int judge_link(const SpecInterface *interface, const BridgeFact *link,
		      const MacvtapWanted *wanted, Fault *ret)
{
	if (!link->ifindex)
		return 0;
	if (link->not_ethernet)
		return fault_macvtap_not_ethernet(wanted, ret);
	if (link->is_port)
		return fault_macvtap_port(wanted, ret);
	if (interface->mtu > link->mtu)
		return fault_macvtap_mtu(wanted, (uint32_t) interface->mtu, link->mtu, ret);
	return link->rival.name[0] ? fault_macvtap_rival(wanted, &link->rival, ret) : 0;
}

static int check_macvtap(const Spec *spec, const SpecInterface *interface, const BridgeFact *link,
			 FaultList *faults)
{
	char tap[TAP_NAME_MAX + 1];
	const MacvtapWanted wanted = { spec_tap_name(spec, interface, tap), interface->macvtap.link,
				       interface->macvtap.mode };
	Fault fault = { 0 };

	if (judge_link(interface, link, &wanted, &fault) == 0)
		return 0;
	(void) fault_evidence(&fault, "tap", "%s", wanted.tap);
	(void) fault_evidence(&fault, "link", "%s", wanted.link);
	(void) fault_evidence(&fault, "interface", "%s", interface->id);
	return fault_list_take(faults, &fault);
}

int attach_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	int r = spec_has_attach(spec, ATTACH_PASST) ? check_program(facts, faults) : 0;

	for (size_t i = 0; r >= 0 && i < spec->n_interfaces; i++) {
		const SpecInterface *interface = &spec->interfaces[i];
		NetAttach attach = spec_attach(interface);

		if (attach == ATTACH_PASST)
			r = check_passt(spec, interface, facts, faults);
		else if (attach == ATTACH_MACVTAP && i < facts->n_interfaces)
			r = check_macvtap(spec, interface, &facts->bridges[i], faults);
	}
	return r;
}

int attach_awaited(const Spec *spec, const Facts *facts, FaultList *faults)
{
	char text[FORMAT_MAX];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < facts->n_interfaces; i++) {
		const SpecInterface *interface = &spec->interfaces[i];
		const char *name = interface->macvtap.link;
		Fault fault = { 0 };

		if (spec_attach(interface) != ATTACH_MACVTAP || facts->bridges[i].ifindex)
			continue;
		(void) fault_set(&fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "link-missing",
				 "interface %s: there is no link %s yet; a start waits %s for it",
				 interface->id, name,
				 format_duration(text, spec->timeouts.bridge_usec));
		(void) fault_evidence(&fault, "link", "%s", name);
		(void) fault_remedy(&fault, "ip -br link lists those that are there; set \"link\" "
					    "in macvtap to one of them");
		r = fault_list_take(faults, &fault);
	}
	return r < 0 ? r : networkd_awaited(spec, facts, faults);
}
