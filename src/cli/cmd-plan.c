/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "model/facts-json.h"
#include "mvmd/exit-codes.h"

int cmd_plan(const Places *places, int argc, char **argv)
{
	bool json = false;
	const Switch switches[] = { { "--json", &json } };
	_cleanup_free_ char *text = NULL, *facts = NULL;
	Prepared prepared;
	int r = 0, exit_code;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	exit_code = prepare(places, argv[1], PREPARE_FOR_LOOK, &prepared);
	if (exit_code == MVMD_EXIT_OK)
		r = json ? plan_to_json(prepared.plan, &text) : plan_to_text(prepared.plan, &text);
	if (text && !json)
		facts = facts_to_words(prepared.plan);
	if (facts)
		(void) printf("%s: %s\n", prepared.spec->name, facts);
	if (text)
		(void) printf("%s%s", text, json ? "\n" : "");
	prepared_done(&prepared);
	return r < 0 ? MVMD_EXIT_SYSTEM : exit_code;
}
