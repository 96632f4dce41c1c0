/* SPDX-License-Identifier: Apache-2.0 */
/* Every step of a VM whose interfaces get onto the network in each of their ways fails in turn. */
#include <linux/rtnetlink.h>
#include <poll.h>

#include "net/fault-sweep.h"

#define BRIDGE_HELPER "/usr/lib/qemu/qemu-bridge-helper"
#define NETWORKD_TAP  "vm-networkd"

static pid_t player;

/* Puts the tap on its bridge as soon as it is there, as systemd-networkd does. */
static void on_link(struct nlmsghdr *message, void *userdata)
{
	Nl *nl = userdata;
	LinkInfo tap, bridge;

	if (link_get(nl, NETWORKD_TAP, &tap) < 0 || tap.master != 0 ||
	    link_get(nl, "br1", &bridge) < 0)
		return;
	(void) link_set(nl, tap.ifindex,
			&(LinkSettings){ .master = bridge.ifindex, .mac = tap.mac, .up = true });
}

static void play_networkd(void)
{
	Nl *news = NULL, *nl = NULL;

	player = fork();
	if (player != 0)
		return;
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nl_connection_new(NETLINK_ROUTE, &nl) < 0 ||
	    nl_connection_new(NETLINK_ROUTE, &news) < 0 || nl_subscribe(news, RTNLGRP_LINK) < 0)
		_exit(EXIT_FAILURE);
	for (;;) {
		struct pollfd waiting = { .fd = nl_fd(news), .events = POLLIN };

		if (poll(&waiting, 1, -1) > 0)
			(void) nl_receive(news, on_link, nl);
	}
}

/* What the bridge helper is to allow, where nobody else reads it. */
static bool allow_bridge(void)
{
	char memory[64], options[256];
	FILE *file;

	(void) snprintf(memory, sizeof(memory), "%s/memory", folder);
	assert_int_equal(mkdir(memory, 0755), 0);
	assert_int_equal(mount("tmpfs", memory, "tmpfs", 0, "mode=755"), 0);
	(void) snprintf(options, sizeof(options),
			"lowerdir=/etc,upperdir=%s/memory/upper,workdir=%s/memory/work", folder,
			folder);
	(void) snprintf(memory, sizeof(memory), "%s/memory/upper", folder);
	assert_int_equal(mkdir(memory, 0755), 0);
	(void) snprintf(memory, sizeof(memory), "%s/memory/work", folder);
	assert_int_equal(mkdir(memory, 0755), 0);
	if (mount("overlay", "/etc", "overlay", 0, options) < 0)
		return false;
	(void) mkdir("/etc/qemu", 0755);
	file = fopen("/etc/qemu/bridge.conf", "we");
	assert_non_null(file);
	(void) fprintf(file, "allow br0\n");
	return fclose(file) == 0;
}

static void write_spec(const char *name, const char *vmm, const char *accel, const char *more)
{
	char path[64];
	FILE *file;

	(void) snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	(void) fprintf(file,
		       "{ \"vmm\": \"%s\", \"accel\": \"%s\", \"memory\": \"64MiB\",\n"
		       "  \"boot\": { \"kernel\": \"%s/kernel\", \"cmdline\": \"poweroff\" },\n"
		       "  \"interfaces\": [\n"
		       "    { \"id\": \"port\", \"bridge\": \"br0\", \"isolated\": true,\n"
		       "      \"locked\": true, \"hairpin\": true, \"bcast_flood\": false,\n"
		       "      \"rate\": { \"rx\": \"100Mbit\" } },\n"
		       "    { \"id\": \"alone\", \"attach\": \"none\" },\n"
		       "    { \"id\": \"file\", \"attach\": \"networkd\", \"bridge\": \"br1\",\n"
		       "      \"tap\": \"" NETWORKD_TAP "\" }%s ] }\n",
		       vmm, accel, folder, more);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	const char *helped = ",\n    { \"id\": \"helped\", \"attach\": \"helper\","
			     " \"bridge\": \"br0\" }";

	make_folder();
	if (access(BRIDGE_HELPER, X_OK) < 0 || !allow_bridge()) {
		printf("# SKIP: without attach helper: there is no qemu-bridge-helper, or no overlay\n");
		helped = "";
	}
	write_spec("qemu", "qemu", "tcg", helped);
	write_spec("ch", "cloud-hypervisor", "kvm", helped);
	make_bridge("br0", 1);
	make_bridge("br1", 2);
	play_networkd();
	return 0;
}

static int done(void **state)
{
	char memory[64];

	(void) snprintf(memory, sizeof(memory), "%s/memory", folder);
	(void) kill(player, SIGKILL);
	(void) waitpid(player, NULL, 0);
	(void) umount2("/etc", MNT_DETACH);
	(void) umount2(memory, MNT_DETACH);
	return teardown(state);
}

static void test_qemu(void **state)
{
	skip_without("qemu-system-x86_64");
	sweep_spec("qemu");
}

static void test_cloud_hypervisor(void **state)
{
	skip_without_kvm();
	sweep_spec("ch");
}

static int sweep_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qemu),
		cmocka_unit_test(test_cloud_hypervisor),
	};

	return cmocka_run_group_tests(tests, setup, done);
}

int main(void)
{
	return sweep_main();
}
