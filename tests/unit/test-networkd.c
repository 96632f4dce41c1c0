/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/networkd.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_netdev),
		cmocka_unit_test(test_who_is_blamed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
