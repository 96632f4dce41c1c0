/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/network-file.h"
#include "model/networkd-faults.h"

#define TEXT(text) ((char[]){ text })
#define ALL	   "/etc/systemd/network/50-all.network"

/* What is read is the last word on a thing, of section [Network] alone. */
static void test_file(void **state)
{
	NetworkFile file = { 0 };

	assert_int_equal(network_file_read(&file, "[Match]\nType=ether\n"), 0);
	assert_null(file.bridge);
	assert_int_equal(network_file_read(&file, "# Bridge=no\n[Network]\n;Bridge=no\n\r\n"
						  "  Bridge =  br1 \nDHCP=yes\n[Bridge]\nCost=1\n"
						  "[Link]\nBridge=br2\nKeepMaster=yes"),
			 0);
	assert_string_equal(file.bridge, "br1");
	assert_false(file.keeps_master);
	assert_int_equal(network_file_read(&file, "[Network]\nBridge=br3\nKeepMaster=TRUE\n"), 0);
	assert_string_equal(file.bridge, "br3");
	assert_true(file.keeps_master);
	assert_int_equal(network_file_read(&file, "[Network]\nBridge=\nKeepMaster=no\nnonsense\n["),
			 0);
	assert_null(file.bridge);
	assert_false(file.keeps_master);
	network_file_done(&file);
}

static void test_netdev(void **state)
{
	const char *text = "[Match]\nName=host\n[NetDev]\n#Name=br1\nKind=bridge\nName = br0\n";

	assert_true(netdev_file_is_for(text, "br0"));
	assert_false(netdev_file_is_for(text, "br1"));
	assert_false(netdev_file_is_for(text, "host"));
	assert_false(netdev_file_is_for("", "br0"));
}

/* fault_blame_networkd() says so of a tap that is to be on br0; "" where it blames nobody. */
static const char *blame(NetworkdLink link, Fault *fault)
{
	fault_done(fault);
	(void) fault_set(fault, -ENOTCONN, 0, "tap-off-bridge", "it is off");
	(void) fault_why(fault, "somebody");
	if (fault_blame_networkd(&link, "vm-a-b", "br0", fault)) {
		assert_string_equal(fault_evidence_get(fault, "network_file"), link.file);
		return fault->why;
	}
	assert_string_equal(fault->why, "somebody");
	assert_null(fault->remedy);
	assert_null(fault_evidence_get(fault, "network_file"));
	return "";
}

static void test_who_is_blamed(void **state)
{
	const NetworkdLink seen = { .state = NETWORKD_SEES,
				    .file = TEXT(ALL),
				    .setup = TEXT("configured"),
				    .file_is_read = true };
	NetworkdLink link = seen;
	Fault fault = { 0 };

	assert_string_equal(blame(link, &fault),
			    "systemd-networkd did it: " ALL
			    " matches the tap and names no Bridge=, so "
			    "that networkd takes it off the one that it is on");
	assert_string_equal(fault.remedy, "add Kind=!tun to the [Match] of " ALL
					  ", which leaves taps out of it; then "
					  "networkctl reload && ip link set vm-a-b master br0");
	link.wants.bridge = TEXT("br0");
	assert_string_equal(
		blame(link, &fault),
		"systemd-networkd did it: " ALL " matches the tap, and networkd ignores its "
		"Bridge=br0, for which it has no .netdev file: so it takes the tap off the "
		"bridge that it is on");
	link.bridge_has_netdev = true;
	link.wants.bridge = TEXT("br7");
	assert_string_equal(blame(link, &fault),
			    "systemd-networkd did it: " ALL " matches the tap, and puts it on br7");
	link.wants.bridge = TEXT("br0");
	assert_string_equal(blame(link, &fault), "");
	link.wants = (NetworkFile){ .keeps_master = true };
	assert_string_equal(blame(link, &fault), "");
	link = seen;
	link.file_is_read = false;
	assert_string_equal(blame(link, &fault),
			    "systemd-networkd manages the tap: " ALL " matches it");
	link.setup = TEXT("unmanaged");
	assert_string_equal(blame(link, &fault), "");
	link = seen;
	link.file = NULL;
	assert_string_equal(blame(link, &fault), "");
	link = seen;
	link.state = NETWORKD_BLIND;
	assert_string_equal(blame(link, &fault), "");

	/* What a program wrote is written again: the edit goes beside it. */
	link = seen;
	link.file = TEXT("/run/systemd/network/10-netplan-all.network");
	assert_string_not_equal(blame(link, &fault), "");
	assert_string_equal(
		fault.remedy,
		"put the lines [Match] and Kind=!tun into /etc/systemd/network/"
		"10-netplan-all.network.d/no-taps.conf; then networkctl reload && ip link "
		"set vm-a-b master br0");
	fault_done(&fault);
}

static void test_files(void **state)
{
	const Spec spec = { .name = TEXT("web1") };
	SpecInterface interface = { .id = TEXT("net0"), .bridge = TEXT("br0") };
	char *text;

	text = network_file_name(&spec, &interface);
	assert_string_equal(text, "05-mvmd-web1-net0.network");
	free(text);
	text = network_file_text(&spec, &interface);
	assert_string_equal(text, "# /etc/systemd/network/05-mvmd-web1-net0.network\n"
				  "# Of interface net0 of the VM web1, for systemd-networkd.\n\n"
				  "[Match]\nName=vm-web1-net0\nKind=tun\n\n"
				  "[Link]\n# The host is online without it.\n"
				  "RequiredForOnline=no\n\n"
				  "[Network]\nBridge=br0\n"
				  "# A port has no addresses, and is one before the VM runs.\n"
				  "LinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n");
	free(text);
	interface = (SpecInterface){ .id = TEXT("a-rather-long-name-of-32-letters"),
				     .tap = TEXT("lan0") };
	text = network_file_words(&spec, &interface);
	assert_string_equal(text, "[Match] Name=lan0 Kind=tun [Network] Bridge=BRIDGE");
	free(text);
	interface.networkd.expect = NETWORKD_UP;
	text = network_file_words(&spec, &interface);
	assert_string_equal(text, "[Match] Name=lan0 Kind=tun [Network] LinkLocalAddressing=no");
	free(text);
	text = netdev_file_text("br0");
	assert_true(netdev_file_is_for(text, "br0"));
	free(text);
}

/* What is seen of the tap at the deadline, and which finding that is. */
static void assert_late(NetworkdLink link, NetworkdLate late, const char *id, const char *why)
{
	Fault fault = { 0 };

	assert_int_equal(fault_networkd_late(&late, &link, &fault), -ETIMEDOUT);
	assert_string_equal(fault.id, id);
	assert_string_equal(fault.why, why);
	assert_non_null(fault.remedy);
	fault_done(&fault);
}

/* What a container does not provoke; the rest is in tests/systemd/test-networkd.sh. */
static void test_late(void **state)
{
	const Spec spec = { .name = TEXT("web1") };
	const Plan plan = { .spec = &spec };
	const SpecInterface interface = { .id = TEXT("net0"), .bridge = TEXT("br0") };
	const PlanNic nic = { .spec = &interface, .attach = ATTACH_NETWORKD, .tap = "vm-a-b" };
	NetworkdLate late = {
		.plan = &plan, .nic = &nic, .waited_usec = USEC_PER_SEC, .bridge_is_there = true
	};
	NetworkdLink link = { .state = NETWORKD_BLIND };

	assert_late(
		link, late, "networkd-absent",
		"it runs, but does not see the tap: it is at work in another network namespace");
	link.state = NETWORKD_UNKNOWN;
	assert_late(link, late, "networkd-late",
		    "what it does is not known: it gave no answer over D-Bus");
	link = (NetworkdLink){ .state = NETWORKD_SEES, .setup = TEXT("pending") };
	assert_late(link, late, "networkd-late", "it still waits for udev to be done with the tap");
	link = (NetworkdLink){ .state = NETWORKD_SEES,
			       .setup = TEXT("failed"),
			       .file = TEXT(ALL),
			       .file_is_read = true,
			       .wants.bridge = TEXT("br0"),
			       .bridge_has_netdev = true };
	assert_late(link, late, "networkd-late",
		    ALL " matches the tap, and networkd is not done (setup: failed)");
	late.master = "br7";
	assert_late(link, late, "networkd-late",
		    ALL " matches the tap, which is on br7 (setup: failed)");
	link.wants.bridge = TEXT("br7");
	assert_late(link, late, "networkd-wrong-file",
		    ALL " matches the tap and names Bridge=br7, not br0");
	link.wants.keeps_master = true;
	assert_late(link, late, "networkd-wrong-file",
		    ALL " matches the tap and says KeepMaster=yes");
}

/* Its own page says that a reload reads .netdev files; of a bridge that was there before it does not do. */
static void test_late_for_want_of_a_restart(void **state)
{
	const Spec spec = { .name = TEXT("web1") };
	const Plan plan = { .spec = &spec };
	const SpecInterface interface = { .id = TEXT("net0"), .bridge = TEXT("br0") };
	const PlanNic nic = { .spec = &interface, .attach = ATTACH_NETWORKD, .tap = "vm-a-b" };
	const NetworkdLate late = {
		.plan = &plan, .nic = &nic, .waited_usec = USEC_PER_SEC, .bridge_is_there = true
	};
	const NetworkdLink link = { .state = NETWORKD_SEES,
				    .setup = TEXT("configuring"),
				    .file = TEXT(ALL),
				    .file_is_read = true,
				    .wants.bridge = TEXT("br0"),
				    .bridge_has_netdev = true };
	Fault fault = { 0 };

	assert_int_equal(fault_networkd_late(&late, &link, &fault), -ETIMEDOUT);
	assert_string_equal(fault.id, "networkd-late");
	assert_non_null(strstr(fault.remedy,
			       "systemctl restart systemd-networkd, where it runs for "
			       "longer than there is a .netdev file of br0"));
	fault_done(&fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_netdev),
		cmocka_unit_test(test_who_is_blamed),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_for_want_of_a_restart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
