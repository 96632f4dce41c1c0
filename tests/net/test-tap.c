/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "host/tap.h"
#include "mvmd/exit-codes.h"
#include "net/network.h"

#define TAP_NAME "vm-web1-net0"

static Nl *nl;
static char own_alias[] = "mvmd:web1/net0";

/* What the plan says of the one interface of these tests. */
static const PlanNic plain_nic = {
	.tap = TAP_NAME,
	.alias = own_alias,
	.mac = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 } },
	.tap_mac = { { 0xfe, 0x11, 0x22, 0x33, 0x44, 0x55 } },
	.queues = 1,
};

static int network_new(void **state)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : nl_connection_new(NETLINK_ROUTE, &nl);
}

static int network_done(void **state)
{
	nl = nl_connection_free(nl);
	return 0;
}

static LinkInfo get(const char *name)
{
	LinkInfo link = { 0 };

	assert_int_equal(link_get(nl, name, &link), 0);
	return link;
}

static bool exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static Tap create(const PlanNic *nic)
{
	Fault fault = { 0 };
	Tap tap = { 0 };
	int r = tap_create(nl, nic, &tap, &fault);

	if (r < 0)
		print_error("# %s (%s)\n", fault.what, fault.why);
	assert_int_equal(r, 0);
	assert_null(fault.what);
	return tap;
}

static void attach(const PlanNic *nic, Tap *tap, const char *bridge)
{
	LinkInfo link = get(bridge);
	Fault fault = { 0 };
	int r = tap_attach(nl, nic, tap, &link, &fault);

	if (r < 0)
		print_error("# %s (%s)\n", fault.what, fault.why);
	assert_int_equal(r, 0);
	assert_null(fault.what);
}

/* Fails where the text does not contain the words, and shows it. */
/* tap_create() fails with this error and exit code; the fault is the caller's. */
static Fault refuse(const PlanNic *nic, int error, int exit_code)
{
	Tap tap = { .ifindex = 77 };
	Fault fault = { 0 };

	assert_int_equal(tap_create(nl, nic, &tap, &fault), error);
	assert_int_equal(tap.ifindex, 77);
	assert_null(tap.fds);
	assert_int_equal(fault.error, error);
	assert_int_equal(fault.exit_code, exit_code);
	assert_says(fault.what, nic->tap);
	assert_string_equal(fault_evidence_get(&fault, "tap"), nic->tap);
	return fault;
}

/* A process that has a tap of that name open, as another program or an earlier run does. */
static pid_t hold_tap(const char *name, bool persistent, short flags)
{
	int pipe_fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ifreq request = { .ifr_flags = flags };
		int fd = open("/dev/net/tun", O_RDWR);

		(void) strncpy(request.ifr_name, name, IFNAMSIZ - 1);
		if (ioctl(fd, TUNSETIFF, &request) < 0 ||
		    (persistent && ioctl(fd, TUNSETPERSIST, 1) < 0) ||
		    write(pipe_fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void) pause();
	}
	(void) close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	(void) close(pipe_fds[0]);
	return pid;
}

static void end_process(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_all_values_are_there(void **state)
{
	Tap tap;
	LinkInfo link;

	ip("link add br0 mtu 1420 type bridge");
	ip("link set br0 up");
	tap = create(&plain_nic);
	assert_int_equal(tap.n_fds, 1);
	link = get(TAP_NAME);
	assert_int_equal(tap.ifindex, link.ifindex);
	assert_false(link.flags & IFF_UP);
	assert_int_equal(link.master, 0);

	attach(&plain_nic, &tap, "br0");
	link = get(TAP_NAME);
	assert_int_equal(link.master, if_nametoindex("br0"));
	assert_int_equal(link.mtu, 1420); /* the bridge's */
	assert_true(link.flags & IFF_UP);
	assert_memory_equal(link.mac.bytes, "\xfe\x11\x22\x33\x44\x55", MAC_BYTES);
	assert_string_equal(link.alias, "mvmd:web1/net0");
	assert_string_equal(link.kind, "tun");
	tap_close(&tap);
}

static void test_mtu_of_the_nic_comes_first(void **state)
{
	PlanNic nic = plain_nic;
	Tap tap;

	nic.mtu = 1300;
	ip("link add br0 mtu 9000 type bridge");
	tap = create(&nic);
	attach(&nic, &tap, "br0");
	assert_int_equal(get(TAP_NAME).mtu, 1300);
	tap_close(&tap);
}

static void test_flags_and_descriptors(void **state)
{
	Tap tap = create(&plain_nic);
	struct ifreq request = { 0 };

	assert_int_equal(ioctl(tap.fds[0], TUNGETIFF, &request), 0);
	assert_string_equal(request.ifr_name, TAP_NAME);
	assert_true(request.ifr_flags & IFF_TAP);
	assert_true(request.ifr_flags & IFF_NO_PI);
	assert_true(request.ifr_flags & IFF_VNET_HDR);
	assert_false(request.ifr_flags & (IFF_NAPI | IFF_NAPI_FRAGS));
	assert_false(request.ifr_flags & IFF_PERSIST);
	assert_false(request.ifr_flags & IFF_MULTI_QUEUE);
	assert_true(fcntl(tap.fds[0], F_GETFD) & FD_CLOEXEC);
	tap_close(&tap);
}

static void test_queues(void **state)
{
	PlanNic nic = plain_nic;
	struct ifreq request = { 0 };
	Tap tap;

	nic.queues = 4;
	tap = create(&nic);
	assert_int_equal(tap.n_fds, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(ioctl(tap.fds[i], TUNGETIFF, &request), 0);
		assert_string_equal(request.ifr_name, TAP_NAME);
		assert_true(request.ifr_flags & IFF_MULTI_QUEUE);
		assert_true(fcntl(tap.fds[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_true(get(TAP_NAME).max_tx_queues >= 4);
	tap_close(&tap);
	assert_false(exists(TAP_NAME));

	tap = create(&plain_nic);
	assert_int_equal(tap.n_fds, 1);
	assert_int_equal(get(TAP_NAME).max_tx_queues, 1);
	tap_close(&tap);
}

static void test_more_queues_than_the_driver_has(void **state)
{
	PlanNic nic = plain_nic;
	Fault fault;

	nic.queues = TAP_QUEUES_MAX + 1;
	fault = refuse(&nic, -EINVAL, MVMD_EXIT_SPEC);
	assert_string_equal(fault.id, "tap-queues");
	assert_says(fault.what, "at most 256");
	assert_false(exists(TAP_NAME));
	fault_done(&fault);
}

static void test_nothing_is_left_after_close(void **state)
{
	Tap tap;

	ip("link add br0 type bridge");
	tap = create(&plain_nic);
	attach(&plain_nic, &tap, "br0");
	assert_true(exists(TAP_NAME));
	tap_close(&tap);
	assert_false(exists(TAP_NAME));
	tap_close(&tap); /* once more does no harm */
}

static void test_long_name_as_alternative_name(void **state)
{
	char altname[] = "vm-a-machine-with-a-long-name-net0";
	PlanNic nic = plain_nic;
	LinkInfo bridge;
	Fault fault = { 0 };
	Tap tap;

	nic.altname = altname;
	ip("link add br0 type bridge");
	tap = create(&nic);
	attach(&nic, &tap, "br0");
	ip("link show %s", altname);

	/* The next one cannot have it, too. */
	tap_close(&tap);
	ip("link add veth0 type veth peer name veth1");
	ip("link property add dev veth0 altname %s", altname);
	tap = create(&nic);
	bridge = get("br0");
	assert_int_equal(tap_attach(nl, &nic, &tap, &bridge, &fault), -EEXIST);
	assert_int_equal(fault.exit_code, MVMD_EXIT_BUSY);
	assert_says(fault.what, altname);
	fault_done(&fault);
	tap_close(&tap);
}

static void test_name_of_another_kind_of_link(void **state)
{
	Fault fault;

	ip("link add %s type veth peer name veth1", TAP_NAME);
	fault = refuse(&plain_nic, -EEXIST, MVMD_EXIT_BUSY);
	assert_says(fault.why, "veth");
	assert_says(fault.remedy, "ip link del " TAP_NAME);
	assert_string_equal(get(TAP_NAME).kind, "veth");
	fault_done(&fault);
}

static void test_alternative_name_of_another_link(void **state)
{
	Fault fault;

	ip("link property add dev lo altname %s", TAP_NAME);
	fault = refuse(&plain_nic, -EEXIST, MVMD_EXIT_BUSY);
	assert_says(fault.why, "alternative name of lo");
	assert_null(strstr(fault.remedy, "del"));
	fault_done(&fault);
}

static void test_tap_of_another_process(void **state)
{
	pid_t pid = hold_tap(TAP_NAME, true, IFF_TAP | IFF_NO_PI);
	_cleanup_free_ char *words = str_printf("pid %d (", pid);
	Fault fault = refuse(&plain_nic, -EEXIST, MVMD_EXIT_BUSY);

	assert_says(fault.why, words);
	fault_done(&fault);
	assert_true(exists(TAP_NAME));

	/* Persistent and without its process it is still not ours. */
	end_process(pid);
	fault = refuse(&plain_nic, -EEXIST, MVMD_EXIT_BUSY);
	assert_says(fault.why, "persistent tap that nobody has open");
	assert_true(exists(TAP_NAME));
	fault_done(&fault);
}

static void test_tap_of_another_vm(void **state)
{
	Fault fault;

	ip("tuntap add %s mode tap", TAP_NAME);
	ip("link set %s alias mvmd:other/net0", TAP_NAME);
	fault = refuse(&plain_nic, -EEXIST, MVMD_EXIT_BUSY);
	assert_says(fault.why, "mvmd:other/net0");
	assert_true(exists(TAP_NAME));
	fault_done(&fault);
}

static void test_own_leftover_is_replaced(void **state)
{
	int before;
	Tap tap;

	ip("tuntap add %s mode tap multi_queue", TAP_NAME);
	ip("link set %s alias mvmd:web1/net0", TAP_NAME);
	before = get(TAP_NAME).ifindex;
	tap = create(&plain_nic);
	assert_int_not_equal(tap.ifindex, before);
	tap_close(&tap);
	assert_false(exists(TAP_NAME));
}

/* A multi-queue tap would let us in beside its holder. */
static void test_own_leftover_that_is_held(void **state)
{
	PlanNic nic = plain_nic;
	pid_t pid = hold_tap(TAP_NAME, false, IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE);
	_cleanup_free_ char *words = str_printf("pid %d (", pid);
	Fault fault;

	nic.queues = 2;
	ip("link set %s alias mvmd:web1/net0", TAP_NAME);
	fault = refuse(&nic, -EBUSY, MVMD_EXIT_BUSY);
	assert_says(fault.what, "earlier run");
	assert_says(fault.why, words);
	assert_string_equal(fault.id, "tap-held");
	assert_true(exists(TAP_NAME));
	fault_done(&fault);
	end_process(pid);
}

static void test_holder_is_of_this_namespace(void **state)
{
	_cleanup_free_ char *holder = NULL, *expected = NULL;
	pid_t holder_pid = 0;
	pid_t elsewhere = hold_tap(TAP_NAME, false, IFF_TAP), here;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	holder = tap_holder(TAP_NAME, &holder_pid);
	assert_says(holder, "of another network namespace");
	free(TAKE_PTR(holder));

	here = hold_tap(TAP_NAME, false, IFF_TAP);
	holder = tap_holder(TAP_NAME, &holder_pid);
	expected = str_printf("pid %d (test-tap)", here);
	assert_string_equal(holder, expected);
	assert_null(tap_holder("vm-web1-net", &holder_pid));
	end_process(here);
	end_process(elsewhere);
}

static void test_name_that_no_link_can_have(void **state)
{
	PlanNic nic = plain_nic;
	Fault fault;

	(void) strcpy(nic.tap, "vm%d"); /* the kernel would make it vm0 */
	fault = refuse(&nic, -EINVAL, MVMD_EXIT_SPEC);
	assert_string_equal(fault.id, "tap-name");
	fault_done(&fault);
	assert_false(exists("vm0"));
}

/* Hides the host's /dev/net from this process. */
static bool enter_empty_dev_net(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", "/dev/net", "tmpfs", 0, NULL) == 0;
}

/* 0: tap_create() failed as it should, and the remedy is this one. */
static int check_create(const char *id, int error, int exit_code, const char *remedy)
{
	Fault fault = { 0 };
	Tap tap = { 0 };
	int r = tap_create(nl, &plain_nic, &tap, &fault);
	bool as_expected = r == error && streq_null(fault.id, id) && fault.exit_code == exit_code &&
			   streq_null(fault.remedy, remedy) && fault_evidence_get(&fault, "tap");

	fault_done(&fault);
	return as_expected ? 0 : 1;
}

static int create_without_capability(void *data)
{
	if (!enter_empty_dev_net() || mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 200)) < 0 ||
	    chmod("/dev/net/tun", 0666) < 0 || !become_nobody())
		return 100;
	return check_create("tap-permission", -EPERM, MVMD_EXIT_PERMISSION, "run mvmd as root");
}

static void test_without_the_capability(void **state)
{
	assert_int_equal(in_child(create_without_capability, NULL), 0);
}

static int create_without_device(void *data)
{
	return enter_empty_dev_net() ?
		       check_create("tun-missing", -ENOENT, MVMD_EXIT_UNAVAILABLE, "modprobe tun") :
		       100;
}

/* Character devices of the major 250 belong to whom they are given, and 250:250 to nobody. */
static int create_without_driver(void *data)
{
	if (!enter_empty_dev_net() || mknod("/dev/net/tun", S_IFCHR | 0600, makedev(250, 250)) < 0)
		return 100;
	return check_create("tun-missing", -ENXIO, MVMD_EXIT_UNAVAILABLE, "modprobe tun");
}

static int create_without_access(void *data)
{
	if (!enter_empty_dev_net() || mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 200)) < 0 ||
	    !become_nobody())
		return 100;
	return check_create("tun-permission", -EACCES, MVMD_EXIT_PERMISSION,
			    "run mvmd as root, or allow it the device");
}

static void test_without_the_device(void **state)
{
	assert_int_equal(in_child(create_without_device, NULL), 0);
	assert_int_equal(in_child(create_without_driver, NULL), 0);
	assert_int_equal(in_child(create_without_access, NULL), 0);
}

/* tap_attach() to a link fails with this error and exit code; the fault is the caller's. */
static Fault refuse_attach(const PlanNic *nic, const LinkInfo *bridge, int error, int exit_code)
{
	Tap tap = create(nic);
	Fault fault = { 0 };

	assert_int_equal(tap_attach(nl, nic, &tap, bridge, &fault), error);
	assert_int_equal(fault.error, error);
	assert_int_equal(fault.exit_code, exit_code);
	assert_says(fault.what, nic->tap);
	assert_says(fault.what, bridge->name);
	assert_string_equal(fault_evidence_get(&fault, "tap"), nic->tap);
	assert_string_equal(fault_evidence_get(&fault, "bridge"), bridge->name);
	tap_close(&tap);
	return fault;
}

static void test_mtu_that_no_tap_has(void **state)
{
	PlanNic nic = plain_nic;
	LinkInfo bridge;
	Fault fault;

	ip("link add br0 mtu 1420 type bridge");
	bridge = get("br0");
	nic.mtu = 65535; /* drivers/net/tun.c: at most 65535 less the Ethernet header */
	fault = refuse_attach(&nic, &bridge, -EINVAL, MVMD_EXIT_UNAVAILABLE);
	assert_string_equal(fault.id, "tap-attach");
	assert_says(fault.what, "65535");
	assert_says(fault.why, "mtu greater than device maximum");
	assert_says(fault.remedy, "1420");
	fault_done(&fault);
}

static void test_bridge_that_went_away(void **state)
{
	LinkInfo bridge;
	Fault fault;

	ip("link add br0 type bridge");
	bridge = get("br0");
	ip("link del br0");
	fault = refuse_attach(&plain_nic, &bridge, -ENODEV, MVMD_EXIT_UNAVAILABLE);
	assert_string_equal(fault.id, "bridge-lost");
	assert_says(fault.what, "removed");
	assert_says(fault.remedy, "start the VM again");
	fault_done(&fault);

	/* Another one of that name is not the one that was looked at. */
	ip("link add br0 type bridge");
	fault = refuse_attach(&plain_nic, &bridge, -ENODEV, MVMD_EXIT_UNAVAILABLE);
	fault_done(&fault);
}

static void test_master_that_takes_no_ports(void **state)
{
	LinkInfo link;
	Fault fault;

	ip("link add veth0 type veth peer name veth1");
	link = get("veth0");
	fault = refuse_attach(&plain_nic, &link, -EOPNOTSUPP, MVMD_EXIT_UNAVAILABLE);
	fault_done(&fault);
}

static void test_full_bridge(void **state)
{
	_cleanup_free_ char *lines = NULL;
	StrBuf batch = { 0 };
	LinkInfo bridge;
	Fault fault;

	ip("link add br0 type bridge");
	for (unsigned i = 0; i < 511; i++)
		str_buf_add(&batch,
			    "link add a%u master br0 type veth peer name b%u\n"
			    "link set b%u master br0\n",
			    i, i, i);
	str_buf_add(&batch, "link add last master br0 type veth peer name peer\n");
	assert_int_equal(str_buf_take(&batch, &lines), 0);
	ip_batch(lines);

	bridge = get("br0");
	fault = refuse_attach(&plain_nic, &bridge, -EXFULL, MVMD_EXIT_UNAVAILABLE);
	assert_string_equal(fault.id, "bridge-full");
	assert_says(fault.why, "1023");
	fault_done(&fault);
	assert_false(exists(TAP_NAME));
}

/* The bridge's number and name belong to different links: the read-back must notice. */
static void test_what_differs_is_named(void **state)
{
	PlanNic nic = plain_nic;
	LinkInfo bridge;
	Fault fault = { 0 };
	Tap tap;

	ip("link add br0 type bridge");
	ip("link add br1 type bridge");
	bridge = get("br0");
	tap = create(&nic);
	/* Attached under another name, a tap of the first name is read back that nobody set up. */
	ip("link set %s name elsewhere", TAP_NAME);
	ip("tuntap add %s mode tap", TAP_NAME);
	ip("link set %s master br1 mtu 1234", TAP_NAME);
	assert_int_equal(tap_attach(nl, &nic, &tap, &bridge, &fault), -EIO);
	assert_string_equal(fault.id, "tap-changed");
	assert_says(fault_evidence_get(&fault, "differs"), "MTU is 1234 instead of 1500");
	assert_says(fault.what, "master is br1 instead of br0");
	assert_says(fault.what, "MTU is 1234 instead of 1500");
	assert_says(fault.what, "down instead of up");
	assert_says(fault.what, "instead of fe:11:22:33:44:55");
	assert_says(fault.what, "alias is \"\" instead of \"mvmd:web1/net0\"");
	fault_done(&fault);
	tap_close(&tap);
}

/* Three of ours go, and what is not ours stays: a tap without a descriptor here, and who is in a group of his own. */
static void test_several_go_together(void **state)
{
	static const char *const names[] = { "vm-one", "vm-two", "vm-three" };
	Tap taps[ELEMENTSOF(names) + 1] = { 0 };

	ip("link add br0 type bridge");
	ip("tuntap add stranger mode tap");
	ip("link set stranger group 77");
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		PlanNic nic = plain_nic;

		(void) snprintf(nic.tap, sizeof(nic.tap), "%s", names[i]);
		taps[i] = create(&nic);
		attach(&nic, &taps[i], "br0");
	}
	taps[ELEMENTSOF(names)].ifindex = (int) if_nametoindex("stranger");

	taps_remove(nl, taps, ELEMENTSOF(taps));
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		assert_false(exists(names[i]));
		assert_int_equal(taps[i].ifindex, 0);
		tap_close(&taps[i]);
	}
	assert_true(exists("stranger"));
	assert_true(exists("br0"));
}

/* Without the right to it they end with their descriptors, as one does. */
static int remove_as_nobody(void *data)
{
	Tap *taps = data;

	if (!become_nobody())
		return 2;
	taps_remove(nl, taps, 2);
	return exists("vm-one") && exists("vm-two") && taps[0].ifindex > 0 ? 0 : 1;
}

static void test_several_that_may_not_be_deleted(void **state)
{
	PlanNic one = plain_nic, two = plain_nic;
	Tap taps[2];

	(void) snprintf(one.tap, sizeof(one.tap), "vm-one");
	(void) snprintf(two.tap, sizeof(two.tap), "vm-two");
	taps[0] = create(&one);
	taps[1] = create(&two);
	assert_int_equal(in_child(remove_as_nobody, taps), 0);
	tap_close(&taps[0]);
	tap_close(&taps[1]);
	assert_false(exists("vm-one"));
	assert_false(exists("vm-two"));
}

/* "attach": "none", and what is left for others to put somewhere. */
static void test_tap_on_no_bridge(void **state)
{
	PlanNic nic = plain_nic;
	Fault fault = { 0 };
	LinkInfo link;
	Tap tap;

	nic.mtu = 1400;
	tap = create(&nic);
	assert_int_equal(tap_set(nl, &nic, &tap, false, &fault), 0);
	link = get(TAP_NAME);
	assert_int_equal(link.mtu, 1400);
	assert_memory_equal(&link.mac, &nic.tap_mac, sizeof(link.mac));
	assert_string_equal(link.alias, own_alias);
	assert_false(link.flags & IFF_UP);

	/* Whose port it is meanwhile is nobody's business. */
	ip("link add br0 type bridge");
	ip("link set %s master br0", TAP_NAME);
	assert_int_equal(tap_set(nl, &nic, &tap, true, &fault), 0);
	link = get(TAP_NAME);
	assert_true(link.flags & IFF_UP);
	assert_int_equal(link.master, get("br0").ifindex);

	ip("link del %s", TAP_NAME);
	assert_int_equal(tap_set(nl, &nic, &tap, true, &fault), -ENODEV);
	assert_string_equal(fault.id, "tap-attach");
	assert_string_equal(fault_evidence_get(&fault, "tap"), TAP_NAME);
	fault_done(&fault);
	tap_close(&tap);
}

#define IN_NETWORK(test) cmocka_unit_test_setup_teardown(test, network_new, network_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETWORK(test_all_values_are_there),
		IN_NETWORK(test_mtu_of_the_nic_comes_first),
		IN_NETWORK(test_flags_and_descriptors),
		IN_NETWORK(test_queues),
		IN_NETWORK(test_more_queues_than_the_driver_has),
		IN_NETWORK(test_nothing_is_left_after_close),
		IN_NETWORK(test_several_go_together),
		IN_NETWORK(test_several_that_may_not_be_deleted),
		IN_NETWORK(test_long_name_as_alternative_name),
		IN_NETWORK(test_name_of_another_kind_of_link),
		IN_NETWORK(test_alternative_name_of_another_link),
		IN_NETWORK(test_tap_of_another_process),
		IN_NETWORK(test_tap_of_another_vm),
		IN_NETWORK(test_own_leftover_is_replaced),
		IN_NETWORK(test_own_leftover_that_is_held),
		IN_NETWORK(test_holder_is_of_this_namespace),
		IN_NETWORK(test_name_that_no_link_can_have),
		IN_NETWORK(test_without_the_capability),
		IN_NETWORK(test_without_the_device),
		IN_NETWORK(test_mtu_that_no_tap_has),
		IN_NETWORK(test_bridge_that_went_away),
		IN_NETWORK(test_master_that_takes_no_ports),
		IN_NETWORK(test_full_bridge),
		IN_NETWORK(test_what_differs_is_named),
		IN_NETWORK(test_tap_on_no_bridge),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter() || !network_has_taps())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
