/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tap is set to as the port of its bridge: read by bridge(8), not by the code under test, and seen in what
 * becomes of frames between taps of one bridge.
 */
#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>

#include "host/port.h"
#include "host/rate.h"
#include "host/tap.h"
#include "mvmd/exit-codes.h"
#include "net/network.h"

#define ETHERTYPE   0x88b5 /* IEEE 802.1: for experiments */
#define FRAME_BYTES 64
#define AWAIT_MSEC  30000
#define STEP_MSEC   20

static Nl *nl;
static const MacAddress everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static int network_new(void **state)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : nl_connection_new(NETLINK_ROUTE, &nl);
}

static int network_done(void **state)
{
	nl = nl_connection_free(nl);
	return 0;
}

static void skip_unless(bool possible, const char *why)
{
	if (possible)
		return;
	printf("# SKIP: %s\n", why);
	skip();
}

static LinkInfo get(const char *name)
{
	LinkInfo link = { 0 };

	assert_int_equal(link_get(nl, name, &link), 0);
	return link;
}

/* An interface of a VM, by a number below 10. */
static PlanNic nic_of(unsigned number)
{
	static char aliases[10][20];
	PlanNic nic = { .mac = { { 0x02, 0, 0x5e, 0, 0x53, (uint8_t) number } },
			.tap_mac = { { 0xfe, 0, 0x5e, 0, 0x53, (uint8_t) number } },
			.alias = aliases[number],
			.queues = 1 };

	(void) snprintf(nic.tap, sizeof(nic.tap), "tap%u", number);
	(void) snprintf(aliases[number], sizeof(aliases[number]), "mvmd:vm%u/net0", number);
	return nic;
}

static int try_attach(const PlanNic *nic, Tap *ret, Fault *fault)
{
	LinkInfo bridge = get("br0");
	int r = tap_create(nl, nic, ret, fault);

	return r < 0 ? r : tap_attach(nl, nic, ret, &bridge, fault);
}

static Tap attach(const PlanNic *nic)
{
	Fault fault = { 0 };
	Tap tap = { 0 };
	int r = try_attach(nic, &tap, &fault);

	if (r < 0)
		print_error("# %s (%s)\n", fault.what, fault.why);
	assert_int_equal(r, 0);
	return tap;
}

static void send_frame(const Tap *tap, MacAddress from, MacAddress to, uint8_t mark)
{
	struct {
		struct virtio_net_hdr header;
		uint8_t to[MAC_BYTES], from[MAC_BYTES], type[2], mark, rest[FRAME_BYTES - 15];
	} __attribute__((packed))
	frame = { .type = { ETHERTYPE >> 8, ETHERTYPE & 0xff }, .mark = mark };

	memcpy(frame.to, to.bytes, MAC_BYTES);
	memcpy(frame.from, from.bytes, MAC_BYTES);
	assert_int_equal(write(tap->fds[0], &frame, sizeof(frame)), sizeof(frame));
}

/* The mark of the next frame of ours that comes within the time; -1: none does. */
static int receive_mark(const Tap *tap, int timeout_msec)
{
	const size_t at = sizeof(struct virtio_net_hdr);
	struct pollfd ready = { .fd = tap->fds[0], .events = POLLIN };
	uint8_t buffer[2048];

	while (poll(&ready, 1, timeout_msec) == 1) {
		ssize_t n = read(tap->fds[0], buffer, sizeof(buffer));

		if (n > (ssize_t) (at + 14) &&
		    (buffer[at + 12] << 8 | buffer[at + 13]) == ETHERTYPE)
			return buffer[at + 14];
	}
	return -1;
}

/* Sends until the other has it: a port forwards only some time after it came up. */
static void send_until_seen(const Tap *from, MacAddress sender, const Tap *to, uint8_t mark)
{
	for (int waited = 0; waited < AWAIT_MSEC; waited += STEP_MSEC) {
		send_frame(from, sender, everybody, mark);
		if (receive_mark(to, STEP_MSEC) == mark)
			return;
	}
	fail_msg("no frame came through");
}

static void drain(const Tap *tap)
{
	while (receive_mark(tap, 0) >= 0)
		continue;
}

static void make_bridge(void)
{
	ip("link add br0 type bridge");
	ip("link set br0 up");
}

static void test_plain_port_is_as_the_bridge_makes_it(void **state)
{
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	tap = attach(&nic);
	run_command("bridge -d link show dev tap1");
	assert_says(said, "hairpin off");
	assert_says(said, "learning on");
	assert_says(said, "bcast_flood on");
	assert_says(said, "isolated off");
	assert_says(said, "locked off");
	tap_close(&tap);
}

static void test_every_flag_is_set(void **state)
{
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	nic.port.flags[PORT_FLAG_ISOLATED] = TRISTATE_TRUE;
	nic.port.flags[PORT_FLAG_LOCKED] = TRISTATE_TRUE;
	nic.port.flags[PORT_FLAG_LEARNING] = TRISTATE_FALSE;
	nic.port.flags[PORT_FLAG_HAIRPIN] = TRISTATE_TRUE;
	nic.port.flags[PORT_FLAG_BCAST_FLOOD] = TRISTATE_FALSE;
	tap = attach(&nic);
	run_command("bridge -d link show dev tap1");
	assert_says(said, "hairpin on");
	assert_says(said, "learning off");
	assert_says(said, "bcast_flood off");
	assert_says(said, "isolated on");
	assert_says(said, "locked on");
	run_command("bridge fdb show dev tap1");
	assert_says(said, "02:00:5e:00:53:01 master br0 static");
	tap_close(&tap);
}

static void test_false_is_set_as_well(void **state)
{
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++)
		nic.port.flags[flag] = TRISTATE_FALSE;
	tap = attach(&nic);
	run_command("bridge -d link show dev tap1");
	assert_says(said, "hairpin off");
	assert_says(said, "learning off");
	assert_says(said, "bcast_flood off");
	assert_says(said, "isolated off");
	tap_close(&tap);
}

static void test_tap_has_no_ipv6_address(void **state)
{
	PlanNic nic = nic_of(1);
	Tap tap;

	skip_unless(access("/proc/sys/net/ipv6", F_OK) == 0, "this kernel has no IPv6");
	make_bridge();
	tap = attach(&nic);
	run_command("ip -d link show dev tap1");
	assert_says(said, "addrgenmode none");
	run_command("ip -6 addr show dev tap1");
	assert_string_equal(said, "");
	assert_int_equal(get("tap1").ipv6_address, TRISTATE_FALSE);
	assert_int_equal(get("br0").ipv6_address, TRISTATE_TRUE);
	tap_close(&tap);
}

/* net/ipv6/addrconf.c: with less than 1280 a link has no IPv6 at all, and no mode of it. */
static void test_mtu_below_that_of_ipv6(void **state)
{
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	nic.mtu = 1000;
	tap = attach(&nic);
	assert_int_equal(get("tap1").mtu, 1000);
	assert_int_equal(get("tap1").ipv6_address, TRISTATE_UNSET);
	tap_close(&tap);
}

static void test_isolated_ports_do_not_see_each_other(void **state)
{
	PlanNic nics[3] = { nic_of(1), nic_of(2), nic_of(3) };
	Tap taps[3];

	make_bridge();
	nics[0].port.flags[PORT_FLAG_ISOLATED] = TRISTATE_TRUE;
	nics[1].port.flags[PORT_FLAG_ISOLATED] = TRISTATE_TRUE;
	for (size_t i = 0; i < 3; i++)
		taps[i] = attach(&nics[i]);

	/* The second port forwards: the third one, which is not isolated, reaches it. */
	send_until_seen(&taps[2], nics[2].mac, &taps[1], 1);
	send_until_seen(&taps[0], nics[0].mac, &taps[2], 2);
	/* What the third one has the second one would have, too. */
	for (int mark = receive_mark(&taps[1], 0); mark >= 0; mark = receive_mark(&taps[1], 0))
		assert_int_equal(mark, 1);
	for (size_t i = 0; i < 3; i++)
		tap_close(&taps[i]);
}

static void test_plain_ports_see_each_other(void **state)
{
	PlanNic nics[2] = { nic_of(1), nic_of(2) };
	Tap taps[2];

	make_bridge();
	for (size_t i = 0; i < 2; i++)
		taps[i] = attach(&nics[i]);
	send_until_seen(&taps[0], nics[0].mac, &taps[1], 1);
	for (size_t i = 0; i < 2; i++)
		tap_close(&taps[i]);
}

static void test_locked_port_has_one_sender(void **state)
{
	PlanNic nics[2] = { nic_of(1), nic_of(2) };
	Tap taps[2];

	make_bridge();
	nics[0].port = port_of(&(SpecInterface){ .locked = TRISTATE_TRUE });
	for (size_t i = 0; i < 2; i++)
		taps[i] = attach(&nics[i]);
	send_until_seen(&taps[0], nics[0].mac, &taps[1], 1);
	drain(&taps[1]);

	/* In the other's name, in nobody's, and in its own: the last alone comes through. */
	send_frame(&taps[0], nics[1].mac, everybody, 2);
	send_frame(&taps[0], (MacAddress){ { 2, 9, 9, 9, 9, 9 } }, everybody, 3);
	send_frame(&taps[0], nics[0].mac, everybody, 4);
	assert_int_equal(receive_mark(&taps[1], AWAIT_MSEC), 4);
	for (size_t i = 0; i < 2; i++)
		tap_close(&taps[i]);
}

static void test_hairpin_sends_back(void **state)
{
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	nic.port.flags[PORT_FLAG_HAIRPIN] = TRISTATE_TRUE;
	tap = attach(&nic);
	send_until_seen(&tap, nic.mac, &tap, 1);
	tap_close(&tap);
}

static void test_no_broadcasts(void **state)
{
	PlanNic nics[3] = { nic_of(1), nic_of(2), nic_of(3) };
	Tap taps[3];

	make_bridge();
	nics[1].port.flags[PORT_FLAG_BCAST_FLOOD] = TRISTATE_FALSE;
	for (size_t i = 0; i < 3; i++)
		taps[i] = attach(&nics[i]);
	send_until_seen(&taps[1], nics[1].mac, &taps[2], 1);
	drain(&taps[2]);
	send_until_seen(&taps[0], nics[0].mac, &taps[2], 2);
	/* To itself alone it still hears. */
	send_frame(&taps[0], nics[0].mac, nics[1].mac, 3);
	assert_int_equal(receive_mark(&taps[1], AWAIT_MSEC), 3);
	for (size_t i = 0; i < 3; i++)
		tap_close(&taps[i]);
}

static bool kernel_filters_vlans(void)
{
	return get("br0").vlan_filtering != TRISTATE_UNSET;
}

static void test_vlan_without_filtering(void **state)
{
	SpecVlan vlan = { .pvid = 10 };
	PlanNic nic = nic_of(1);
	Fault fault = { 0 };
	Tap tap = { 0 };

	make_bridge();
	nic.port.vlan = &vlan;
	assert_int_equal(try_attach(&nic, &tap, &fault), -EOPNOTSUPP);
	assert_int_equal(fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	if (kernel_filters_vlans()) {
		assert_string_equal(fault.id, "vlan-filtering-off");
		assert_says(fault.remedy, "ip link set br0 type bridge vlan_filtering 1");
	} else {
		assert_string_equal(fault.id, "vlan-unsupported");
		assert_says(fault.why, "CONFIG_BRIDGE_VLAN_FILTERING");
	}
	fault_done(&fault);
	tap_close(&tap);
}

static void test_vlans_are_these_and_no_others(void **state)
{
	SpecTagged tagged[] = { { .vlan = { 20, 20 } }, { .vlan = { 30, 33 } } };
	SpecVlan vlan = { .pvid = 10, .tagged = tagged, .n_tagged = ELEMENTSOF(tagged) };
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	skip_unless(kernel_filters_vlans(), "this kernel's bridges filter no VLANs");
	ip("link set br0 type bridge vlan_filtering 1");
	nic.port.vlan = &vlan;
	nic.port.flags[PORT_FLAG_LOCKED] = TRISTATE_TRUE;
	tap = attach(&nic);
	run_command("bridge -compressvlans vlan show dev tap1 | tr -s ' \\t\\n' '   '");
	assert_says(said, "tap1 10 PVID Egress Untagged 20 30-33 ");
	run_command("bridge fdb show dev tap1");
	assert_says(said, "02:00:5e:00:53:01 vlan 10 master br0 static");
	assert_says(said, "02:00:5e:00:53:01 vlan 33 master br0 static");
	tap_close(&tap);
}

/* Somebody else's hand between setting and reading back, as the comparison sees it. */
static void test_what_differs_is_named(void **state)
{
	_cleanup_(str_buf_done) StrBuf differences = { 0 };
	PlanNic nic = nic_of(1);
	LinkInfo link;
	Tap tap;

	make_bridge();
	nic.port = port_of(&(SpecInterface){ .locked = TRISTATE_TRUE, .isolated = TRISTATE_TRUE });
	tap = attach(&nic);
	link = get("tap1");
	assert_int_equal(port_compare(nl, &nic, &link, &differences), 0);
	assert_int_equal(differences.length, 0);

	ip("link set tap1 type bridge_slave isolated off learning on");
	run_command("bridge fdb del 02:00:5e:00:53:01 dev tap1 master");
	link = get("tap1");
	assert_int_equal(port_compare(nl, &nic, &link, &differences), 0);
	assert_says(differences.text, "isolated is off instead of on");
	assert_says(differences.text, "learning is on instead of off");
	assert_says(differences.text, "does not have the guest's address 02:00:5e:00:53:01");
	tap_close(&tap);
}

static void test_rate_of_what_the_guest_gets(void **state)
{
	_cleanup_(str_buf_done) StrBuf differences = { 0 };
	PlanNic nic = nic_of(1);
	Tap tap;

	make_bridge();
	nic.rate = nic_rate(&(SpecInterface){ .rate = { .rx_bits = 80000000 } });
	tap = attach(&nic);
	run_command("tc qdisc show dev tap1");
	assert_says(said, "qdisc tbf");
	assert_says(said, "rate 80Mbit burst 128Kb lat 50ms");

	ip("link set tap1 mtu 1400");
	run_command("tc qdisc change dev tap1 root tbf rate 70mbit burst 128kb latency 50ms");
	assert_int_equal(rate_compare(nl, &nic, tap.ifindex, &differences), 0);
	assert_says(differences.text, "what it gets is limited to 70Mbit/s instead of 80Mbit/s");
	run_command("tc qdisc change dev tap1 root tbf rate 80mbit burst 256kb latency 50ms");
	assert_int_equal(rate_compare(nl, &nic, tap.ifindex, &differences), 0);
	assert_says(differences.text, "what it gets has another burst than 131072 bytes");
	run_command("tc qdisc del dev tap1 root");
	assert_int_equal(rate_compare(nl, &nic, tap.ifindex, &differences), 0);
	assert_says(differences.text, "what it gets has no limit instead of 80Mbit/s");
	tap_close(&tap);
}

static void test_rate_of_a_tap_on_no_bridge(void **state)
{
	PlanNic nic = nic_of(1);
	Fault fault = { 0 };
	Tap tap = { 0 };

	nic.mtu = 1500;
	nic.rate = nic_rate(&(SpecInterface){ .rate = { .rx_bits = 80000000 } });
	assert_int_equal(tap_create(nl, &nic, &tap, &fault), 0);
	assert_int_equal(tap_set(nl, &nic, &tap, false, &fault), 0);
	run_command("tc qdisc show dev tap1");
	assert_says(said, "rate 80Mbit burst 128Kb");
	assert_false(get("tap1").flags & IFF_UP);
	/* A repair does it once more. */
	assert_int_equal(tap_set(nl, &nic, &tap, true, &fault), 0);
	tap_close(&tap);
}

/* Not every kernel polices; one that does not is told so, by what it lacks. */
static void test_rate_of_what_the_guest_sends(void **state)
{
	PlanNic nic = nic_of(1);
	Fault fault = { 0 };
	Tap tap = { 0 };

	make_bridge();
	nic.rate = nic_rate(&(SpecInterface){ .rate = { .tx_bits = 80000000 } });
	if (try_attach(&nic, &tap, &fault) < 0) {
		assert_string_equal(fault.id, "rate-set");
		assert_says(fault.why, "cls_matchall act_police");
		assert_says(fault.remedy, "modprobe -a sch_ingress cls_matchall act_police");
	} else {
		run_command("tc filter show dev tap1 ingress");
		assert_says(said, "matchall");
		assert_says(said, "rate 80Mbit burst 128Kb");
	}
	fault_done(&fault);
	tap_close(&tap);
}

/* The kernel's no, by a link that there is not. */
static void test_kernel_refuses(void **state)
{
	PlanNic nic = nic_of(1);
	LinkInfo bridge;
	Fault fault = { 0 };

	make_bridge();
	bridge = get("br0");
	assert_int_equal(port_set(nl, &nic, 12345, &bridge, &fault), -ENODEV);
	assert_string_equal(fault.id, "port-set");
	assert_says(fault.what, "No such device");
	nic.port = port_of(&(SpecInterface){ .locked = TRISTATE_TRUE });
	assert_true(port_set(nl, &nic, 12345, &bridge, &fault) < 0);
	assert_string_equal(fault.id, "port-set");
	assert_says(fault.what, "02:00:5e:00:53:01");
	fault_done(&fault);
}

/* A kernel that takes a flag and does not know it, as a link that tells nothing of it. */
static void test_kernel_without_the_flag(void **state)
{
	PlanNic nic = nic_of(1);
	LinkInfo link = { 0 };
	Fault fault = { 0 };

	assert_int_equal(port_look(&nic, &link, &fault), 0);
	nic.port.flags[PORT_FLAG_LOCKED] = TRISTATE_TRUE;
	assert_int_equal(port_look(&nic, &link, &fault), -EOPNOTSUPP);
	assert_string_equal(fault.id, "port-unsupported");
	assert_says(fault.why, "5.18");
	assert_says(fault.remedy, "\"locked\"");
	fault_done(&fault);
}

#define IN_NETWORK(test) cmocka_unit_test_setup_teardown(test, network_new, network_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETWORK(test_plain_port_is_as_the_bridge_makes_it),
		IN_NETWORK(test_every_flag_is_set),
		IN_NETWORK(test_false_is_set_as_well),
		IN_NETWORK(test_tap_has_no_ipv6_address),
		IN_NETWORK(test_mtu_below_that_of_ipv6),
		IN_NETWORK(test_isolated_ports_do_not_see_each_other),
		IN_NETWORK(test_plain_ports_see_each_other),
		IN_NETWORK(test_locked_port_has_one_sender),
		IN_NETWORK(test_hairpin_sends_back),
		IN_NETWORK(test_no_broadcasts),
		IN_NETWORK(test_vlan_without_filtering),
		IN_NETWORK(test_vlans_are_these_and_no_others),
		IN_NETWORK(test_what_differs_is_named),
		IN_NETWORK(test_rate_of_what_the_guest_gets),
		IN_NETWORK(test_rate_of_what_the_guest_sends),
		IN_NETWORK(test_rate_of_a_tap_on_no_bridge),
		IN_NETWORK(test_kernel_refuses),
		IN_NETWORK(test_kernel_without_the_flag),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter() || !network_has_taps())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
