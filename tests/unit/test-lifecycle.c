/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "model/lifecycle.h"

/* The whole table is walked: what holds for every cell is asserted for every cell. */

static VmTransition next(VmState state, VmEvent event)
{
	bool ignored;

	return lifecycle_next(state, event, &ignored);
}

static void test_every_cell_is_sound(void **context)
{
	for (VmState state = 0; state < _VM_STATE_MAX; state++)
		for (VmEvent event = 0; event < _VM_EVENT_MAX; event++) {
			bool ignored;
			VmTransition to = lifecycle_next(state, event, &ignored);

			assert_in_range(to.state, 0, _VM_STATE_MAX - 1);
			if (ignored) {
				assert_int_equal(to.state, state);
				assert_int_equal(to.actions, VM_ACTION_NONE);
				assert_int_equal(to.deadline, VM_DEADLINE_KEEP);
			}
			/* A new state says what bounds it; only an unchanged one may keep. */
			if (to.state != state)
				assert_int_not_equal(to.deadline, VM_DEADLINE_KEEP);
		}
}

static void test_names_are_distinct(void **context)
{
	for (VmState a = 0; a < _VM_STATE_MAX; a++)
		for (VmState b = 0; b < a; b++)
			assert_string_not_equal(vm_state_to_string(a), vm_state_to_string(b));
	for (VmEvent a = 0; a < _VM_EVENT_MAX; a++)
		for (VmEvent b = 0; b < a; b++)
			assert_string_not_equal(vm_event_to_string(a), vm_event_to_string(b));
}

static void test_only_unwinding_leads_to_dead(void **context)
{
	for (VmState state = 0; state < _VM_STATE_MAX; state++)
		for (VmEvent event = 0; event < _VM_EVENT_MAX; event++)
			if (state != VM_DEAD && next(state, event).state == VM_DEAD)
				assert_int_equal(state, VM_UNWINDING);
}

static void test_unwinding_is_entered_with_an_unwind(void **context)
{
	for (VmState state = 0; state < _VM_STATE_MAX; state++)
		for (VmEvent event = 0; event < _VM_EVENT_MAX; event++) {
			VmTransition to = next(state, event);

			/* What is not ours to end is let go instead. */
			if (state == VM_ADOPTING && event == VM_EVENT_STEP_FAILED)
				assert_int_equal(to.actions, VM_ACTION_LET_GO);
			else if (state != VM_UNWINDING && to.state == VM_UNWINDING)
				assert_true(to.actions & VM_ACTION_UNWIND);
		}
}

static void test_dead_is_reached_from_every_state(void **context)
{
	bool reaches[_VM_STATE_MAX] = { [VM_DEAD] = true };

	for (int round = 0; round < _VM_STATE_MAX; round++)
		for (VmState state = 0; state < _VM_STATE_MAX; state++)
			for (VmEvent event = 0; event < _VM_EVENT_MAX; event++)
				if (reaches[next(state, event).state])
					reaches[state] = true;
	for (VmState state = 0; state < _VM_STATE_MAX; state++)
		assert_true(reaches[state] || state == VM_WAITING); /* which is before the table */
}

static void test_nothing_follows_death(void **context)
{
	for (VmEvent event = 0; event < _VM_EVENT_MAX; event++) {
		bool ignored;

		(void) lifecycle_next(VM_DEAD, event, &ignored);
		assert_true(ignored);
	}
	assert_true(vm_state_is_final(VM_DEAD));
	assert_false(vm_state_is_final(VM_UNWINDING));
}

/* States in which a VMM may be deaf or a guest may not care must end by themselves. */
static void test_states_that_may_hang_have_a_deadline(void **context)
{
	static const VmState may_hang[] = { VM_CREATING, VM_BOOTING, VM_STOPPING, VM_ENDING };

	for (size_t i = 0; i < ELEMENTSOF(may_hang); i++) {
		bool ignored;

		(void) lifecycle_next(may_hang[i], VM_EVENT_DEADLINE, &ignored);
		assert_false(ignored);
		for (VmState from = 0; from < _VM_STATE_MAX; from++)
			for (VmEvent event = 0; event < _VM_EVENT_MAX; event++) {
				VmTransition to = next(from, event);

				if (from != may_hang[i] && to.state == may_hang[i])
					assert_int_not_equal(to.deadline, VM_DEADLINE_NONE);
			}
	}
}

/* Once the VMM is gone there is no state left in which somebody waits for it. */
static void test_a_vmm_that_ends_ends_the_vm(void **context)
{
	static const VmState alive[] = { VM_APPLYING, VM_CREATING, VM_BOOTING, VM_RUNNING,
					 VM_PAUSED,   VM_STOPPING, VM_ENDING,  VM_ADOPTING };

	for (size_t i = 0; i < ELEMENTSOF(alive); i++)
		assert_int_equal(next(alive[i], VM_EVENT_VMM_EXITED).state, VM_UNWINDING);
}

static void test_a_stop_during_the_start_only_changes_the_wish(void **context)
{
	static const VmState starting[] = { VM_APPLYING, VM_CREATING, VM_BOOTING, VM_ADOPTING };

	for (size_t i = 0; i < ELEMENTSOF(starting); i++) {
		VmTransition to = next(starting[i], VM_EVENT_STOP);

		assert_int_equal(to.state, starting[i]);
		assert_true(to.actions & VM_ACTION_WISH_STOP);
	}
}

static void test_force_never_waits_for_the_guest(void **context)
{
	for (VmState state = 0; state < _VM_STATE_MAX; state++) {
		bool ignored;
		VmTransition to = lifecycle_next(state, VM_EVENT_FORCE, &ignored);

		if (ignored)
			continue;
		assert_true(to.state == VM_ENDING || to.state == VM_UNWINDING);
		assert_false(to.actions & VM_ACTION_POWER_BUTTON);
	}
}

static void test_an_ordinary_life(void **context)
{
	static const struct {
		VmEvent event;
		VmState state;
		unsigned actions;
	} life[] = {
		{ VM_EVENT_START, VM_APPLYING, VM_ACTION_APPLY },
		{ VM_EVENT_APPLIED, VM_CREATING, VM_ACTION_CREATE },
		{ VM_EVENT_CREATED, VM_BOOTING, VM_ACTION_BOOT },
		{ VM_EVENT_BOOTED, VM_RUNNING, VM_ACTION_ANNOUNCE },
		{ VM_EVENT_STOP, VM_STOPPING, VM_ACTION_POWER_BUTTON },
		{ VM_EVENT_GUEST_OFF, VM_ENDING, VM_ACTION_QUIT },
		{ VM_EVENT_VMM_EXITED, VM_UNWINDING, VM_ACTION_UNWIND },
		{ VM_EVENT_UNWOUND, VM_DEAD, VM_ACTION_LEAVE },
	};
	VmState state = VM_NEW;

	for (size_t i = 0; i < ELEMENTSOF(life); i++) {
		VmTransition to = next(state, life[i].event);

		assert_int_equal(to.state, life[i].state);
		assert_int_equal(to.actions, life[i].actions);
		state = to.state;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell_is_sound),
		cmocka_unit_test(test_names_are_distinct),
		cmocka_unit_test(test_only_unwinding_leads_to_dead),
		cmocka_unit_test(test_unwinding_is_entered_with_an_unwind),
		cmocka_unit_test(test_dead_is_reached_from_every_state),
		cmocka_unit_test(test_nothing_follows_death),
		cmocka_unit_test(test_states_that_may_hang_have_a_deadline),
		cmocka_unit_test(test_a_vmm_that_ends_ends_the_vm),
		cmocka_unit_test(test_a_stop_during_the_start_only_changes_the_wish),
		cmocka_unit_test(test_force_never_waits_for_the_guest),
		cmocka_unit_test(test_an_ordinary_life),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
