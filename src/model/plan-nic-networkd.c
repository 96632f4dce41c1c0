/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan-builder.h"

/* What a start waits for, "systemd-networkd to …"; NULL: out of memory. */
static char *words_of(const PlanNic *nic)
{
	switch (nic->spec->networkd.expect) {
	case NETWORKD_ADDRESS:
		return str_printf("systemd-networkd to give tap %s an address", nic->tap);
	case NETWORKD_UP:
		return str_printf("systemd-networkd to bring up tap %s", nic->tap);
	case NETWORKD_MASTER:
	case _NETWORKD_EXPECT_MAX:
	default:
		return str_printf("systemd-networkd to put tap %s on %s%s", nic->tap,
				  nic->spec->bridge ? "bridge " : "a bridge",
				  nic->spec->bridge ?: "");
	}
}

void await_networkd(const Builder *builder, const PlanNic *nic, PlanStep *step)
{
	step->awaits = words_of(nic);
	step->deadline_usec = builder->plan->spec->timeouts.bridge_usec;
}
