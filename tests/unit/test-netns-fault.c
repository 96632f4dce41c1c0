/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a remedy work where the VM's links are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/netns-fault.h"

static const struct {
	const char *remedy, *in_netns;
} remedies[] = {
	{ "ip link add br0 type bridge && ip link set br0 up",
	  "ip -n blue link add br0 type bridge && ip -n blue link set br0 up" },
	{ "let it be made again (ip link add br0 type bridge); set interfaces[].bridge to \"br1\"",
	  "let it be made again (ip -n blue link add br0 type bridge); set interfaces[].bridge to "
	  "\"br1\"" },
	{ "bridge -d link show dev t; bridge vlan show dev t; tc qdisc show dev t",
	  "bridge -n blue -d link show dev t; bridge -n blue vlan show dev t; tc -n blue qdisc show "
	  "dev t" },
	{ "sysctl -w net.bridge.bridge-nf-call-iptables=0; or: iptables -I FORWARD -j ACCEPT",
	  "ip netns exec blue sysctl -w net.bridge.bridge-nf-call-iptables=0; or: ip netns exec "
	  "blue iptables -I FORWARD -j ACCEPT" },
};

static void test_commands(void **state)
{
	for (size_t i = 0; i < ELEMENTSOF(remedies); i++) {
		Fault fault = { 0 };

		(void) fault_set(&fault, -ENODEV, 69, "test", "bridge br0 is down");
		(void) fault_remedy(&fault, "%s", remedies[i].remedy);
		fault_in_netns("blue", &fault);
		assert_string_equal(fault.remedy, remedies[i].in_netns);
		assert_string_equal(fault.what, "network namespace blue: bridge br0 is down");
		fault_in_netns("blue", &fault);
		assert_string_equal(fault.remedy, remedies[i].in_netns);
		fault_done(&fault);
	}
}

static void leaves(const char *netns, const char *remedy)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENODEV, 69, "test", "it is not there");
	(void) fault_remedy(&fault, "%s", remedy);
	fault_in_netns(netns, &fault);
	assert_string_equal(fault.remedy, remedy);
	assert_string_equal(fault.what, "it is not there");
	fault_done(&fault);
}

static void test_others(void **state)
{
	leaves(NULL, "ip link set br0 up");
	leaves("blue", "mvmd grant web1");
	leaves("blue", "ip netns add blue, before the VM starts, with its bridges in it");
	leaves("blue", "name another bridge; a slip link is none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
