/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>

#include "host/rate.h"
#include "mvmd/exit-codes.h"
#include "net/network.h"
#include "run/link-watch.h"

#define TAP "vm-web1-net0"

/* More of others' taps than anybody starts while a test runs. */
#define OTHERS 40

#define TOLD_MAX 32

/* Each of a few looks may be told of several times. */
#define WAKEUPS_MAX 64

#define LIMIT_USEC (60 * USEC_PER_SEC)

static char alias[] = "mvmd:web1/net0", altname[] = "vm-web1-with-a-long-name-net0", br0[] = "br0";

/* How often somebody takes the tap off its bridge while mvmd puts it back. */
static unsigned intrusions;

bool __real_link_has_altname(Nl *nl, int ifindex, const char *name);
bool __wrap_link_has_altname(Nl *nl, int ifindex, const char *name);

/* The last thing that is asked of a tap that is put back, before it is read back. */
bool __wrap_link_has_altname(Nl *nl, int ifindex, const char *name)
{
	if (intrusions > 0) {
		intrusions--;
		ip("link set " TAP " nomaster");
	}
	return __real_link_has_altname(nl, ifindex, name);
}

/* What was told: "id: what", or "mended id: words". */
typedef struct Told {
	char what[256], why[256], repaired[64], by[64];
	int exit_code;
	bool stop;
} Told;

/* One VM's tap on br0 in a network of its own, and the watch. */
typedef struct Scene {
	sd_event *event;
	Nl *nl;
	SpecInterface interface;
	PlanNic nic;
	Plan plan;
	Tap tap;
	LinkWatch *watch;
	Told told[TOLD_MAX];
	size_t n_told, n_seen;
} Scene;

static int scene_new(void **state)
{
	Scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(sd_event_new(&scene->event), 0);
	assert_int_equal(nl_connection_new(NETLINK_ROUTE, &scene->nl), 0);
	scene->interface = (SpecInterface){ .id = alias, .bridge = br0, .queues = 1 };
	scene->nic = (PlanNic){ .spec = &scene->interface,
				.attach = ATTACH_BRIDGE,
				.tap = TAP,
				.alias = alias,
				.altname = altname,
				.mac = { { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 } },
				.tap_mac = { { 0xfe, 0x11, 0x22, 0x33, 0x44, 0x55 } },
				.queues = 1,
				.on_detach = ON_DETACH_REPAIR };
	scene->plan = (Plan){ .nics = &scene->nic, .n_nics = 1 };
	*state = scene;
	return 0;
}

static int scene_done(void **state)
{
	Scene *scene = *state;

	(void) link_watch_free(scene->watch);
	tap_close(&scene->tap);
	(void) nl_connection_free(scene->nl);
	(void) sd_event_unref(scene->event);
	free(scene);
	return 0;
}

static Told *tell(Scene *scene)
{
	assert_in_range(scene->n_told, 0, TOLD_MAX - 1);
	return &scene->told[scene->n_told++];
}

static void on_wrong(size_t nic, const Fault *fault, bool stop, void *userdata)
{
	Told *told = tell(userdata);

	assert_int_equal(nic, 0);
	(void) snprintf(told->what, sizeof(told->what), "%s: %s", fault->id, fault->what);
	(void) snprintf(told->why, sizeof(told->why), "%s", fault->why ?: "");
	(void) snprintf(told->repaired, sizeof(told->repaired), "%s",
			fault_evidence_get(fault, "repaired") ?: "");
	(void) snprintf(told->by, sizeof(told->by), "%s",
			fault_evidence_get(fault, "by_pid") ?: "");
	told->exit_code = fault->exit_code;
	told->stop = stop;
	assert_non_null(fault->remedy);
}

static void on_mended(size_t nic, const char *id, const char *words, void *userdata)
{
	Told *told = tell(userdata);

	(void) snprintf(told->what, sizeof(told->what), "mended %s: %s", id, words);
}

/* The tap as a start makes it, on a bridge that is up. */
static void make_tap(Scene *scene)
{
	Fault fault = { 0 };
	LinkInfo bridge;

	ip("link add br0 up type bridge");
	assert_int_equal(link_get(scene->nl, "br0", &bridge), 0);
	assert_int_equal(tap_create(scene->nl, &scene->nic, &scene->tap, &fault), 0);
	if (scene->nic.attach == ATTACH_BRIDGE)
		assert_int_equal(tap_attach(scene->nl, &scene->nic, &scene->tap, &bridge, &fault),
				 0);
	else
		ip("link set " TAP " up");
}

static void watch(Scene *scene)
{
	const LinkWatchHandler handler = { on_wrong, on_mended, scene };

	assert_int_equal(link_watch_start(scene->event, &scene->plan, &scene->tap, true, &handler,
					  &scene->watch),
			 0);
}

static void begin(Scene *scene)
{
	make_tap(scene);
	watch(scene);
	assert_int_equal(scene->n_told, 0);
}

/* Handles all that is there, without waiting for more. */
static void run_now(Scene *scene)
{
	while (sd_event_run(scene->event, 0) > 0)
		;
}

static bool is_awake(const Scene *scene)
{
	struct pollfd wait = { .fd = link_watch_fd(scene->watch), .events = POLLIN };

	return poll(&wait, 1, 0) > 0;
}

/* The next that was told begins like this. */
static const Told *next(Scene *scene, const char *words)
{
	const Told *told;

	while (scene->n_seen == scene->n_told) /* of a carrier the kernel tells a while later */
		assert_int_not_equal(sd_event_run(scene->event, LIMIT_USEC), 0);
	told = &scene->told[scene->n_seen++];
	if (strncmp(told->what, words, strlen(words)) != 0)
		print_error("# \"%s\" does not begin with \"%s\"\n", told->what, words);
	assert_int_equal(strncmp(told->what, words, strlen(words)), 0);
	return told;
}

static void nothing_more(Scene *scene)
{
	run_now(scene);
	if (scene->n_seen < scene->n_told)
		print_error("# told, too: \"%s\"\n", scene->told[scene->n_seen].what);
	assert_int_equal(scene->n_seen, scene->n_told);
}

static LinkInfo look(const Scene *scene)
{
	LinkInfo link = { 0 };

	assert_int_equal(link_get_index(scene->nl, scene->tap.ifindex, &link), 0);
	return link;
}

static void assert_on_bridge(const Scene *scene)
{
	LinkInfo link = look(scene);

	assert_int_equal(link.master, if_nametoindex("br0"));
	assert_true(link.flags & IFF_UP);
	assert_string_equal(link.name, TAP);
}

static void test_quiet(void **state)
{
	Scene *scene = *state;

	begin(scene);
	nothing_more(scene);
	assert_on_bridge(scene);
}

static void test_taken_off(void **state)
{
	Scene *scene = *state;
	const Told *told;

	begin(scene);
	ip("link set " TAP " nomaster");
	told = next(scene,
		    "tap-off-bridge: tap " TAP " was taken off bridge br0; mvmd has put it back");
	assert_string_equal(told->repaired, "yes");
	assert_int_equal(told->exit_code, MVMD_EXIT_OK);
	assert_false(told->stop);
	assert_on_bridge(scene);
	assert_true(link_has_altname(scene->nl, scene->tap.ifindex, altname));
	nothing_more(scene);
}

static void test_taken_off_while_it_is_put_back(void **state)
{
	Scene *scene = *state;

	begin(scene);
	intrusions = 2;
	ip("link set " TAP " nomaster");
	(void) next(scene,
		    "tap-off-bridge: tap " TAP " was taken off bridge br0; mvmd has put it back");
	assert_int_equal(intrusions, 0);
	assert_on_bridge(scene);
	nothing_more(scene);
}

/* It ends, and is told. */
static void test_taken_off_whenever_it_is_put_back(void **state)
{
	Scene *scene = *state;

	begin(scene);
	intrusions = UINT_MAX;
	ip("link set " TAP " nomaster");
	(void) next(scene, "tap-contested: ");
	intrusions = 0;
	nothing_more(scene);
}

static void test_moved(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link add br1 type bridge");
	ip("link set " TAP " master br1");
	(void) next(scene,
		    "tap-off-bridge: tap " TAP " was moved from bridge br0 to br1; mvmd has");
	assert_on_bridge(scene);
	nothing_more(scene);
}

static void test_down_and_mtu(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link set " TAP " down");
	(void) next(scene, "tap-changed: tap " TAP " was taken down; mvmd has brought it up again");
	ip("link set " TAP " mtu 1400");
	(void) next(scene,
		    "tap-changed: tap " TAP " was given MTU 1400; mvmd has set it back to 1500");
	assert_int_equal(look(scene).mtu, 1500);
	assert_on_bridge(scene);
	nothing_more(scene);
}

static void test_renamed(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link set " TAP " down");
	ip("link set " TAP " name lan0");
	(void) next(scene,
		    "tap-renamed: tap " TAP " was renamed to lan0; mvmd has given it its name");
	assert_on_bridge(scene);
	nothing_more(scene);
}

/* Both see the same: the kernel tells of the port, and the watch looks. */
static void test_carrier(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link set " TAP " carrier off");
	assert_string_equal(next(scene, "tap-no-carrier: tap " TAP " has no carrier")->repaired,
			    "no");
	ip("link set " TAP " carrier on");
	(void) next(scene, "mended tap-no-carrier: tap " TAP " has its carrier again");
	nothing_more(scene);
}

static void test_bridge_down(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link set br0 down");
	(void) next(scene, "bridge-down: bridge br0 is down");
	ip("link set br0 up");
	(void) next(scene, "mended bridge-down: bridge br0 is up");
	nothing_more(scene);
}

static void test_bridge_deleted(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link del br0");
	assert_string_equal(next(scene, "bridge-lost: bridge br0 is gone")->repaired,
			    "when the bridge is back");
	nothing_more(scene);
	ip("link add br1 up type bridge"); /* not this one */
	assert_false(is_awake(scene));
	ip("link add br0 up type bridge");
	assert_string_equal(next(scene, "bridge-lost: bridge br0 was removed and is there again; "
					"mvmd has put tap " TAP " back on it")
				    ->repaired,
			    "yes");
	assert_on_bridge(scene);
	nothing_more(scene);
	ip("link set br0 down"); /* the new one is watched, too */
	(void) next(scene, "bridge-down: ");
}

/* Its settings as a port go with each bridge. */
static void test_port_settings(void **state)
{
	Scene *scene = *state;

	scene->nic.port.flags[PORT_FLAG_ISOLATED] = TRISTATE_TRUE;
	begin(scene);
	ip("link set " TAP " type bridge_slave isolated off");
	(void) next(scene, "tap-changed: tap " TAP " was set otherwise on bridge br0 (isolated");
	assert_int_equal(look(scene).port_flags[PORT_FLAG_ISOLATED], TRISTATE_TRUE);
	ip("link del br0");
	(void) next(scene, "bridge-lost: ");
	ip("link add br0 up type bridge");
	(void) next(scene, "bridge-lost: ");
	assert_int_equal(look(scene).port_flags[PORT_FLAG_ISOLATED], TRISTATE_TRUE);
	assert_on_bridge(scene);
	nothing_more(scene);
}

/* One that mvmd makes itself it makes again. */
static void test_created_bridge(void **state)
{
	Scene *scene = *state;
	char directory[] = "/tmp/mvmd-test-XXXXXX";

	assert_non_null(mkdtemp(directory));
	scene->interface.has_create_bridge = true;
	scene->plan.places.runtime_directory = directory;
	begin(scene);
	ip("link del br0");
	(void) next(scene, "bridge-lost: bridge br0 was removed and is there again; mvmd has put");
	assert_on_bridge(scene);
	nothing_more(scene);
	assert_int_equal(rmdir(directory), 0);
}

/* Which may be made under another name. */
static void test_bridge_renamed(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link set br0 down");
	ip("link set br0 name old0");
	(void) next(scene,
		    "bridge-lost: there is no bridge br0 any more, and tap " TAP " is on old0");
	ip("link set old0 name br0");
	ip("link set br0 up");
	(void) next(scene, "mended bridge-lost: tap " TAP " is on bridge br0 again");
	nothing_more(scene);
}

static void test_fight(void **state)
{
	Scene *scene = *state;

	begin(scene);
	for (unsigned i = 0; i < 5; i++) {
		ip("link set " TAP " nomaster");
		(void) next(scene, "tap-off-bridge: ");
		assert_on_bridge(scene);
	}
	ip("link set " TAP " nomaster");
	assert_string_equal(
		next(scene, "tap-contested: mvmd put it right 5 times within 1min")->repaired,
		"no");
	assert_int_equal(look(scene).master, 0);
	for (unsigned i = 0; i < 5; i++) {
		ip("link set " TAP " master br0");
		run_now(scene);
		ip("link set " TAP " nomaster");
		nothing_more(scene);
	}
	assert_int_equal(look(scene).master, 0);
}

/* A bridge that its manager makes anew is no fight. */
static void test_bridge_made_anew_often(void **state)
{
	Scene *scene = *state;

	begin(scene);
	for (unsigned i = 0; i < 8; i++) {
		ip("link del br0");
		(void) next(scene, "bridge-lost: ");
		ip("link add br0 up type bridge");
		(void) next(scene, "bridge-lost: ");
		assert_on_bridge(scene);
	}
	for (unsigned i = 0; i < 8; i++) { /* so fast that it is never seen to be gone */
		ip("link del br0");
		ip("link add br0 up type bridge");
		(void) next(scene, "tap-off-bridge: ");
		assert_on_bridge(scene);
	}
	nothing_more(scene);
}

static void test_warn(void **state)
{
	Scene *scene = *state;
	const Told *told;

	scene->nic.on_detach = ON_DETACH_WARN;
	begin(scene);
	ip("link set " TAP " nomaster");
	told = next(scene, "tap-off-bridge: tap " TAP " is not on bridge br0");
	assert_string_equal(told->repaired, "no");
	assert_false(told->stop);
	assert_int_equal(look(scene).master, 0);
	nothing_more(scene);
	ip("link set " TAP " master br0");
	(void) next(scene, "mended tap-off-bridge: tap " TAP " is on bridge br0 again");
	ip("link del br0");
	assert_string_equal(next(scene, "bridge-lost: ")->repaired, "no");
	nothing_more(scene);
}

static void test_stop_vm(void **state)
{
	Scene *scene = *state;
	const Told *told;

	scene->nic.on_detach = ON_DETACH_STOP_VM;
	begin(scene);
	ip("link set " TAP " mtu 1400"); /* no loss of the network */
	assert_false(next(scene, "tap-changed: ")->stop);
	ip("link set " TAP " nomaster");
	told = next(scene, "tap-off-bridge: the VM is stopped, as on_detach says: tap");
	assert_true(told->stop);
	assert_int_equal(told->exit_code, MVMD_EXIT_UNAVAILABLE);
	nothing_more(scene);
}

static void test_tap_deleted(void **state)
{
	Scene *scene = *state;

	begin(scene);
	ip("link del " TAP);
	assert_string_equal(next(scene, "tap-lost: tap " TAP " is gone")->repaired, "no");
	nothing_more(scene);
}

/* What networkd did while the VMM started is found by the first look. */
static void test_wrong_before(void **state)
{
	const LinkWatchHandler handler = { on_wrong, on_mended, *state };
	Scene *scene = *state;

	begin(scene);
	scene->watch = link_watch_free(scene->watch);
	ip("link set " TAP " nomaster");
	assert_int_equal(link_watch_start(scene->event, &scene->plan, &scene->tap, true, &handler,
					  &scene->watch),
			 0);
	(void) next(scene, "tap-off-bridge: ");
	assert_on_bridge(scene);
}

/* The MTU is the bridge's at the start, though no spec has it, and not what the first look finds. */
static void test_mtu_before(void **state)
{
	Scene *scene = *state;

	make_tap(scene);
	ip("link set " TAP " mtu 1400");
	watch(scene);
	(void) next(scene,
		    "tap-changed: tap " TAP " was given MTU 1400; mvmd has set it back to 1500");
	assert_int_equal(look(scene).mtu, 1500);
	nothing_more(scene);
}

static void test_without_a_bridge(void **state)
{
	Scene *scene = *state;

	scene->nic.attach = ATTACH_NONE;
	scene->interface.bridge = NULL;
	scene->nic.on_detach = ON_DETACH_WARN;
	begin(scene);
	ip("link set " TAP " down");
	(void) next(scene, "tap-changed: tap " TAP " is down");
	ip("link set " TAP " up");
	(void) next(scene, "mended tap-changed: ");
	ip("link set " TAP " master br0"); /* it is the user's */
	nothing_more(scene);
}

/* The kernel says whose request it was where that asked for an echo of it. */
static int delete_bridge_with_echo(void *data)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_pid = (uint32_t) getpid() };
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = { { .nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_DELLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ECHO | NLM_F_ACK },
		      { .ifi_index = *(const int *) data } };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), *answer = (int *) data;
	char buffer[4096];

	if (fd < 0 || bind(fd, (const struct sockaddr *) &own, sizeof(own)) < 0 ||
	    sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *) &kernel,
		   sizeof(kernel)) < 0 ||
	    recv(fd, buffer, sizeof(buffer), 0) < 0)
		return 1;
	*answer = 0;
	return 0;
}

static void test_who(void **state)
{
	Scene *scene = *state;
	int ifindex, status;
	char words[64];
	const Told *told;
	pid_t pid;

	begin(scene);
	ifindex = (int) if_nametoindex("br0");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(delete_bridge_with_echo(&ifindex));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	told = next(scene, "bridge-lost: ");
	(void) snprintf(words, sizeof(words), "%d", (int) pid);
	assert_string_equal(told->by, words);
	(void) snprintf(words, sizeof(words), "a process did it that has ended since (pid %d)",
			(int) pid);
	assert_string_equal(told->why, words);
}

/* However many others come, go and change, on the same bridge: nothing of theirs arrives. */
static void test_others_wake_nobody(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *lines = NULL;
	StrBuf batch = { 0 };

	begin(scene);
	ip("link set br0 address fe:00:00:00:00:01"); /* the bridge's own, as with a card on it */
	run_now(scene);
	for (unsigned i = 0; i < OTHERS; i++)
		str_buf_add(&batch,
			    "link add veth%u type veth peer name peer%u\n"
			    "link set veth%u up master br0\n"
			    "link set peer%u up\n"
			    "link set veth%u nomaster\n"
			    "link add b%u type bridge\n"
			    "link set b%u name br0%u\n"
			    "link del br0%u\n"
			    "link del veth%u\n",
			    i, i, i, i, i, i, i, i, i, i);
	assert_int_equal(str_buf_take(&batch, &lines), 0);
	ip_batch(lines);
	assert_false(is_awake(scene));
	nothing_more(scene);
}

/* A socket that overruns has lost what counted; the look finds it. */
static void test_flood(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *lines = NULL;
	StrBuf batch = { 0 };
	int bytes = 1, error = 0;
	socklen_t size = sizeof(error);

	begin(scene);
	assert_int_equal(setsockopt(link_watch_fd(scene->watch), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
				    sizeof(bytes)),
			 0);
	for (unsigned i = 0; i < 200; i++)
		str_buf_add(&batch, "link set br0 %s\n", i % 2 ? "up" : "down");
	str_buf_add(&batch, "link set " TAP " nomaster\n");
	assert_int_equal(str_buf_take(&batch, &lines), 0);
	ip_batch(lines);
	(void) next(scene, "tap-off-bridge: ");
	assert_on_bridge(scene);
	nothing_more(scene);
	assert_int_equal(
		getsockopt(link_watch_fd(scene->watch), SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, 0);
	ip("link set " TAP " down"); /* and it goes on */
	(void) next(scene, "tap-changed: ");
}

/*
 * What the kernel tells because of a request is there when that is answered: whoever looks because of what his own last
 * look made it tell has always more to handle.
 */
static void assert_comes_to_rest(Scene *scene)
{
	size_t n = 0;

	while (n < WAKEUPS_MAX && sd_event_run(scene->event, 0) > 0)
		n++;
	assert_in_range(n, 0, WAKEUPS_MAX - 1);
}

/* To ask for a qdisc makes the kernel tell all of it, who asked, too (net/sched/sch_api.c: tc_get_qdisc()). */
static void test_own_looks_wake_nobody(void **state)
{
	Scene *scene = *state;
	_cleanup_(str_buf_done) StrBuf differences = { 0 };

	scene->nic.rate = nic_rate(&(SpecInterface){ .rate = { .rx_bits = 80000000 } });
	begin(scene);
	assert_comes_to_rest(scene);
	nothing_more(scene);

	/* Another process's look, which the kernel tells likewise, is a reason for one of ours, and no more. */
	assert_int_equal(rate_compare(scene->nl, &scene->nic, scene->tap.ifindex, &differences), 0);
	assert_int_equal(differences.length, 0);
	assert_comes_to_rest(scene);
	nothing_more(scene);

	run_command("tc qdisc change dev " TAP " root tbf rate 70mbit burst 128kb latency 50ms");
	assert_comes_to_rest(scene);
	(void) next(scene, "tap-changed: ");
	assert_int_equal(rate_compare(scene->nl, &scene->nic, scene->tap.ifindex, &differences), 0);
	assert_int_equal(differences.length, 0);
	assert_comes_to_rest(scene);
	nothing_more(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_new, scene_done)
		TEST(test_quiet),
		TEST(test_taken_off),
		TEST(test_taken_off_while_it_is_put_back),
		TEST(test_taken_off_whenever_it_is_put_back),
		TEST(test_moved),
		TEST(test_down_and_mtu),
		TEST(test_renamed),
		TEST(test_carrier),
		TEST(test_bridge_down),
		TEST(test_bridge_deleted),
		TEST(test_port_settings),
		TEST(test_created_bridge),
		TEST(test_bridge_renamed),
		TEST(test_fight),
		TEST(test_bridge_made_anew_often),
		TEST(test_warn),
		TEST(test_stop_vm),
		TEST(test_tap_deleted),
		TEST(test_wrong_before),
		TEST(test_mtu_before),
		TEST(test_without_a_bridge),
		TEST(test_who),
		TEST(test_others_wake_nobody),
		TEST(test_own_looks_wake_nobody),
		TEST(test_flood),
#undef TEST
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
