/* SPDX-License-Identifier: Apache-2.0 */
#include "run/start-record.h"
#include "host/record-series.h"
#include "host/record.h"

int start_record_write(const char *state_directory, const StartTimes *times)
{
	_cleanup_(json_decrefp) json_t *record = start_times_to_json(times);

	return record ? record_write(state_directory, times->name, START_TIMES_FILE, record) :
			-ENOMEM;
}

int start_record_read(const char *state_directory, const char *vm, StartTimes *ret)
{
	_cleanup_(json_decrefp) json_t *record = NULL;
	int r = record_read(state_directory, vm, START_TIMES_FILE, &record);

	return r < 0 ? r : start_times_from_json(record, ret);
}
