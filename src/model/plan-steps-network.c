/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/plan-builder.h"

int steps_for_nic(Builder *builder, size_t index)
{
	const PlanNic *nic = &builder->plan->nics[index];
	const char *bridge = nic->spec->bridge;
	char mac[MAC_TEXT_MAX];
	StrBuf what = { 0 };
	char *text;
	size_t awaited;
	int r;

	r = add_step(builder,
		     (PlanStep){ .kind = STEP_BRIDGE,
				 .id = str_printf("bridge:%s", nic->spec->id),
				 .subject = index,
				 .awaits = str_printf("bridge %s", bridge),
				 .deadline_usec = builder->plan->spec->timeouts.bridge_usec },
		     str_printf("bridge %s exists", bridge), &awaited);
	if (r < 0)
		return r;
	r = last_needs_locks(builder);
	if (r < 0)
		return r;

	str_buf_add(&what, "tap %s on bridge %s, ", nic->tap, bridge);
	if (nic->mtu)
		str_buf_add(&what, "MTU %" PRIu32, nic->mtu);
	else
		str_buf_add(&what, "%s's MTU", bridge);
	str_buf_add(&what, ", queue pairs %" PRIu32 ", guest MAC %s", nic->queues,
		    mac_format(mac, nic->mac));
	r = str_buf_take(&what, &text);
	if (r < 0)
		return r;
	r = add_step(builder,
		     (PlanStep){ .kind = STEP_TAP,
				 .id = str_printf("tap:%s", nic->spec->id),
				 .subject = index },
		     text, NULL);
	return r < 0 ? r : last_needs(builder, awaited);
}
