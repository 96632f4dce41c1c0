/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "host/link.h"
#include "net/network.h"

static Nl *nl;

static LinkInfo get(const char *name)
{
	LinkInfo link = { 0 };

	assert_int_equal(link_get(nl, name, &link), 0);
	return link;
}

static void test_bridge_is_read(void **state)
{
	LinkInfo link;

	ip("link add br0 address 02:00:5e:00:53:01 mtu 1400 type bridge");
	ip("link set br0 up alias uplink-of-the-lab");
	link = get("br0");
	assert_string_equal(link.name, "br0");
	assert_string_equal(link.kind, "bridge");
	assert_string_equal(link.alias, "uplink-of-the-lab");
	assert_int_equal(link.mtu, 1400);
	assert_int_equal(link.master, 0);
	assert_true(link.flags & IFF_UP);
	assert_memory_equal(link.mac.bytes, "\x02\x00\x5e\x00\x53\x01", MAC_BYTES);
	assert_int_equal(link.ifindex, if_nametoindex("br0"));
	ip("link set br0 down");
	assert_false(get("br0").flags & IFF_UP);
}

static void test_port_is_read(void **state)
{
	ip("link add br0 type bridge");
	ip("link add port0 numtxqueues 3 master br0 type veth peer name peer0");
	assert_string_equal(get("port0").kind, "veth");
	assert_int_equal(get("port0").master, if_nametoindex("br0"));
	assert_int_equal(get("port0").max_tx_queues, 3);
	assert_string_equal(get("lo").kind, "");
}

static void test_absent_link(void **state)
{
	LinkInfo link = { .ifindex = 77 };

	assert_int_equal(link_get(nl, "br0", &link), -ENODEV);
	assert_int_equal(link.ifindex, 77);
	assert_string_equal(nl_error_text(nl), "No such device");
}

static void test_long_name_is_not_cut_off(void **state)
{
	LinkInfo link = { .ifindex = 77 };

	ip("link add abcdefghijklmno type veth peer name p-jklmno");
	assert_int_equal(link_get(nl, "abcdefghijklmnop", &link), -EINVAL);
	assert_int_equal(link_get(nl, "", &link), -EINVAL);
	assert_int_equal(link.ifindex, 77);
	assert_string_equal(get("abcdefghijklmno").name, "abcdefghijklmno");
}

static void test_alternative_name(void **state)
{
	ip("link add port0 type veth peer name p-port0");
	ip("link add port1 type veth peer name p-port1");
	assert_int_equal(link_add_altname(nl, get("port0").ifindex, "second-name"), 0);
	assert_string_equal(get("second-name").name, "port0");
	assert_int_equal(link_add_altname(nl, get("port1").ifindex, "second-name"), -EEXIST);
	assert_int_equal(link_add_altname(nl, get("port1").ifindex,
					  "a-long-name-of-a-machine-beyond-what-fits-net0"),
			 0);
	ip("link show a-long-name-of-a-machine-beyond-what-fits-net0");
}

static void test_all_is_set_at_once(void **state)
{
	LinkSettings settings = { .mtu = 1300,
				  .mac = { { 0xfe, 0, 0x5e, 0, 0x53, 2 } },
				  .alias = "mvmd:web1/net0",
				  .up = true };
	LinkInfo link;

	ip("link add br0 type bridge");
	ip("link add port0 type veth peer name p-port0");
	settings.master = get("br0").ifindex;
	assert_int_equal(link_set(nl, get("port0").ifindex, &settings), 0);
	link = get("port0");
	assert_int_equal(link.master, settings.master);
	assert_int_equal(link.mtu, 1300);
	assert_memory_equal(&link.mac, &settings.mac, sizeof(link.mac));
	assert_string_equal(link.alias, "mvmd:web1/net0");
	assert_true(link.flags & IFF_UP);

	/* Zero and NULL leave things as they are. */
	settings = (LinkSettings){ .mac = link.mac };
	assert_int_equal(link_set(nl, link.ifindex, &settings), 0);
	assert_int_equal(get("port0").mtu, 1300);
	assert_int_equal(get("port0").master, link.master);
	assert_true(get("port0").flags & IFF_UP);
}

static void test_kernel_says_why(void **state)
{
	LinkSettings settings = { .mac = { { 2, 0, 0, 0, 0, 1 } } };

	/* net/core/dev.c:dev_validate_mtu */
	ip("link add veth0 type veth peer name veth1");
	settings.mtu = 70000;
	assert_int_equal(link_set(nl, get("veth0").ifindex, &settings), -EINVAL);
	assert_non_null(strstr(nl_error_text(nl), "mtu greater than device maximum"));

	/* net/bridge/br_if.c:br_add_if: a bridge is no port of a bridge */
	ip("link add br0 type bridge");
	ip("link add br1 type bridge");
	settings.mtu = 0;
	settings.master = get("br0").ifindex;
	assert_int_equal(link_set(nl, get("br1").ifindex, &settings), -ELOOP);
	assert_non_null(strstr(nl_error_text(nl), "bridge"));

	/* The words of one request are not those of the next. */
	assert_int_equal(link_delete(nl, 12345), -ENODEV);
	assert_string_equal(nl_error_text(nl), "No such device");
}

static int set_as_nobody(void *data)
{
	const LinkSettings settings = { .up = true };
	Nl *own = NULL;
	int r;

	if (!become_nobody() || nl_connection_new(NETLINK_ROUTE, &own) < 0)
		return 100;
	r = link_set(own, *(int *) data, &settings);
	(void) nl_connection_free(own);
	return -r;
}

static void test_without_rights(void **state)
{
	int ifindex = get("lo").ifindex;

	assert_int_equal(in_child(set_as_nobody, &ifindex), EPERM);
}

static void test_delete(void **state)
{
	LinkInfo link;

	ip("link add port0 type veth peer name p-port0");
	assert_int_equal(link_delete(nl, get("port0").ifindex), 0);
	assert_int_equal(link_get(nl, "port0", &link), -ENODEV);
}

static void test_bridges_are_listed(void **state)
{
	StrList names = { 0 };

	assert_int_equal(link_list_bridges(nl, &names), 0);
	assert_int_equal(names.n, 0);

	ip("link add lan type bridge");
	ip("link add port0 type veth peer name p-port0");
	ip("link add br0 type bridge");
	assert_int_equal(link_list_bridges(nl, &names), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.items[0], "br0");
	assert_string_equal(names.items[1], "lan");
	str_list_done(&names);
}

static void test_list_longer_than_one_datagram(void **state)
{
	_cleanup_free_ char *lines = NULL;
	StrBuf batch = { 0 };
	StrList names = { 0 };

	for (unsigned i = 0; i < 60; i++)
		str_buf_add(&batch, "link add b%u type bridge\n", i);
	assert_int_equal(str_buf_take(&batch, &lines), 0);
	ip_batch(lines);
	assert_int_equal(link_list_bridges(nl, &names), 0);
	assert_int_equal(names.n, 60);
	assert_true(str_list_contains(&names, "b59"));
	str_list_done(&names);
}

static void count_new_links(struct nlmsghdr *message, void *userdata)
{
	if (message->nlmsg_type == RTM_NEWLINK)
		++*(unsigned *) userdata;
}

static void test_lost_notifications_are_told(void **state)
{
	Nl *monitor = NULL;
	unsigned n = 0;
	int r, least = 1;

	assert_int_equal(nl_connection_new(NETLINK_ROUTE, &monitor), 0);
	assert_int_equal(nl_subscribe(monitor, RTNLGRP_LINK), 0);
	assert_int_equal(nl_receive(monitor, count_new_links, &n), 0);
	assert_int_equal(n, 0);

	assert_int_equal(setsockopt(nl_fd(monitor), SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)),
			 0);
	for (unsigned i = 0; i < 4; i++) {
		ip("link add port0 type veth peer name p-port0");
		ip("link del port0");
	}
	do
		r = nl_receive(monitor, count_new_links, &n);
	while (r == 0 && poll(&(struct pollfd){ nl_fd(monitor), POLLIN, 0 }, 1, 0) > 0);
	assert_int_equal(r, -ENOBUFS);

	/* After that it goes on. */
	assert_int_equal(nl_receive(monitor, count_new_links, &n), 0);
	n = 0;
	ip("link set lo up");
	assert_int_equal(nl_receive(monitor, count_new_links, &n), 0);
	assert_true(n > 0);
	(void) nl_connection_free(monitor);
}

/* Each test has a network of its own, which goes with it. */
static int network_new(void **state)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : nl_connection_new(NETLINK_ROUTE, &nl);
}

static int network_done(void **state)
{
	nl = nl_connection_free(nl);
	return 0;
}

#define IN_NETWORK(test) cmocka_unit_test_setup_teardown(test, network_new, network_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETWORK(test_bridge_is_read),
		IN_NETWORK(test_port_is_read),
		IN_NETWORK(test_absent_link),
		IN_NETWORK(test_long_name_is_not_cut_off),
		IN_NETWORK(test_alternative_name),
		IN_NETWORK(test_all_is_set_at_once),
		IN_NETWORK(test_kernel_says_why),
		IN_NETWORK(test_without_rights),
		IN_NETWORK(test_delete),
		IN_NETWORK(test_bridges_are_listed),
		IN_NETWORK(test_list_longer_than_one_datagram),
		IN_NETWORK(test_lost_notifications_are_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
