/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/apply.h"
#include "run/deaf.h"
#include "run/timer.h"

typedef enum StepState {
	STEP_PENDING,
	STEP_APPLYING,
	STEP_APPLIED,
	STEP_UNDOING,
	STEP_UNDONE,
} StepState;

typedef enum ApplyState {
	APPLY_IDLE,
	APPLY_FORWARD,
	APPLY_ENDED, /* applied or failed: on_applied or on_failed was called */
	APPLY_BACKWARD,
	APPLY_UNDONE,
} ApplyState;

struct Apply {
	const Plan *plan;
	Resources *resources;
	ApplyHandler handler;
	ApplyState state;
	StepState *steps;
	uint64_t *began_usec;
	sd_event_source **deadlines;
	bool walking; /* a walk is under way further up the stack */
};

int apply_new(Resources *resources, const ApplyHandler *handler, Apply **ret)
{
	_cleanup_(apply_free_p) Apply *apply = calloc(1, sizeof(*apply));
	size_t n = resources->plan->n_steps;

	if (!apply)
		return -ENOMEM;
	apply->plan = resources->plan;
	apply->resources = resources;
	apply->handler = *handler;
	apply->steps = calloc(n, sizeof(*apply->steps));
	apply->began_usec = calloc(n, sizeof(*apply->began_usec));
	apply->deadlines = calloc(n, sizeof(sd_event_source *));
	if (!apply->steps || !apply->began_usec || !apply->deadlines)
		return -ENOMEM;
	resources->apply = apply;
	*ret = TAKE_PTR(apply);
	return 0;
}

Apply *apply_free(Apply *apply)
{
	if (!apply)
		return NULL;
	for (size_t i = 0; apply->deadlines && i < apply->plan->n_steps; i++)
		(void) sd_event_source_disable_unref(apply->deadlines[i]);
	apply->resources->apply = NULL;
	free(apply->deadlines);
	free(apply->began_usec);
	free(apply->steps);
	free(apply);
	return NULL;
}

static void end_deadline(Apply *apply, size_t i)
{
	apply->deadlines[i] = sd_event_source_disable_unref(apply->deadlines[i]);
}

static void apply_fail(Apply *apply, size_t i, const Fault *fault)
{
	end_deadline(apply, i);
	if (apply->state != APPLY_FORWARD)
		return;
	apply->state = APPLY_ENDED;
	apply->handler.on_failed(&apply->plan->steps[i], fault, apply->handler.userdata);
}

static size_t find_step(const Apply *apply, StepKind kind, size_t subject)
{
	for (size_t i = 0; i < apply->plan->n_steps; i++)
		if (apply->plan->steps[i].kind == kind && apply->plan->steps[i].subject == subject)
			return i;
	return SIZE_MAX;
}

/* Only the VMM's step has a deadline here. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	Apply *apply = userdata;
	size_t i = find_step(apply, STEP_VMM, 0);
	Fault fault = { 0 };

	(void) fault_vmm_deaf(apply->plan, "answer", vmm_last_line(apply->resources->vmm), &fault);
	(void) deaf_tell(apply->resources, &fault);
	apply_fail(apply, i, &fault);
	fault_done(&fault);
	return 0;
}

/* The waits for bridges and sockets have a better-informed deadline of their own; the VMM's is here. */
static void begin_deadline(Apply *apply, size_t i)
{
	const PlanStep *step = &apply->plan->steps[i];

	if (!step->awaits)
		return;
	apply->handler.on_waiting(step, apply->handler.userdata);
	if (step->kind == STEP_VMM)
		(void) timer_after(apply->resources->event, &apply->deadlines[i],
				   step->deadline_usec, 0, on_deadline, apply);
}

static void step_is_applied(Apply *apply, size_t i)
{
	const PlanStep *step = &apply->plan->steps[i];

	end_deadline(apply, i);
	apply->steps[i] = STEP_APPLIED;
	apply->handler.on_step(step, now_usec() - apply->began_usec[i], apply->handler.userdata);
}

static void begin_step(Apply *apply, size_t i)
{
	const PlanStep *step = &apply->plan->steps[i];
	Fault fault = { 0 };
	int r;

	apply->steps[i] = STEP_APPLYING;
	apply->began_usec[i] = now_usec();
	r = step_begin(apply->resources, step, &fault);
	if (r < 0) {
		apply->steps[i] = STEP_PENDING; /* nothing is left of it */
		apply_fail(apply, i, &fault);
	} else if (r == 0) {
		step_is_applied(apply, i);
	} else if (apply->steps[i] == STEP_APPLYING && apply->state == APPLY_FORWARD) {
		begin_deadline(apply, i);
	}
	fault_done(&fault);
}

static bool is_ready(const Apply *apply, size_t i)
{
	const PlanStep *step = &apply->plan->steps[i];

	if (apply->steps[i] != STEP_PENDING)
		return false;
	for (size_t j = 0; j < step->n_needs; j++)
		if (apply->steps[step->needs[j]] != STEP_APPLIED)
			return false;
	return true;
}

static bool all_applied(const Apply *apply)
{
	for (size_t i = 0; i < apply->plan->n_steps; i++)
		if (apply->steps[i] != STEP_APPLIED)
			return false;
	return true;
}

/* A process to start, or something to wait for: it goes on while other steps are done. */
static bool takes_time(const PlanStep *step)
{
	return step->awaits || step->kind == STEP_BACKEND;
}

/* The next step that can begin: those that take time first, so that they run beside the rest. */
static size_t next_ready(const Apply *apply)
{
	size_t ready = SIZE_MAX;

	for (size_t i = 0; i < apply->plan->n_steps; i++) {
		if (!is_ready(apply, i))
			continue;
		if (takes_time(&apply->plan->steps[i]))
			return i;
		if (ready == SIZE_MAX)
			ready = i;
	}
	return ready;
}

/* The end of a step within its own begin is seen here too. */
static void walk_forward(Apply *apply)
{
	size_t i;

	if (apply->walking)
		return;
	apply->walking = true;
	while (apply->state == APPLY_FORWARD && (i = next_ready(apply)) != SIZE_MAX)
		begin_step(apply, i);
	apply->walking = false;

	if (apply->state == APPLY_FORWARD && all_applied(apply)) {
		apply->state = APPLY_ENDED;
		apply->handler.on_applied(apply->handler.userdata);
	}
}

void apply_begin(Apply *apply)
{
	apply->state = APPLY_FORWARD;
	walk_forward(apply);
}

void apply_cancel(Apply *apply)
{
	Fault fault = { 0 };

	for (size_t i = 0; i < apply->plan->n_steps; i++) {
		const PlanStep *step = &apply->plan->steps[i];

		if (apply->steps[i] != STEP_APPLYING || !step->awaits)
			continue;
		(void) fault_set(&fault, -ECANCELED, MVMD_EXIT_OK, "cancelled",
				 "stopped while it waited for %s", step->awaits);
		apply_fail(apply, i, &fault);
		fault_done(&fault);
		return;
	}
}

uint64_t apply_began_usec(const Apply *apply, const PlanStep *step)
{
	size_t i = (size_t) (step - apply->plan->steps);

	return apply->steps[i] == STEP_APPLIED ? 0 : apply->began_usec[i];
}

static bool is_to_undo(const Apply *apply, size_t i)
{
	return apply->steps[i] == STEP_APPLIED || apply->steps[i] == STEP_APPLYING;
}

/* Strictly backwards: a step's undo waits for the end of the one behind it. */
static void walk_backward(Apply *apply)
{
	if (apply->walking)
		return;
	apply->walking = true;
	for (size_t i = apply->plan->n_steps; i-- > 0;) {
		const PlanStep *step = &apply->plan->steps[i];

		if (is_to_undo(apply, i)) {
			apply->steps[i] = STEP_UNDOING;
			end_deadline(apply, i);
			if (step_ops(step->kind)->undo(apply->resources, step) == 0)
				apply->steps[i] = STEP_UNDONE;
		}
		if (apply->steps[i] == STEP_UNDOING) {
			apply->walking = false;
			return;
		}
	}
	apply->walking = false;
	apply->state = APPLY_UNDONE;
	apply->handler.on_undone(apply->handler.userdata);
}

void apply_undo(Apply *apply)
{
	apply->state = APPLY_BACKWARD;
	walk_backward(apply);
}

void apply_step_done(Apply *apply, StepKind kind, size_t subject, const Fault *fault)
{
	size_t i = find_step(apply, kind, subject);

	if (i == SIZE_MAX || apply->steps[i] != STEP_APPLYING)
		return;
	if (fault) {
		apply_fail(apply, i, fault);
		return;
	}
	step_is_applied(apply, i);
	if (apply->state == APPLY_FORWARD)
		walk_forward(apply);
}

void apply_step_undone(Apply *apply, StepKind kind, size_t subject)
{
	size_t i = find_step(apply, kind, subject);

	if (i == SIZE_MAX || apply->steps[i] != STEP_UNDOING)
		return;
	apply->steps[i] = STEP_UNDONE;
	walk_backward(apply);
}
