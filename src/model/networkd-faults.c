/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "model/network-file.h"
#include "model/networkd-faults.h"
#include "mvmd/exit-codes.h"

/* "systemd-networkd did not put tap vm-web1-net0 on bridge br0 within 30s" */
static int fault_begin(const NetworkdLate *late, const char *id, Fault *fault)
{
	const PlanNic *nic = late->nic;
	const char *bridge = nic->spec->bridge;
	NetworkdExpect expect = nic->spec->networkd.expect;
	char duration[FORMAT_MAX];

	(void) format_duration(duration, late->waited_usec);
	if (expect == NETWORKD_ADDRESS)
		(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, id,
				 "systemd-networkd did not give tap %s an address within %s",
				 nic->tap, duration);
	else if (expect == NETWORKD_UP)
		(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, id,
				 "systemd-networkd did not bring up tap %s within %s", nic->tap,
				 duration);
	else
		(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, id,
				 "systemd-networkd did not put tap %s on %s%s within %s", nic->tap,
				 bridge ? "bridge " : "a bridge", bridge ?: "", duration);
	(void) fault_evidence(fault, "tap", "%s", nic->tap);
	(void) fault_evidence(fault, "expect", "%s", networkd_expect_to_string(expect));
	return fault->error;
}

/* The file that would be right, in words and by the command that writes it. */
static int remedy_file(const NetworkdLate *late, const char *before, Fault *fault)
{
	const Spec *spec = late->plan->spec;
	const char *bridge = late->nic->spec->bridge;
	_cleanup_free_ char *words = network_file_words(spec, late->nic->spec);

	if (!words)
		return fault_oom(fault);
	return fault_remedy(fault,
			    "%smvmd networkd --output=" NETWORK_FOLDER
			    " %s && %s writes the file that "
			    "does it: %s",
			    before, spec->name,
			    networkd_reread_command(bridge && !late->netdev_is_there), words);
}

static int fault_absent(const NetworkdLate *late, bool is_blind, Fault *fault)
{
	(void) fault_begin(late, "networkd-absent", fault);
	if (is_blind) {
		(void) fault_why(fault,
				 "it runs, but does not see the tap: it is at work in another "
				 "network namespace");
		return fault_remedy(fault, "run it in the namespace that mvmd runs in; or set "
					   "interfaces[].attach to \"bridge\"");
	}
	(void) fault_why(fault, "it does not run");
	return remedy_file(late, "systemctl enable --now systemd-networkd; then ", fault);
}

static int fault_no_file(const NetworkdLate *late, Fault *fault)
{
	(void) fault_begin(late, "networkd-no-file", fault);
	(void) fault_why(fault,
			 "it runs, and none of its .network files matches the tap, or the one "
			 "that does says Unmanaged=yes");
	return remedy_file(late, "", fault);
}

/* NULL: its file would do. A new string, or one that is short of memory: then it would do as well. */
static char *what_is_wrong(const NetworkdLate *late, const NetworkdLink *link)
{
	const char *bridge = late->nic->spec->bridge, *named = link->wants.bridge;

	if (late->nic->spec->networkd.expect != NETWORKD_MASTER || !link->file_is_read)
		return NULL;
	if (link->wants.keeps_master)
		return str_printf("%s matches the tap and says KeepMaster=yes", link->file);
	if (!named)
		return str_printf("%s matches the tap and names no Bridge=", link->file);
	if (bridge && !streq(bridge, named))
		return str_printf("%s matches the tap and names Bridge=%s, not %s", link->file,
				  named, bridge);
	if (!link->bridge_has_netdev)
		return str_printf("%s matches the tap and names Bridge=%s, which networkd ignores: "
				  "no .netdev file is for that bridge",
				  link->file, named);
	return NULL;
}

/* Of two files that match, networkd takes the one whose name comes first. */
static bool comes_before_ours(const NetworkdLate *late, const char *file)
{
	_cleanup_free_ char *ours = network_file_name(late->plan->spec, late->nic->spec);
	const char *slash = strrchr(file, '/');

	return ours && strcmp(slash ? slash + 1 : file, ours) < 0;
}

static int fault_wrong_file(const NetworkdLate *late, const NetworkdLink *link, const char *why,
			    Fault *fault)
{
	_cleanup_free_ char *before = NULL;

	(void) fault_begin(late, "networkd-wrong-file", fault);
	(void) fault_evidence(fault, "network_file", "%s", link->file);
	(void) fault_why(fault, "%s", why);
	if (!comes_before_ours(late, link->file))
		return remedy_file(late, "", fault);
	before = str_printf("take the tap out of the [Match] of %s, whose name comes first; then ",
			    link->file);
	return before ? remedy_file(late, before, fault) : fault_oom(fault);
}

/* It runs, and all that is known of its file is right. */
static int fault_other(const NetworkdLate *late, const NetworkdLink *link, Fault *fault)
{
	const char *bridge = late->nic->spec->bridge;
	const char *file = link->file ?: "a file of its that is not known";

	(void) fault_begin(late, "networkd-late", fault);
	(void) fault_evidence(fault, "setup", "%s", link->setup ?: "unknown");
	if (link->file)
		(void) fault_evidence(fault, "network_file", "%s", link->file);
	if (link->state == NETWORKD_UNKNOWN)
		(void) fault_why(fault, "what it does is not known: it gave no answer over D-Bus");
	else if (streq_null(link->setup, "pending"))
		(void) fault_why(fault, "it still waits for udev to be done with the tap");
	else if (bridge && !late->bridge_is_there)
		(void) fault_why(fault, "%s matches the tap, and there is no bridge %s", file,
				 bridge);
	else if (late->master)
		(void) fault_why(fault, "%s matches the tap, which is on %s (setup: %s)", file,
				 late->master, link->setup ?: "unknown");
	else
		(void) fault_why(fault, "%s matches the tap, and networkd is not done (setup: %s)",
				 file, link->setup ?: "unknown");
	if (link->state == NETWORKD_UNKNOWN)
		return remedy_file(late, "networkctl list tells whether it runs; ", fault);
	/* Seen with 252: a bridge that was there is none of its own after a reload that finds a new .netdev file. */
	return fault_remedy(
		fault,
		"%s%s%sjournalctl -u systemd-networkd; networkctl status while the VM starts: "
		"%s; a longer timeouts.bridge, where it is only slow",
		bridge ? "systemctl restart systemd-networkd, where it runs for longer than there "
			 "is a .netdev file of " :
			 "",
		bridge ?: "", bridge ? "; " : "", late->nic->tap);
}

int fault_networkd_late(const NetworkdLate *late, const NetworkdLink *link, Fault *fault)
{
	_cleanup_free_ char *wrong = NULL;

	if (link->state == NETWORKD_ABSENT || link->state == NETWORKD_BLIND)
		return fault_absent(late, link->state == NETWORKD_BLIND, fault);
	if (link->state == NETWORKD_UNKNOWN)
		return fault_other(late, link, fault);
	if (!link->file && !streq_null(link->setup, "pending"))
		return fault_no_file(late, fault);
	wrong = link->file ? what_is_wrong(late, link) : NULL;
	return wrong ? fault_wrong_file(late, link, wrong, fault) : fault_other(late, link, fault);
}

int networkd_awaited(const Spec *spec, const Facts *facts, FaultList *faults)
{
	char duration[FORMAT_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && !facts->networkd_runs && i < spec->n_interfaces; i++) {
		const SpecInterface *interface = &spec->interfaces[i];
		Fault fault = { 0 };

		if (spec_attach(interface) != ATTACH_NETWORKD)
			continue;
		(void) fault_set(
			&fault, -ESRCH, MVMD_EXIT_UNAVAILABLE, "networkd-absent",
			"interface %s: its tap is left to systemd-networkd, which does not "
			"run; a start waits %s for it",
			interface->id, format_duration(duration, spec->timeouts.bridge_usec));
		(void) fault_evidence(&fault, "expect", "%s",
				      networkd_expect_to_string(interface->networkd.expect));
		(void) fault_remedy(&fault, "systemctl enable --now systemd-networkd; or set "
					    "interfaces[].attach to \"bridge\"");
		r = fault_list_take(faults, &fault);
	}
	return r;
}

int fault_networkd_mtu(const PlanNic *nic, uint32_t mtu, Fault *fault)
{
	(void) fault_set(fault, -EMSGSIZE, MVMD_EXIT_OK, "tap-changed",
			 "the MTU of tap %s is %u, and interfaces[].mtu says %" PRIu64, nic->tap,
			 mtu, nic->spec->mtu);
	(void) fault_evidence(fault, "tap", "%s", nic->tap);
	(void) fault_evidence(fault, "differs", "MTU is %u instead of %" PRIu64, mtu,
			      nic->spec->mtu);
	(void) fault_why(fault,
			 "systemd-networkd, to which the tap was left, set another: its file has "
			 "an MTUBytes=");
	return fault_remedy(fault,
			    "networkctl status %s shows the file; set MTUBytes=%" PRIu64
			    " there, or leave interfaces[].mtu out",
			    nic->tap, nic->spec->mtu);
}

int fault_networkd_undone(const Plan *plan, const PlanNic *nic, const NetworkdLink *link,
			  Fault *fault)
{
	if (link->file)
		(void) fault_evidence(fault, "network_file", "%s", link->file);
	if (link->state == NETWORKD_ABSENT) {
		(void) fault_why(fault, "another program took it away since, and systemd-networkd, "
					"which would bring it back, does not run");
		return fault_remedy(fault, "systemctl start systemd-networkd");
	}
	if (link->file)
		(void) fault_why(fault,
				 "another program took it away since, or %s, which matches it now, "
				 "is another file than at the start, or changed",
				 link->file);
	else
		(void) fault_why(fault,
				 "no .network file of systemd-networkd's matches it any more");
	return fault_remedy(fault,
			    "mvmd networkd --output=" NETWORK_FOLDER " %s && %s && networkctl "
			    "reconfigure %s",
			    plan->spec->name, networkd_reread_command(false), nic->tap);
}
