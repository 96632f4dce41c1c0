/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/commands.h"
#include "cli/unit-reload.h"
#include "cli/unit-sweep.h"
#include "mvmd/exit-codes.h"

/*
 * What mvmd@NAME.service calls, and no person: so each of these may be changed together with the unit. A verb gets the
 * words from its own name on, as a command does.
 */
typedef struct UnitVerb {
	const char *name;
	int (*run)(const Places *places, int argc, char **argv);
} UnitVerb;

static const UnitVerb verbs[] = {
	{ "run", cmd_run }, /* ExecStart= */
	{ "reload", unit_reload }, /* ExecReload= */
	{ "sweep", unit_sweep }, /* ExecStopPost= */
	{ "record-version",
	  unit_record_version }, /* a supervisor that is to execute this program */
};

int cmd_unit(const Places *places, int argc, char **argv)
{
	for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
		if (argc > 1 && streq(argv[1], verbs[i].name))
			return verbs[i].run(places, argc - 1, argv + 1);
	log_line(LOG_LEVEL_ERROR, "unit: this is what mvmd@NAME.service calls, with a verb and the "
				  "NAME; mvmd start NAME is for you");
	return MVMD_EXIT_USAGE;
}
