/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/unit-reload.h"
#include "host/state-file.h"
#include "mvmd/exit-codes.h"

int unit_reload(const Places *places, int argc, char **argv)
{
	_cleanup_(vm_found_done) VmFound found = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	json_t *answer = NULL;
	int r;

	if (options_parse(argc, argv, NULL, 0, 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	r = client_find(places, argv[1], &found, &fault);
	if (r == 0 && found.presence != VM_PRESENCE_RUNNING)
		return client_say_absent(&found);
	if (r == 0)
		r = client_call(&found, "io.mvmd.vm.Reload", NULL, &answer, NULL, &fault);
	json_decref(answer);
	if (r == 0)
		return MVMD_EXIT_OK;
	log_fault(LOG_LEVEL_ERROR, &fault);
	return fault.exit_code;
}

int unit_record_version(const Places *places, int argc, char **argv)
{
	(void) printf("%d\n", STATE_FILE_VERSION);
	return MVMD_EXIT_OK;
}
