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
	LinkInfo tap;

	/* The tap may be gone again. */
	if (link_get(nl, NETWORKD_TAP, &tap) == 0 && tap.master == 0)
		(void) !system("ip link set " NETWORKD_TAP " up master br1 2>/dev/null");
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

/* Debian 13's passt, by its own loader, where this host's is none or does not know vhost-user. False: there is none. */
static bool find_passt(void)
{
	char program[PATH_MAX] = "", path[64];
	_cleanup_free_ char *search = NULL;
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	FILE *file;

	assert_true(n > 0);
	*strrchr(program, '/') = '\0';
	(void) snprintf(path, sizeof(path), "%s/bin", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	search = str_printf("%s:%s", path, getenv("PATH") ?: "/usr/bin:/bin");
	assert_non_null(search);
	if (system("passt --help 2>&1 | grep -q -e --vhost-user") == 0)
		return true;
	assert_int_equal(setenv("PATH", search, 1), 0);
	(void) snprintf(path, sizeof(path), "%s/bin/passt", folder);
	file = fopen(path, "we");
	assert_non_null(file);
	(void) fprintf(file,
		       "#!/bin/sh\n"
		       "root=%s/../../debian-13/root\n"
		       "exec \"$root/lib64/ld-linux-x86-64.so.2\" --library-path"
		       " \"$root/usr/lib/x86_64-linux-gnu\" \"$root/usr/bin/passt\" \"$@\"\n",
		       program);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
	return system("passt --help 2>&1 | grep -q -e --vhost-user") == 0;
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
		       "      \"tap\": \"" NETWORKD_TAP "\" },\n"
		       "    { \"id\": \"card\", \"attach\": \"macvtap\","
		       " \"macvtap\": { \"link\": \"low0\" } },\n"
		       "    { \"id\": \"made\", \"bridge\": \"br-made\","
		       " \"create_bridge\": { \"address\": [ \"10.9.8.1/24\" ] } }%s ] }\n",
		       vmm, accel, folder, more);
	assert_int_equal(fclose(file), 0);
}

/* The ways that not every host has. */
static char *more_interfaces(void)
{
	StrBuf text = { 0 };
	char *interfaces = NULL;

	if (access(BRIDGE_HELPER, X_OK) == 0 && allow_bridge())
		str_buf_add(&text, ",\n    { \"id\": \"helped\", \"attach\": \"helper\","
				   " \"bridge\": \"br0\" }");
	else
		printf("# SKIP: attach helper: there is no qemu-bridge-helper, or no overlay\n");
	if (find_passt())
		str_buf_add(&text, ",\n    { \"id\": \"user\", \"attach\": \"passt\" }");
	else
		printf("# SKIP: attach passt: there is no passt with vhost-user\n");
	assert_int_equal(str_buf_take(&text, &interfaces), 0);
	(void) fflush(stdout); /* or each child says it again */
	return interfaces;
}

static int setup(void **state)
{
	_cleanup_free_ char *more = NULL;

	make_folder();
	more = more_interfaces();
	write_spec("qemu", "qemu", "tcg", more);
	write_spec("ch", "cloud-hypervisor", "kvm", more);
	ip("link add low0 type veth peer name low1");
	ip("link set low0 addrgenmode none up");
	ip("link set low1 addrgenmode none up");
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
