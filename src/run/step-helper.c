/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "host/bridge-helper.h"
#include "run/step-internal.h"
#include "run/tap-store.h"

int helper_tap_apply(Resources *resources, size_t i, Fault *fault)
{
	const Plan *plan = resources->plan;

	if (tap_store_take(resources, i))
		return 0;
	return helper_tap_create(resources->nl, &plan->nics[i], &plan->facts->helper.program,
				 &resources->bridges[i], &resources->taps[i], fault);
}

void helper_tap_adopt(Resources *resources, size_t i)
{
	const char *id = resources->plan->nics[i].spec->id;
	const json_t *record = json_object_get(resources->adoption->taps, id);
	const char *name = json_string_value(json_object_get(record, "name"));
	Tap *tap = &resources->taps[i];

	(void) snprintf(tap->name, sizeof(tap->name), "%s", name ?: "");
	tap->ifindex = (int) json_integer_value(json_object_get(record, "ifindex"));
}
