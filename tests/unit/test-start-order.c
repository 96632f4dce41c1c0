/* SPDX-License-Identifier: Apache-2.0 */
/* Which VM starts after which, and what is left out where "after" goes round in a circle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/start-order.h"
#include "mvmd/exit-codes.h"
#include "unit/specs.h"

#define VMS_MAX 16
#define MANY	2000

/* Some VMs and their order. */
typedef struct World {
	Spec *specs[VMS_MAX];
	size_t n;
	StartOrder order;
} World;

/* "a: b c" is the VM a, which comes after b and c. */
static Spec *spec_of_line(const char *line)
{
	_cleanup_free_ char *copy = strdup(line), *json = NULL;
	StrBuf list = { 0 };
	char *rest = copy, *word;

	assert_non_null(copy);
	word = strsep(&rest, ":");
	for (char *after = strsep(&rest, " "); after; after = strsep(&rest, " "))
		if (*after)
			str_buf_add(&list, "%s\"%s\"", list.length ? ", " : "", after);
	json = str_printf("{ \"boot\": { \"kernel\": \"/k\" }, \"after\": [ %s ] }",
			  list.text ?: "");
	str_buf_done(&list);
	assert_non_null(json);
	return spec_of(word, json);
}

static void world_make(World *world, const char *const *lines)
{
	for (world->n = 0; lines[world->n]; world->n++)
		world->specs[world->n] = spec_of_line(lines[world->n]);
	assert_int_equal(start_order_build(world->specs, world->n, &world->order), 0);
}

static void world_done(World *world)
{
	start_order_done(&world->order);
	for (size_t i = 0; i < world->n; i++)
		(void) spec_free(world->specs[i]);
	*world = (World){ 0 };
}

#define WORLD(world, ...)                                                                          \
	World world = { 0 };                                                                       \
	world_make(&world, (const char *const[]){ __VA_ARGS__, NULL })

/* The entries that are left out, "b-a c-b": b after a, c after b. */
static void assert_left_out(const World *world, const char *wanted)
{
	StrBuf out = { 0 };

	for (size_t i = 0; i < world->order.n; i++) {
		const OrderVm *vm = &world->order.vms[i];

		for (size_t j = 0; j < vm->spec->n_after; j++)
			if (vm->edges[j].left_out)
				str_buf_add(&out, "%s%s-%s", out.length ? " " : "", vm->spec->name,
					    vm->spec->after[j].name);
	}
	assert_string_equal(out.text ?: "", wanted);
	str_buf_done(&out);
}

static void assert_sorted(const World *world, const char *names, const char *wanted)
{
	_cleanup_free_ char *copy = strdup(names);
	_cleanup_(str_list_done) StrList list = { 0 };
	char *rest = copy;
	StrBuf out = { 0 };

	for (char *name = strsep(&rest, " "); name; name = strsep(&rest, " "))
		str_list_add(&list, "%s", name);
	assert_int_equal(start_order_sort(&world->order, &list), 0);
	for (size_t i = 0; i < list.n; i++)
		str_buf_add(&out, "%s%s", i ? " " : "", list.items[i]);
	assert_string_equal(out.text, wanted);
	str_buf_done(&out);
}

static void assert_circles(const World *world, const char *name, const char *wanted)
{
	FaultList faults = { 0 };
	StrBuf out = { 0 };

	assert_int_equal(start_order_circles(&world->order, name, &faults), 0);
	for (size_t i = 0; i < faults.n; i++) {
		assert_string_equal(faults.items[i].id, "after-circle");
		assert_int_equal(faults.items[i].exit_code, MVMD_EXIT_SPEC);
		str_buf_add(&out, "%s%s", i ? "; " : "",
			    fault_evidence_get(&faults.items[i], "circle"));
	}
	assert_string_equal(out.text ?: "", wanted);
	fault_list_done(&faults);
	str_buf_done(&out);
}

static void test_sorted(void **state)
{
	WORLD(world, "a: b", "b: c", "c:", "x:");

	assert_left_out(&world, "");
	assert_sorted(&world, "a b c", "c b a");
	assert_sorted(&world, "c b a", "c b a");
	assert_sorted(&world, "x a ghost b", "x b a ghost");
	assert_sorted(&world, "a", "a");
	world_done(&world);
}

/* a comes after c by way of b, also where b is not to start. */
static void test_by_way_of_others(void **state)
{
	WORLD(world, "a: b", "b: c", "c:");

	assert_sorted(&world, "a c", "c a");
	world_done(&world);
}

static void test_no_order_keeps_what_was_asked(void **state)
{
	WORLD(world, "a:", "b:", "c:");

	assert_sorted(&world, "c a b", "c a b");
	world_done(&world);
}

static void test_two_in_a_circle(void **state)
{
	WORLD(world, "b: a", "a: b");

	assert_left_out(&world, "b-a");
	assert_sorted(&world, "a b", "b a");
	assert_circles(&world, NULL, "b after a after b");
	assert_circles(&world, "a", "b after a after b");
	world_done(&world);
}

/* Who only leads to a circle, or is led to by one, is no part of it and keeps its order. */
static void test_beside_a_circle(void **state)
{
	WORLD(world, "x: b", "a: b end", "b: c", "c: a", "end:");

	assert_left_out(&world, "c-a");
	assert_circles(&world, NULL, "c after a after b after c");
	assert_circles(&world, "b", "c after a after b after c");
	assert_circles(&world, "x", "");
	assert_circles(&world, "end", "");
	assert_sorted(&world, "x a b c end", "c b x end a");
	world_done(&world);
}

static void test_two_circles(void **state)
{
	WORLD(world, "a: b", "b: a c", "c: d", "d: c");

	assert_left_out(&world, "b-a d-c");
	assert_circles(&world, NULL, "b after a after b; d after c after d");
	assert_circles(&world, "a", "b after a after b");
	assert_circles(&world, "d", "d after c after d");
	world_done(&world);
}

/* Of two circles with a common entry only what closes them is left out: nothing more than one entry each. */
static void test_circles_with_a_common_part(void **state)
{
	WORLD(world, "a: b c", "b: a", "c: b");

	assert_left_out(&world, "b-a");
	assert_circles(&world, "a", "b after a after b");
	world_done(&world);
}

/* What becomes of an entry is the same where only those specs are known that the VM leads to. */
static void test_same_in_a_part_of_the_world(void **state)
{
	WORLD(whole, "aa: m", "k: z", "m: k", "z: m", "zz: k");
	WORLD(part, "z: m", "m: k", "k: z");

	assert_left_out(&whole, "z-m");
	assert_left_out(&part, "z-m");
	world_done(&whole);
	world_done(&part);
}

static void test_names_without_a_spec(void **state)
{
	StrList names = { 0 };
	FaultList faults = { 0 };
	WORLD(world, "web1: db1 db2 elsewhere");

	str_list_add(&names, "db1");
	str_list_add(&names, "db3");
	str_list_add(&names, "web1");
	assert_left_out(&world, "");
	assert_int_equal(start_order_unknown(world.specs[0], &names, &faults), 0);
	assert_int_equal(faults.n, 2);
	assert_string_equal(faults.items[0].id, "after-unknown");
	assert_string_equal(faults.items[0].what,
			    "\"after\" has db2, and there is no spec of that name");
	assert_int_equal(faults.items[0].exit_code, MVMD_EXIT_OK);
	assert_string_equal(fault_evidence_get(&faults.items[1], "name"), "elsewhere");
	assert_null(fault_evidence_get(&faults.items[1], "nearest"));
	fault_list_done(&faults);
	str_list_done(&names);
	world_done(&world);
}

/* A long row is no circle, and one entry more makes it one. */
static void test_many(void **state)
{
	static Spec *specs[MANY];
	StartOrder order = { 0 };
	size_t left_out = 0;

	for (size_t i = 0; i < MANY; i++) {
		_cleanup_free_ char *line =
			str_printf("vm%zu: vm%zu", i, i + 1 == MANY ? 0 : i + 1);

		specs[i] = spec_of_line(line);
	}
	assert_int_equal(start_order_build(specs, MANY - 1, &order), 0);
	for (size_t i = 0; i < order.n; i++)
		left_out += order.vms[i].edges[0].left_out;
	assert_int_equal(left_out, 0);
	start_order_done(&order);

	assert_int_equal(start_order_build(specs, MANY, &order), 0);
	for (size_t i = 0; i < order.n; i++)
		left_out += order.vms[i].edges[0].left_out;
	assert_int_equal(left_out, 1);
	start_order_done(&order);
	for (size_t i = 0; i < MANY; i++)
		(void) spec_free(specs[i]);
}

static void test_none(void **state)
{
	StartOrder order = { 0 };
	StrList names = { 0 };

	assert_int_equal(start_order_build(NULL, 0, &order), 0);
	assert_null(start_order_find(&order, "a"));
	assert_int_equal(start_order_sort(&order, &names), 0);
	start_order_done(&order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_by_way_of_others),
		cmocka_unit_test(test_no_order_keeps_what_was_asked),
		cmocka_unit_test(test_two_in_a_circle),
		cmocka_unit_test(test_beside_a_circle),
		cmocka_unit_test(test_two_circles),
		cmocka_unit_test(test_circles_with_a_common_part),
		cmocka_unit_test(test_same_in_a_part_of_the_world),
		cmocka_unit_test(test_names_without_a_spec),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
