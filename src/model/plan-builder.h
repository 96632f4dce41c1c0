/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/plan.h"

/* What the files that add steps share (plan-steps*.c), and nobody else. All functions return 0 or -ENOMEM. */

/* What the plan is made with: the plan so far, and what later steps need of earlier ones. */
typedef struct Builder {
	Plan *plan;
	size_t *disk_steps; /* per disk of the spec: its lock */
	size_t lock, directory, console;
} Builder;

#define NO_STEP SIZE_MAX

/* Takes what; the words that are not there for want of memory make the whole step fail. */
int add_step(Builder *builder, PlanStep step, char *what, size_t *ret_index);

/* The step added last needs another one. */
int last_needs(Builder *builder, size_t other);

/* The step added last needs all earlier ones of a kind. */
int last_needs_kind(Builder *builder, StepKind kind);

/* Nothing else happens before the disks are ours. */
int last_needs_locks(Builder *builder);

/* plan-nic-helper.c: what the tap's step does where qemu-bridge-helper makes it. */
void describe_helper_tap(const Builder *builder, size_t index, StrBuf *what);

/* plan-nic-networkd.c: what the tap's step waits for where systemd-networkd does the rest. */
void await_networkd(const Builder *builder, const PlanNic *nic, PlanStep *step);

/* plan-steps-network.c: of an interface. */
int steps_for_nic(Builder *builder, size_t index);

/* plan-steps-attach.c: of an interface that is a macvtap. */
int steps_for_macvtap(Builder *builder, size_t index);

/* Of a switch that comes to the VMM. Takes id, which may be NULL for want of memory. */
int step_for_peer(Builder *builder, size_t backend, char *id);

/* What its passt does; a new string or NULL. */
char *passt_to_words(const Facts *facts, const PlanBackend *backend, const char *on_exit);
