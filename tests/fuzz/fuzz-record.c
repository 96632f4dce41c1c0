/* SPDX-License-Identifier: Apache-2.0 */
/* What a supervisor reads of the one before it: the record may be damaged, and must not be worse than none. */
#include <assert.h>
#include <jansson.h>

#include "fuzz/fuzz-spec.h"
#include "model/fault-json.h"
#include "model/history.h"
#include "model/lives-json.h"
#include "model/spec-json.h"

static void read_lives(const json_t *json)
{
	Lives lives = { 0 }, again = { 0 };
	json_t *record, *second;
	int r = lives_from_record(json, &lives);

	assert(r == 0 || r == -EUCLEAN);
	if (r < 0)
		return;
	assert(lives.n_kept <= LIVES_KEPT && lives.crashes.n <= LIVES_CRASHES_MAX);
	/* What was read goes on as any other. */
	record = lives_to_record(&lives);
	assert(lives_from_record(record, &again) == 0);
	second = lives_to_record(&again);
	assert(json_equal(record, second));
	json_decref(record);
	json_decref(second);
	lives_done(&again);
	(void) lives_hear(&lives, "x\nKernel panic - not syncing: y\n", 32);
	(void) lives_end(&lives, &(LifeMoment){ .usec = 1 }, LIFE_REBOOT,
			 &(SpecCrashLimit){ .count = 5, .within_usec = 1 });
	lives_begin(&lives, &(LifeMoment){ .usec = 2 });
	lives_done(&lives);
}

static void read_findings(const json_t *json)
{
	FaultList faults = { 0 };
	int r = fault_list_from_json(json, &faults);

	assert(r == 0 || r == -EUCLEAN);
	assert(r == 0 || faults.n == 0);
	for (size_t i = 0; i < faults.n; i++)
		assert(faults.items[i].id && faults.items[i].what);
	fault_list_done(&faults);
}

static void read_spec(const json_t *json)
{
	Problems problems = { 0 };
	Spec *spec = NULL;
	int r = spec_from_json(json, "web1", "/etc/mvmd/web1.json", &spec, &problems);

	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (spec != NULL) && (r == 0) == (problems.n == 0));
	(void) spec_free(spec);
	problems_done(&problems);
}

static void read_history(json_t *json)
{
	History history = { 0 };
	int r = history_from_json(json, &history);

	assert(r == 0 || r == -EUCLEAN);
	assert(history.crashes.n <= LIVES_CRASHES_MAX);
	history_look(&history, "7a0f1c52-0d5e-4d0a-9d5f-1d1b2a3c4d5e", 1000);
	assert(history_wait_usec(&history, 1000) <= RETRY_MAX_USEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *) data, size, 0, NULL);

	if (!json)
		return 0;
	read_lives(json);
	read_findings(json);
	read_spec(json);
	read_history(json);
	json_decref(json);
	return 0;
}
