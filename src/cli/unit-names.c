/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/unit-names.h"
#include "base/log.h"
#include "cli/spec-load.h"
#include "cli/vm-list.h"
#include "model/spec.h"
#include "mvmd/exit-codes.h"

static int say(Fault *fault)
{
	int exit_code = fault->exit_code;

	log_fault(LOG_LEVEL_ERROR, fault);
	fault_done(fault);
	return exit_code;
}

static int all_names(const Places *places, bool running, StrList *ret)
{
	Fault fault = { 0 };
	int r = running ? vm_list_names(places, ret, &fault) : spec_list_names(places, ret, &fault);

	return r < 0 ? say(&fault) : MVMD_EXIT_OK;
}

/* A unit reads the spec of its name, so a path to another one cannot be meant. */
static int refuse_path(const char *command, const char *word)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EINVAL, MVMD_EXIT_USAGE, "vm-name",
			 "%s takes the NAME of a VM: \"%s\" is the path of a file", command, word);
	(void) fault_evidence(&fault, "name", "%s", word);
	(void) fault_remedy(&fault, "mvmd run %s starts the VM of any spec, without a unit", word);
	return say(&fault);
}

static int add_name(const UnitNames *names, const char *word, StrList *ret)
{
	bool is_path = strchr(word, '/');
	Fault fault = { 0 };

	if (is_path && !names->running)
		return refuse_path(names->command, word);
	if (!is_path && !vm_name_is_valid(word)) {
		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_USAGE, "vm-name",
				 "\"%s\" is no name of a VM", word);
		(void) fault_evidence(&fault, "name", "%s", word);
		(void) fault_remedy(&fault, "mvmd list shows all");
		return say(&fault);
	}
	if (!str_list_contains(ret, word))
		str_list_add(ret, "%s", word);
	return MVMD_EXIT_OK;
}

int unit_names_get(const Places *places, const UnitNames *names, int n, char **words, StrList *ret)
{
	int exit_code = MVMD_EXIT_OK;
	StrList list = { 0 };

	if (names->all != (n == 0)) {
		log_line(LOG_LEVEL_ERROR, "%s takes the NAMEs of VMs, or --all; see mvmd %s --help",
			 names->command, names->command);
		return MVMD_EXIT_USAGE;
	}
	if (names->all)
		exit_code = all_names(places, names->running, &list);
	for (int i = 0; i < n && exit_code == MVMD_EXIT_OK; i++)
		exit_code = add_name(names, words[i], &list);
	if (list.failed)
		exit_code = MVMD_EXIT_SYSTEM;
	if (exit_code != MVMD_EXIT_OK) {
		str_list_done(&list);
		return exit_code;
	}
	*ret = list;
	return MVMD_EXIT_OK;
}
