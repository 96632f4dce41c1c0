/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"

/* What a run may end with, in words. Each sets fault and returns its error. */

/* The guest was asked to power off and did not within timeouts.stop. Not a failure of the run. */
int fault_power_button_ignored(const Plan *plan, Fault *fault);

/* The VMM did not do what it was asked ("boot the guest") within timeouts.boot. last_words: "" for none. */
int fault_vmm_deaf(const Plan *plan, const char *asked, const char *last_words, Fault *fault);

/* The VMM ended and nobody had asked. end: "exit status 1". */
int fault_vmm_exited(const Plan *plan, const char *end, const char *last_words, Fault *fault);

/* The guest was reset n times in a row without a byte on its console. */
int fault_crash_limit(unsigned n, uint64_t last_life_usec, Fault *fault);

int fault_guest_panic(Fault *fault);

/* An earlier run's remains were cleaned up. */
int fault_leftovers(const char *found, Fault *fault);

/* The tap's bridge is down. */
int fault_bridge_down(const char *bridge, Fault *fault);

/* The bridge's MTU fell to that of the tap. */
int fault_bridge_mtu(const char *bridge, uint32_t before, uint32_t now, Fault *fault);
