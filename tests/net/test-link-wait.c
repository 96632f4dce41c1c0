/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "mvmd/exit-codes.h"
#include "net/network.h"
#include "run/link-wait.h"

/* Long enough that a passing test never meets it, and short enough to be waited for. */
#define LONG_USEC  (60 * USEC_PER_SEC)
#define SHORT_USEC (50 * USEC_PER_MSEC)

/* One wait in a network of its own, and what came of it. */
typedef struct Scene {
	sd_event *event;
	LinkWait *wait;
	unsigned n_calls;
	LinkInfo bridge; /* ifindex 0: a fault came instead */
	int exit_code;
	char id[64], what[256], why[512], remedy[256];
	uint64_t began_usec;
} Scene;

static int scene_new(void **state)
{
	Scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(sd_event_new(&scene->event), 0);
	*state = scene;
	return 0;
}

static int scene_done(void **state)
{
	Scene *scene = *state;

	(void) link_wait_free(scene->wait);
	(void) sd_event_unref(scene->event);
	free(scene);
	return 0;
}

static void on_end(const LinkInfo *bridge, const Fault *fault, void *userdata)
{
	Scene *scene = userdata;

	assert_true(!bridge != !fault);
	scene->n_calls++;
	if (bridge)
		scene->bridge = *bridge;
	if (fault) {
		scene->exit_code = fault->exit_code;
		(void) snprintf(scene->id, sizeof(scene->id), "%s", fault->id);
		(void) snprintf(scene->what, sizeof(scene->what), "%s", fault->what);
		(void) snprintf(scene->why, sizeof(scene->why), "%s", fault->why ?: "");
		(void) snprintf(scene->remedy, sizeof(scene->remedy), "%s", fault->remedy ?: "");
	}
	scene->wait = link_wait_free(scene->wait); /* allowed, and what step.c does */
}

static void begin(Scene *scene, const char *bridge, uint64_t timeout_usec)
{
	const LinkWanted wanted = { .name = bridge, .timeout_usec = timeout_usec };
	Fault fault = { 0 };

	assert_int_equal(
		link_wait_start(scene->event, &wanted, on_end, scene, &scene->wait, &fault), 0);
	assert_null(fault.what);
}

/* Handles all that is there, without waiting for more. */
static void run_now(Scene *scene)
{
	while (sd_event_run(scene->event, 0) > 0)
		;
}

static void run_until_end(Scene *scene)
{
	while (scene->n_calls == 0)
		assert_true(sd_event_run(scene->event, UINT64_MAX) >= 0);
	run_now(scene);
	assert_int_equal(scene->n_calls, 1);
}

static void test_bridge_that_is_there(void **state)
{
	Scene *scene = *state;

	ip("link add br0 mtu 1400 type bridge");
	begin(scene, "br0", LONG_USEC);
	assert_int_equal(scene->n_calls, 1); /* at once */
	assert_null(scene->wait);
	assert_int_equal(scene->bridge.ifindex, if_nametoindex("br0"));
	assert_int_equal(scene->bridge.mtu, 1400);
	assert_false(scene->bridge.flags & IFF_UP); /* down is for others to judge */
}

static void test_bridge_that_comes_late(void **state)
{
	Scene *scene = *state;

	begin(scene, "br1", LONG_USEC);
	assert_non_null(scene->wait);
	ip("link add br0 type bridge"); /* not this one */
	ip("link add veth0 type veth peer name veth1");
	run_now(scene);
	assert_int_equal(scene->n_calls, 0);
	ip("link add br1 type bridge");
	run_until_end(scene);
	assert_int_equal(scene->bridge.ifindex, if_nametoindex("br1"));
}

static void test_bridge_that_is_renamed(void **state)
{
	Scene *scene = *state;

	begin(scene, "lan", LONG_USEC);
	ip("link add br0 type bridge");
	run_now(scene);
	assert_int_equal(scene->n_calls, 0);
	ip("link set br0 name lan");
	run_until_end(scene);
	assert_int_equal(scene->bridge.ifindex, if_nametoindex("lan"));
}

static void test_bridge_that_gets_an_alternative_name(void **state)
{
	Scene *scene = *state;

	ip("link add br0 up type bridge"); /* of a link that is down the kernel tells nothing */
	begin(scene, "lan", LONG_USEC);
	run_now(scene);
	assert_int_equal(scene->n_calls, 0);
	ip("link property add dev br0 altname lan");
	run_until_end(scene);
	assert_string_equal(scene->bridge.name, "br0");
}

/* So many notifications that the socket loses some, the one that counts among them or not. */
static void test_bridge_in_a_flood(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *lines = NULL;
	StrBuf batch = { 0 };

	begin(scene, "br0", LONG_USEC);
	for (unsigned i = 0; i < 4000; i++)
		str_buf_add(&batch, "link set lo %s\n", i % 2 ? "down" : "up");
	str_buf_add(&batch, "link add br0 type bridge\n");
	assert_int_equal(str_buf_take(&batch, &lines), 0);
	ip_batch(lines);
	run_until_end(scene);
	assert_int_equal(scene->bridge.ifindex, if_nametoindex("br0"));
}

static void test_link_of_another_kind(void **state)
{
	Scene *scene = *state;

	ip("link add br0 type veth peer name veth1");
	begin(scene, "br0", LONG_USEC);
	assert_int_equal(scene->n_calls, 1); /* at once: waiting would not help */
	assert_string_equal(scene->id, "not-a-bridge");
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_says(scene->what, "br0 is not a bridge");
	assert_says(scene->why, "veth");
}

static void test_link_of_another_kind_that_comes_late(void **state)
{
	Scene *scene = *state;

	begin(scene, "br0", LONG_USEC);
	ip("link add br0 type veth peer name veth1");
	run_until_end(scene);
	assert_string_equal(scene->id, "not-a-bridge");
}

static void test_device_of_the_host(void **state)
{
	Scene *scene = *state;

	begin(scene, "lo", LONG_USEC);
	assert_string_equal(scene->id, "not-a-bridge");
	assert_says(scene->why, "network device");
}

static void run_to_deadline(Scene *scene, const char *bridge)
{
	begin(scene, bridge, SHORT_USEC);
	run_until_end(scene);
	assert_int_equal(scene->bridge.ifindex, 0);
	assert_string_equal(scene->id, "bridge-missing");
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
}

static void test_deadline_names_the_nearest(void **state)
{
	Scene *scene = *state;

	ip("link add docker0 type bridge");
	ip("link add br0 type bridge");
	ip("link add veth0 type veth peer name veth1");
	run_to_deadline(scene, "br1");
	assert_string_equal(scene->what, "bridge br1 did not appear within 50ms");
	assert_string_equal(scene->why, "the bridges that are there: br0, docker0");
	assert_says(scene->remedy, "did you mean br0?");
	assert_says(scene->remedy, "interfaces[].bridge");
}

/* A turn of the loop that takes longer than the wait may, and only then the wait begins. */
static int begin_behind_a_long_turn(sd_event_source *source, void *userdata)
{
	Scene *scene = userdata;

	(void) usleep((useconds_t) (2 * SHORT_USEC));
	scene->began_usec = now_usec();
	begin(scene, "br0", SHORT_USEC);
	return 0;
}

static void test_deadline_counts_from_the_begin(void **state)
{
	Scene *scene = *state;

	assert_true(sd_event_add_defer(scene->event, NULL, begin_behind_a_long_turn, scene) >= 0);
	run_until_end(scene);
	assert_string_equal(scene->id, "bridge-missing");
	assert_true(now_usec() - scene->began_usec >= SHORT_USEC);
}

static void test_deadline_without_a_near_name(void **state)
{
	Scene *scene = *state;

	ip("link add docker0 type bridge");
	run_to_deadline(scene, "br1");
	assert_string_equal(scene->why, "the bridges that are there: docker0");
	assert_string_equal(scene->remedy, "ip link add br1 type bridge && ip link set br1 up");
}

static void test_deadline_without_any_bridge(void **state)
{
	Scene *scene = *state;

	run_to_deadline(scene, "br1");
	assert_string_equal(scene->why, "there is no bridge at all");
	assert_string_equal(scene->remedy, "ip link add br1 type bridge && ip link set br1 up");
}

static void test_deadline_with_many_bridges(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *lines = NULL;
	StrBuf batch = { 0 };

	for (unsigned i = 10; i < 40; i++)
		str_buf_add(&batch, "link add lan%u type bridge\n", i);
	assert_int_equal(str_buf_take(&batch, &lines), 0);
	ip_batch(lines);
	run_to_deadline(scene, "backbone");
	assert_says(scene->why, "lan10, lan11");
	assert_says(scene->why, "and 18 more");
}

static void test_wait_that_is_given_up(void **state)
{
	Scene *scene = *state;

	begin(scene, "br0", SHORT_USEC);
	scene->wait = link_wait_free(scene->wait);
	ip("link add br0 type bridge");
	run_now(scene);
	assert_int_equal(scene->n_calls, 0);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_new, scene_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_bridge_that_is_there),
		IN_SCENE(test_bridge_that_comes_late),
		IN_SCENE(test_bridge_that_is_renamed),
		IN_SCENE(test_bridge_that_gets_an_alternative_name),
		IN_SCENE(test_bridge_in_a_flood),
		IN_SCENE(test_link_of_another_kind),
		IN_SCENE(test_link_of_another_kind_that_comes_late),
		IN_SCENE(test_device_of_the_host),
		IN_SCENE(test_deadline_names_the_nearest),
		IN_SCENE(test_deadline_counts_from_the_begin),
		IN_SCENE(test_deadline_without_a_near_name),
		IN_SCENE(test_deadline_without_any_bridge),
		IN_SCENE(test_deadline_with_many_bridges),
		IN_SCENE(test_wait_that_is_given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
