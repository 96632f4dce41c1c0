/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "cli/completion.h"
#include "cli/vm-list.h"
#include "model/findings.h"
#include "model/spec.h"
#include "mvmd/exit-codes.h"

/* What a shell asks for while somebody types: whatever goes wrong, it is no time for messages. */
static int print_vms(const Places *places)
{
	StrList names = { 0 };
	Fault fault = { 0 };

	if (vm_list_names(places, &names, &fault) == 0)
		for (size_t i = 0; i < names.n; i++)
			if (vm_name_is_valid(names.items[i]))
				(void) printf("%s\n", names.items[i]);
	str_list_done(&names);
	fault_done(&fault);
	return MVMD_EXIT_OK;
}

static int print_findings(void)
{
	for (size_t i = 0; i < FINDING_TABLES; i++)
		for (size_t j = 0; j < finding_tables[i]->n; j++)
			(void) printf("%s\n", finding_tables[i]->findings[j].id);
	return MVMD_EXIT_OK;
}

static int print_script(int (*make)(StrBuf *script))
{
	_cleanup_free_ char *text = NULL;
	StrBuf script = { 0 };
	int r = make(&script);

	if (str_buf_take(&script, &text) < 0 || r < 0)
		return MVMD_EXIT_SYSTEM;
	(void) printf("%s", text);
	return MVMD_EXIT_OK;
}

int cmd_complete(const Places *places, int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (streq(what, "vms"))
		return print_vms(places);
	if (streq(what, "findings"))
		return print_findings();
	if (streq(what, "bash"))
		return print_script(completion_bash);
	if (streq(what, "zsh"))
		return print_script(completion_zsh);
	if (streq(what, "fish"))
		return print_script(completion_fish);
	log_line(LOG_LEVEL_ERROR, "complete: bash, zsh or fish?");
	return MVMD_EXIT_USAGE;
}
