/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tap.h"
#include "model/networkd-faults.h"
#include "run/apply.h"
#include "run/step-internal.h"
#include "run/tap-store.h"

/* An MTUBytes= of networkd's goes over the kernel's default, and not over what the spec says. */
static void look_at_mtu(Resources *resources, size_t i)
{
	const PlanNic *nic = &resources->plan->nics[i];
	Fault fault = { 0 };
	LinkInfo tap;

	if (nic->spec->mtu == 0 || link_get(resources->nl, nic->tap, &tap) < 0 ||
	    tap.mtu == nic->spec->mtu)
		return;
	(void) fault_networkd_mtu(nic, tap.mtu, &fault);
	step_remark(resources, &fault);
}

static void on_networkd(const Fault *fault, void *userdata)
{
	Slot *slot = userdata;
	NetworkdWait **wait = &slot->resources->networkd_waits[slot->subject];

	*wait = networkd_wait_free(*wait);
	if (!fault)
		look_at_mtu(slot->resources, slot->subject);
	apply_step_done(slot->resources->apply, STEP_TAP, slot->subject, fault);
}

/* The tap stays down: networkd brings up what it matches, and a tap that is up already would prove nothing. */
static int tap_begin(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	Tap *tap = &resources->taps[step->subject];
	int r = 0;

	if (!tap_store_take(resources, step->subject))
		r = tap_create(resources->nl, nic, tap, fault);
	if (r < 0)
		return r;
	r = tap_set(resources->nl, nic, tap, false, fault);
	if (r >= 0)
		r = networkd_wait_start(resources->networkd_waits[step->subject], resources->event,
					tap->ifindex, step->deadline_usec, on_networkd,
					&resources->nic_slots[step->subject], fault);
	if (r < 0)
		tap_close(tap);
	return r;
}

int networkd_tap_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	NetworkdWait **wait = &resources->networkd_waits[step->subject];
	int r;

	r = networkd_wait_new(resources->plan, nic, wait, fault);
	if (r < 0)
		return r;
	r = tap_begin(resources, step, fault);
	if (r < 0) {
		*wait = networkd_wait_free(*wait);
		return r;
	}
	return STEP_LATER;
}
