/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "model/facts-json.h"
#include "mvmd/exit-codes.h"
#include "vm.h"

int cmd_run(const Places *places, int argc, char **argv)
{
	VmOptions options = { .console_fd = STDOUT_FILENO };
	const Switch switches[] = { { "--replace", &options.replace } };
	Prepared prepared;
	int exit_code;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	exit_code = prepare(places, argv[1], PREPARE_FOR_START, &prepared);
	if (exit_code == MVMD_EXIT_OK) {
		_cleanup_free_ char *facts = facts_to_words(prepared.plan);

		log_line(LOG_LEVEL_INFO, "%s", prepared.plan->vmm_reason);
		log_line(LOG_LEVEL_INFO, "%s", facts ?: "out of memory");
		exit_code = vm_run(prepared.plan, &options);
	}
	prepared_done(&prepared);
	return exit_code;
}
