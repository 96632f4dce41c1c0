/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/*
 * The executor: applies the plan's steps, each as soon as those that it needs are, and walks what is
 * applied back, last one first. It is the only way up and the only way down.
 */

typedef struct ApplyHandler {
	/* A step begins to wait for something, or is done. */
	void (*on_waiting)(const PlanStep *step, void *userdata);
	void (*on_step)(const PlanStep *step, uint64_t took_usec, void *userdata);
	/* One of the following ends apply_begin(): all are applied, or one failed. From the loop or within. */
	void (*on_applied)(void *userdata);
	void (*on_failed)(const PlanStep *step, const Fault *fault, void *userdata);
	/* Ends apply_undo(). */
	void (*on_undone)(void *userdata);
	void *userdata;
} ApplyHandler;

/* resources must live longer. 0 or -ENOMEM. */
int apply_new(Resources *resources, const ApplyHandler *handler, Apply **ret);
Apply *apply_free(Apply *apply);
DEFINE_CLEANUP(Apply *, apply_free)

void apply_begin(Apply *apply);

/* Fails the steps that wait (-ECANCELED); on_failed follows where there was one. */
void apply_cancel(Apply *apply);

/* When a step began that is not applied; 0: it is, or did not begin. */
uint64_t apply_began_usec(const Apply *apply, const PlanStep *step);

/* Undoes all that is applied or under way; on_undone follows, also where there was nothing. */
void apply_undo(Apply *apply);

/* The end of a step that said STEP_LATER. fault NULL: it is applied. Late calls mean nothing. */
void apply_step_done(Apply *apply, StepKind kind, size_t subject, const Fault *fault);
void apply_step_undone(Apply *apply, StepKind kind, size_t subject);
