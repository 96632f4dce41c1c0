/* SPDX-License-Identifier: Apache-2.0 */
/* A device that no driver of the guest takes, and when that is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/backend-end.h"
#include "model/drivers.h"

#define TEXT(text) ((char *) (uintptr_t) (text)) /* string literals, which nobody writes to */

typedef struct World {
	SpecInterface interface;
	SpecDisk disks[2]; /* the second is served by a backend */
	SpecShare share;
	Spec spec;
	PlanNic nic;
	PlanBackend backend;
	Plan plan;
	Life life;
	FaultList missing;
} World;

static int setup(void **state)
{
	static World world;

	world = (World){ .interface = { .id = TEXT("net0") },
			 .disks = { { .id = TEXT("root") }, { .id = TEXT("served") } },
			 .share = { .id = TEXT("data") } };
	world.spec = (Spec){ .name = TEXT("web1"),
			     .boot = { .kernel = TEXT("/k") },
			     .timeouts = { .guest_usec = 60 * USEC_PER_SEC },
			     .disks = world.disks,
			     .n_disks = 2,
			     .shares = &world.share,
			     .n_shares = 1 };
	world.nic = (PlanNic){ .spec = &world.interface };
	world.backend = (PlanBackend){ .disk = &world.disks[1] };
	world.plan = (Plan){ .spec = &world.spec,
			     .vmm = VMM_CLOUD_HYPERVISOR,
			     .nics = &world.nic,
			     .n_nics = 1,
			     .backends = &world.backend,
			     .n_backends = 1 };
	world.life.number = 3;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	World *world = *state;

	str_list_done(&world->life.devices);
	fault_list_done(&world->missing);
	return 0;
}

static void look(World *world)
{
	assert_int_equal(drivers_missing(&world->plan, &world->life, &world->missing), 0);
}

static void test_one_is_missing(void **state)
{
	World *world = *state;

	str_list_add(&world->life.devices, "disk-root");
	str_list_add(&world->life.devices, "share-data");
	look(world);
	assert_int_equal(world->missing.n, 1);
	assert_string_equal(world->missing.items[0].id, "driver-missing");
	assert_string_equal(world->missing.items[0].what,
			    "no driver of the guest has taken interface \"net0\" within 1min");
	assert_string_equal(fault_evidence_get(&world->missing.items[0], "device"), "net-net0");
	assert_string_equal(fault_evidence_get(&world->missing.items[0], "driver"), "virtio_net");
	assert_string_equal(fault_evidence_get(&world->missing.items[0], "life"), "3");
	assert_non_null(strstr(world->missing.items[0].remedy, "modprobe virtio_net"));
}

/* All but the served disk, of which cloud-hypervisor does not tell. */
static void test_all_are_missing(void **state)
{
	World *world = *state;

	str_list_add(&world->life.devices, "_rng1");
	look(world);
	assert_int_equal(world->missing.n, 3);
}

static void test_none_is_missing(void **state)
{
	World *world = *state;

	str_list_add(&world->life.devices, "net-net0");
	str_list_add(&world->life.devices, "disk-root");
	str_list_add(&world->life.devices, "share-data");
	look(world);
	assert_int_equal(world->missing.n, 0);
}

/* A guest that takes nothing has perhaps not come that far; QEMU does not tell; a firmware has its own drivers. */
static void test_nothing_is_known(void **state)
{
	World *world = *state;

	look(world);
	assert_int_equal(world->missing.n, 0);
	str_list_add(&world->life.devices, "disk-root");
	world->plan.vmm = VMM_QEMU;
	look(world);
	assert_int_equal(world->missing.n, 0);
	world->plan.vmm = VMM_CLOUD_HYPERVISOR;
	world->spec.boot.firmware = TEXT("/f");
	look(world);
	assert_int_equal(world->missing.n, 0);
}

static void test_it_comes_late(void **state)
{
	World *world = *state;

	str_list_add(&world->life.devices, "_rng1");
	look(world);
	findings_driver_came(&world->missing, "disk-other");
	assert_int_equal(world->missing.n, 3);
	findings_driver_came(&world->missing, "disk-root");
	assert_int_equal(world->missing.n, 2);
	findings_new_life(&world->missing);
	assert_int_equal(world->missing.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_is_missing),   TEST(test_all_are_missing), TEST(test_none_is_missing),
		TEST(test_nothing_is_known), TEST(test_it_comes_late),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
