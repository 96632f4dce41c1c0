/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/unit-tries.h"
#include "host/process.h"
#include "host/record-series.h"
#include "host/record.h"
#include "run/systemd.h"

#define TRIES_FILE "unit-tries.json"

void unit_tries_read(const Places *places, const char *name, History *ret)
{
	char boot_id[BOOT_ID_MAX];
	json_t *json = NULL;

	*ret = (History){ 0 };
	if (!unit_is_told())
		return;
	if (record_read(places->state_directory, name, TRIES_FILE, &json) == 0)
		(void) history_from_json(json, ret);
	json_decref(json);
	boot_id_read(boot_id);
	history_look(ret, boot_id, now_usec());
}

void unit_tries_add(const Places *places, const char *name, History *tries, int exit_code,
		    const char *finding)
{
	json_t *json;

	if (!unit_is_told())
		return;
	history_run_ended(tries, exit_code, finding, &(LifeCrashes){ 0 }, now_usec());
	if (!exit_code_is_retried(exit_code)) {
		(void) record_remove(places->state_directory, name, TRIES_FILE);
		return;
	}
	json = history_to_json(tries);
	if (json)
		(void) record_write(places->state_directory, name, TRIES_FILE, json);
	json_decref(json);
}

void unit_tries_over(const Places *places, const char *name, History *tries)
{
	if (tries->failed == 0)
		return;
	*tries = (History){ 0 };
	(void) record_remove(places->state_directory, name, TRIES_FILE);
}
