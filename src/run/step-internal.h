/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/* What step*.c share, and nobody else. */

/* The name under which the pty's master is kept (run/kept.h). */
#define CONSOLE_NAME "console"

/* The file of the guest's last words, a new string or NULL. */
char *console_history_path(const Plan *plan);

/* What the VMM's driver needs of us. */
VmmResources vmm_resources(Resources *resources);

/* Whoever hears and reads it is told of all that the guest writes from now on. */
void console_begin(Resources *resources);

BackendConfig backend_config(const Resources *resources, size_t i);

void step_remark(Resources *resources, Fault *fault);
int open_netlink(Resources *resources, Fault *fault);

/* step-network.c: an interface's; each as StepOps says. */
int bridge_apply(Resources *resources, const PlanStep *step, Fault *fault);
int bridge_undo(Resources *resources, const PlanStep *step);
int tap_apply(Resources *resources, const PlanStep *step, Fault *fault);
int tap_undo(Resources *resources, const PlanStep *step);
/* step-networkd.c: where systemd-networkd does the rest. */
int networkd_tap_apply(Resources *resources, const PlanStep *step, Fault *fault);
/*
 * step-bridge.c: the nic's bridge is there, made where the spec says so; as long as the lock is held none goes. And it is
 * removed where mvmd made it and it has no port any more.
 */
int made_bridge_apply(Resources *resources, size_t i, int *ret_lock, Fault *fault);
void made_bridge_drop(Resources *resources, size_t i);
/* step-helper.c: where qemu-bridge-helper makes it. */
int helper_tap_apply(Resources *resources, size_t i, Fault *fault);
/* Of one that runs already: it is on record. */
void helper_tap_adopt(Resources *resources, size_t i);

/* step-attach.c: of a macvtap, as tap_apply() and tap_undo(). */
int macvtap_apply(Resources *resources, size_t i, Fault *fault);
void macvtap_undo(Resources *resources, size_t i);

/* The socket at which the VMM is to listen for the other side. */
int peer_apply(Resources *resources, const PlanStep *step, Fault *fault);
void peer_undo(Resources *resources, const PlanStep *step);
