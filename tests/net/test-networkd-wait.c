/* SPDX-License-Identifier: Apache-2.0 */
/* ip(8) does what systemd-networkd would; with the real one: tests/systemd/test-networkd.sh. */
#include <errno.h>

#include "mvmd/exit-codes.h"
#include "net/network.h"
#include "run/networkd-wait.h"

/* Long enough that a passing test never meets it, and short enough to be waited for. */
#define LONG_USEC  (60 * USEC_PER_SEC)
#define SHORT_USEC (50 * USEC_PER_MSEC)

#define TEXT(text) ((char[]){ text })

static const Spec spec = { .name = TEXT("web1") };
static const Plan plan = { .spec = &spec };

/* One wait in a network of its own, and what came of it. */
typedef struct Scene {
	sd_event *event;
	SpecInterface interface;
	PlanNic nic;
	NetworkdWait *wait;
	unsigned n_calls;
	int exit_code; /* of a fault; 0: as expected */
	char id[64], what[256], remedy[512];
} Scene;

static int scene_new(void **state)
{
	Scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(sd_event_new(&scene->event), 0);
	scene->interface.id = TEXT("net0");
	scene->interface.tap = TEXT("tap0");
	scene->nic =
		(PlanNic){ .spec = &scene->interface, .attach = ATTACH_NETWORKD, .tap = "tap0" };
	*state = scene;
	return 0;
}

static int scene_done(void **state)
{
	Scene *scene = *state;

	(void) networkd_wait_free(scene->wait);
	(void) sd_event_unref(scene->event);
	free(scene);
	return 0;
}

static void on_end(const Fault *fault, void *userdata)
{
	Scene *scene = userdata;

	scene->n_calls++;
	if (fault) {
		scene->exit_code = fault->exit_code;
		(void) snprintf(scene->id, sizeof(scene->id), "%s", fault->id);
		(void) snprintf(scene->what, sizeof(scene->what), "%s", fault->what);
		(void) snprintf(scene->remedy, sizeof(scene->remedy), "%s", fault->remedy ?: "");
	}
	scene->wait = networkd_wait_free(scene->wait); /* allowed, and what step-networkd.c does */
}

static void subscribe(Scene *scene)
{
	Fault fault = { 0 };

	assert_int_equal(networkd_wait_new(&plan, &scene->nic, &scene->wait, &fault), 0);
}

static void start(Scene *scene, uint64_t timeout_usec)
{
	Fault fault = { 0 };

	assert_int_equal(networkd_wait_start(scene->wait, scene->event,
					     (int) if_nametoindex("tap0"), timeout_usec, on_end,
					     scene, &fault),
			 0);
}

/* The tap is made behind the subscription, as in a run. */
static void begin(Scene *scene, uint64_t timeout_usec)
{
	subscribe(scene);
	ip("tuntap add tap0 mode tap");
	start(scene, timeout_usec);
}

/* Handles all that is there, without waiting for more. */
static void run_now(Scene *scene)
{
	while (sd_event_run(scene->event, 0) > 0)
		;
}

static void goes_on(Scene *scene)
{
	run_now(scene);
	assert_int_equal(scene->n_calls, 0);
}

static void ends(Scene *scene)
{
	while (scene->n_calls == 0)
		assert_true(sd_event_run(scene->event, UINT64_MAX) >= 0);
	run_now(scene);
	assert_int_equal(scene->n_calls, 1);
}

static void test_any_master(void **state)
{
	Scene *scene = *state;

	ip("link add br0 type bridge");
	begin(scene, LONG_USEC);
	goes_on(scene);
	ip("link set tap0 up"); /* alone it is not enough */
	goes_on(scene);
	ip("link set br0 up"); /* nor is another link */
	goes_on(scene);
	ip("link set tap0 master br0");
	ends(scene);
	assert_int_equal(scene->exit_code, 0);
}

static void test_the_master_of_that_name(void **state)
{
	Scene *scene = *state;

	scene->interface.bridge = TEXT("br0");
	ip("link add br1 type bridge");
	begin(scene, LONG_USEC);
	ip("link set tap0 up master br1");
	goes_on(scene);
	ip("link add br0 type bridge");
	ip("link set tap0 master br0 down");
	goes_on(scene);
	ip("link set tap0 up");
	ends(scene);
	assert_int_equal(scene->exit_code, 0);
}

/* All of it happens before the wait begins, which ends at once. */
static void test_news_from_before_the_wait(void **state)
{
	Scene *scene = *state;

	ip("link add br0 type bridge");
	subscribe(scene);
	ip("tuntap add tap0 mode tap");
	ip("link set tap0 up master br0");
	start(scene, LONG_USEC);
	ends(scene);
	assert_int_equal(scene->exit_code, 0);
}

static void test_up(void **state)
{
	Scene *scene = *state;

	scene->interface.networkd.expect = NETWORKD_UP;
	begin(scene, LONG_USEC);
	ip("link set tap0 mtu 1400");
	goes_on(scene);
	ip("link set tap0 up");
	ends(scene);
	assert_int_equal(scene->exit_code, 0);
}

static void test_address(void **state)
{
	Scene *scene = *state;

	scene->interface.networkd.expect = NETWORKD_ADDRESS;
	ip("link add veth0 type veth peer name veth1");
	begin(scene, LONG_USEC);
	ip("address add 192.0.2.1/24 dev veth0"); /* another link's */
	ip("link set tap0 up");
	ip("address add 169.254.1.1/16 scope link dev tap0"); /* link-local */
	goes_on(scene);
	ip("address add 192.0.2.2/24 dev tap0");
	ends(scene);
	assert_int_equal(scene->exit_code, 0);
}

static void test_address_of_ipv6(void **state)
{
	Scene *scene = *state;

	if (access("/proc/sys/net/ipv6", F_OK) < 0) {
		print_message("# the kernel has no IPv6\n");
		skip();
	}
	scene->interface.networkd.expect = NETWORKD_ADDRESS;
	begin(scene, LONG_USEC);
	ip("address add 2001:db8::1/64 nodad dev tap0"); /* down it is of no use */
	goes_on(scene);
	ip("link set tap0 up");
	ends(scene);
	assert_int_equal(scene->exit_code, 0);
}

static void test_tap_that_goes(void **state)
{
	Scene *scene = *state;

	begin(scene, LONG_USEC);
	ip("link del tap0");
	ends(scene);
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_string_equal(scene->id, "tap-lost");
}

static void test_tap_of_another_name(void **state)
{
	Scene *scene = *state;

	begin(scene, LONG_USEC);
	ip("link set tap0 name tap1");
	ends(scene);
	assert_string_equal(scene->id, "tap-lost");
}

/* Which finding it is depends on whether this machine has a networkd, which sees no link of this namespace. */
static void test_deadline(void **state)
{
	Scene *scene = *state;

	scene->interface.bridge = TEXT("br0");
	begin(scene, SHORT_USEC);
	ends(scene);
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_true(strncmp(scene->id, "networkd-", strlen("networkd-")) == 0);
	assert_string_equal(scene->what,
			    "systemd-networkd did not put tap tap0 on bridge br0 within 50ms");
	assert_true(scene->remedy[0]);
}

#define IN_NETWORK(test) cmocka_unit_test_setup_teardown(test, scene_new, scene_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETWORK(test_any_master),
		IN_NETWORK(test_the_master_of_that_name),
		IN_NETWORK(test_news_from_before_the_wait),
		IN_NETWORK(test_up),
		IN_NETWORK(test_address),
		IN_NETWORK(test_address_of_ipv6),
		IN_NETWORK(test_tap_that_goes),
		IN_NETWORK(test_tap_of_another_name),
		IN_NETWORK(test_deadline),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter() || !network_has_taps())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
