/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges that mvmd makes: what they are made with, whose they are, and when they go. */
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host/bridge.h"
#include "host/tap.h"
#include "mvmd/exit-codes.h"
#include "net/network.h"

#define TEXT(text) ((char[]){ text })
#define VMS	   4
#define ROUNDS	   40

static Nl *nl;
static char folder[] = "/tmp/mvmd-bridge-XXXXXX";

static int network_new(void **state)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : nl_connection_new(NETLINK_ROUTE, &nl);
}

static int network_done(void **state)
{
	nl = nl_connection_free(nl);
	return 0;
}

static bool exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static LinkInfo make(const SpecInterface *interface)
{
	LinkInfo link = { 0 };
	Fault fault = { 0 };
	int r = bridge_make(nl, interface, &link, &fault);

	if (r < 0)
		print_error("# %s\n", fault.what);
	assert_int_equal(r, 0);
	return link;
}

static void test_made_as_it_was_asked_for(void **state)
{
	SpecBridgeAddress addresses[] = { { .address = TEXT("10.9.0.1/24") },
					  { .address = TEXT("fd09::1/64") } };
	SpecInterface interface = { .bridge = TEXT("vms"),
				    .mtu = 1400,
				    .create_bridge = { .addresses = addresses,
						       .n_addresses = ELEMENTSOF(addresses),
						       .stp = true } };
	LinkInfo link = make(&interface);
	MacAddress mac = link.mac;

	assert_string_equal(link.name, "vms");
	run_command("ip -d link show dev vms");
	assert_says(said, "alias mvmd:bridge");
	assert_says(said, "stp_state 1");
	assert_says(said, "mtu 1400");
	assert_says(said, ",UP");
	assert_says(said, "group default");
	run_command("ip addr show dev vms");
	assert_says(said, "inet 10.9.0.1/24");
	assert_says(said, "inet6 fd09::1/64");

	/* Its address is its own, whatever its ports have. */
	ip("link add port0 address 02:00:00:00:00:01 type veth peer name far0");
	ip("link set port0 master vms");
	assert_int_equal(link_get(nl, "vms", &link), 0);
	assert_memory_equal(&link.mac, &mac, sizeof(mac));
}

static void test_one_that_is_there_is_left_alone(void **state)
{
	SpecBridgeAddress addresses[] = { { .address = TEXT("10.9.0.1/24") } };
	SpecInterface interface = {
		.bridge = TEXT("br0"),
		.create_bridge = { .addresses = addresses, .n_addresses = 1, .stp = true }
	};

	ip("link add br0 type bridge");
	(void) make(&interface);
	run_command("ip -d link show dev br0");
	assert_says(said, "stp_state 0");
	assert_null(strstr(said, "alias"));
	run_command("ip addr show dev br0");
	assert_null(strstr(said, "10.9.0.1"));
	/* And is not ours to remove. */
	assert_int_equal(bridge_remove_unused(nl, "br0"), 0);
	assert_true(exists("br0"));
}

static void test_it_goes_with_its_last_port(void **state)
{
	SpecInterface interface = { .bridge = TEXT("vms") };
	LinkInfo link = make(&interface);

	ip("link add port0 master vms type veth peer name far0");
	assert_int_equal(bridge_remove_unused(nl, "vms"), 0);
	assert_int_equal(make(&interface).ifindex, link.ifindex);
	ip("link del port0");
	assert_int_equal(bridge_remove_unused(nl, "vms"), 1);
	assert_false(exists("vms"));
	assert_int_equal(bridge_remove_unused(nl, "vms"), 0);
}

static void test_name_of_something_else(void **state)
{
	SpecInterface interface = { .bridge = TEXT("vms") };
	LinkInfo link = { .ifindex = 77 };
	Fault fault = { 0 };

	ip("link add vms type veth peer name far0");
	assert_int_equal(bridge_make(nl, &interface, &link, &fault), -EINVAL);
	assert_int_equal(link.ifindex, 77);
	assert_string_equal(fault.id, "not-a-bridge");
	assert_string_equal(fault_evidence_get(&fault, "kind"), "veth");
	fault_done(&fault);
	assert_int_equal(bridge_remove_unused(nl, "vms"), 0);
	assert_true(exists("vms"));
}

static void test_what_cannot_be_made_leaves_nothing(void **state)
{
	SpecInterface interface = { .bridge = TEXT("vms"), .mtu = 65536 };
	SpecBridgeAddress twice[] = { { .address = TEXT("10.9.0.1/24") },
				      { .address = TEXT("10.9.0.1/24") } };
	LinkInfo link = { 0 };
	Fault fault = { 0 };

	assert_true(bridge_make(nl, &interface, &link, &fault) < 0);
	assert_string_equal(fault.id, "bridge-make");
	assert_int_equal(fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_false(exists("vms"));
	fault_done(&fault);

	interface.mtu = 0;
	interface.create_bridge.addresses = twice;
	interface.create_bridge.n_addresses = 2;
	assert_int_equal(bridge_make(nl, &interface, &link, &fault), -EEXIST);
	assert_string_equal(fault.id, "bridge-make");
	assert_null(strstr(fault.what, strerror(0))); /* of the bridge that is taken away again */
	assert_false(exists("vms"));
	fault_done(&fault);
}

static void test_what_one_that_is_there_lacks(void **state)
{
	SpecBridgeAddress addresses[] = { { .address = TEXT("10.9.0.1/24") },
					  { .address = TEXT("fd09::1/64") } };
	SpecInterface interface = { .bridge = TEXT("br0"),
				    .create_bridge = { .addresses = addresses,
						       .n_addresses = ELEMENTSOF(addresses),
						       .stp = true } };
	LinkInfo link;
	Fault fault = { 0 };

	ip("link add br0 type bridge");
	ip("addr add 10.9.0.1/25 dev br0"); /* another network */
	link = make(&interface);
	assert_true(bridge_is_otherwise(nl, &interface, &link, &fault));
	assert_string_equal(fault.id, "bridge-otherwise");
	assert_string_equal(fault_evidence_get(&fault, "differs"),
			    "it does not run the spanning tree protocol, the host has no address "
			    "10.9.0.1/24 there, the host has no address fd09::1/64 there");
	assert_string_equal(fault.remedy,
			    "ip link set br0 type bridge stp_state 1 && ip addr add 10.9.0.1/24 "
			    "dev br0 && ip addr add fd09::1/64 dev br0; or take that out of "
			    "\"create_bridge\"");
	fault_done(&fault);

	/* Its own remedy. */
	ip("link set br0 type bridge stp_state 1");
	ip("addr add 10.9.0.1/24 dev br0");
	ip("addr add fd09::1/64 dev br0");
	link = make(&interface);
	assert_false(bridge_is_otherwise(nl, &interface, &link, &fault));

	/* What it has and nobody asked for is nobody's matter. */
	interface.create_bridge = (SpecCreateBridge){ .stp = false };
	assert_false(bridge_is_otherwise(nl, &interface, &link, &fault));
	ip("link del br0");
	interface.create_bridge = (SpecCreateBridge){ .addresses = addresses, .n_addresses = 2 };
	link = make(&interface);
	assert_false(bridge_is_otherwise(nl, &interface, &link, &fault));
}

static void test_vlan_filtering(void **state)
{
	SpecInterface interface = { .bridge = TEXT("vms"),
				    .create_bridge = { .vlan_filtering = true } };
	LinkInfo link = { 0 };
	Fault fault = { 0 };

	if (bridge_make(nl, &interface, &link, &fault) == 0) {
		run_command("ip -d link show dev vms");
		assert_says(said, "vlan_filtering 1");
		return;
	}
	assert_string_equal(fault.id, "vlan-unsupported");
	assert_says(fault.what, "\"vlan_filtering\" is set");
	assert_false(exists("vms"));
	fault_done(&fault);
}

/* Killed between its two messages, somebody left one that has no alias yet. */
static void test_unfinished_one_is_made_anew(void **state)
{
	SpecInterface interface = { .bridge = TEXT("vms") };
	unsigned before;

	ip("link add vms group 1836477796 type bridge");
	before = if_nametoindex("vms");
	assert_int_not_equal(make(&interface).ifindex, before);
	run_command("ip link show dev vms");
	assert_says(said, "alias mvmd:bridge");
	ip("link del vms");
	ip("link add vms group 1836477796 type bridge");
	assert_int_equal(bridge_remove_unused(nl, "vms"), 1);
}

static void test_lock_has_one_holder(void **state)
{
	Fault fault = { 0 };
	int lock = -EBADF, other;

	assert_int_equal(bridges_lock(folder, &lock, &fault), 0);
	other = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	(void) close(lock);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	(void) close(other);
	assert_true(bridges_lock("/tmp/there-is-no-such-folder", &lock, &fault) < 0);
	assert_string_equal(fault.id, "bridge-make");
	fault_done(&fault);
}

/* One VM that starts and stops over and over: each time it has the bridge, and never finds it gone under its tap. */
static int start_and_stop(void *data)
{
	unsigned number = *(unsigned *) data;
	SpecInterface interface = { .bridge = TEXT("vms") };
	PlanNic nic = { .spec = &interface, .queues = 1, .alias = TEXT("mvmd:vm/net0") };
	Nl *own = NULL;

	(void) snprintf(nic.tap, sizeof(nic.tap), "tap%u", number);
	nic.tap_mac = (MacAddress){ { 0xfe, 0, 0, 0, 0, (uint8_t) number } };
	if (nl_connection_new(NETLINK_ROUTE, &own) < 0)
		return 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		LinkInfo bridge = { 0 };
		Fault fault = { 0 };
		Tap tap = { 0 };
		int lock = -EBADF;

		if (bridges_lock(folder, &lock, &fault) < 0 ||
		    bridge_make(own, &interface, &bridge, &fault) < 0 ||
		    tap_create(own, &nic, &tap, &fault) < 0 ||
		    tap_attach(own, &nic, &tap, &bridge, &fault) < 0) {
			print_error("# %s\n", fault.what);
			return 2;
		}
		(void) close(lock);
		tap_close(&tap);
		if (bridges_lock(folder, &lock, &fault) < 0 || bridge_remove_unused(own, "vms") < 0)
			return 3;
		(void) close(lock);
	}
	(void) nl_connection_free(own);
	return 0;
}

static void test_many_start_and_stop_at_once(void **state)
{
	pid_t pids[VMS];
	int status;

	for (unsigned i = 0; i < VMS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(start_and_stop(&i));
	}
	for (unsigned i = 0; i < VMS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_false(exists("vms"));
}

#define IN_NETWORK(test) cmocka_unit_test_setup_teardown(test, network_new, network_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETWORK(test_made_as_it_was_asked_for),
		IN_NETWORK(test_one_that_is_there_is_left_alone),
		IN_NETWORK(test_it_goes_with_its_last_port),
		IN_NETWORK(test_name_of_something_else),
		IN_NETWORK(test_what_cannot_be_made_leaves_nothing),
		IN_NETWORK(test_what_one_that_is_there_lacks),
		IN_NETWORK(test_vlan_filtering),
		IN_NETWORK(test_unfinished_one_is_made_anew),
		IN_NETWORK(test_lock_has_one_holder),
		IN_NETWORK(test_many_start_and_stop_at_once),
	};
	int failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter() || !network_has_taps())
		return 0;
	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void) rmdir(folder);
	return failed;
}
