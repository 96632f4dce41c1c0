/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/guest-report.h"
#include "model/lifecycle.h"
#include "model/lives.h"
#include "model/plan.h"

/* What a run may end with, in words. Each sets fault and returns its error. */

/* The guest was asked to power off and did not within timeouts.stop. Not a failure of the run. */
int fault_power_button_ignored(const Plan *plan, Fault *fault);

/* Nor did the VMM take the power button within timeouts.stop. */
int fault_vmm_mute(const Plan *plan, Fault *fault);

/* The VMM did not do what it was asked ("boot the guest") within timeouts.boot. last_words: "" for none. */
int fault_vmm_deaf(const Plan *plan, const char *asked, const char *last_words, Fault *fault);

/* The state passed its deadline: the VMM was mute in VM_STOPPING, deaf in VM_CREATING or VM_BOOTING. */
int fault_state_lasts(const Plan *plan, VmState state, const char *last_words, Fault *fault);

/* What the VMM is to do in VM_CREATING or VM_BOOTING it could not even be asked for: error. */
int fault_vmm_not_asked(const Plan *plan, int error, VmState state, Fault *fault);

/* The last life crashed, and was one too many. Of a silent death the known issues that fit are told. */
int fault_crash_limit(const Plan *plan, const Lives *lives, Fault *fault);

/* The guest died: as its console told, or, without such words, as pvpanic did. life: NULL before the first. */
int fault_guest_death(const Life *life, Fault *fault);

/* It has not written a byte for timeouts.guest, and no driver took a device. Not a failure of the run. */
int fault_guest_silent(const Plan *plan, const Life *life, Fault *fault);

/* The guest has not said within timeouts.guest that it is ready. */
int fault_guest_not_ready(const Plan *plan, const GuestReport *report, const Life *life,
			  Fault *fault);

/* An earlier run's remains were cleaned up. */
int fault_leftovers(const char *found, Fault *fault);

/* The VM's CID is another's: of the VM 'other', which runs; NULL: whose is not known. */
int fault_cid_taken(const char *vm, uint32_t cid, const char *other, Fault *fault);

/* The tap's bridge is down. */
int fault_bridge_down(const char *bridge, Fault *fault);

/* The link that a macvtap is on is down. */
int fault_link_down(const char *link, Fault *fault);

/* The bridge's MTU fell to that of the tap. */
int fault_bridge_mtu(const char *bridge, uint32_t before, uint32_t now, Fault *fault);

/* The host's clock was set by so much. Not a failure of the run. */
int fault_clock_jump(int64_t jump_usec, Fault *fault);
