/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "model/known-issues.h"
#include "model/schema-json.h"
#include "model/schema-man.h"
#include "mvmd/exit-codes.h"

static int print_text(int (*to_text)(const ObjectType *root, char **ret), const ObjectType *root)
{
	_cleanup_free_ char *text = NULL;

	if (to_text(root, &text) < 0) {
		log_line(LOG_LEVEL_ERROR, "out of memory");
		return MVMD_EXIT_SYSTEM;
	}
	(void) fputs(text, stdout);
	return MVMD_EXIT_OK;
}

int cmd_schema(_unused_ const Places *places, int argc, char **argv)
{
	static const struct option options[] = {
		{ "host", no_argument, NULL, 'h' },
		{ "known-issues", no_argument, NULL, 'k' },
		{ "man", no_argument, NULL, 'm' },
		{ 0 },
	};
	int (*to_text)(const ObjectType *root, char **ret) = schema_to_json;
	const ObjectType *root = &spec_object;
	int option;

	optind = 0; /* start anew: main() has used getopt before */
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'h')
			root = &host_conf_object;
		else if (option == 'k')
			root = &known_issues_object;
		else if (option == 'm')
			to_text = schema_to_man;
		else
			return MVMD_EXIT_USAGE;
	}
	if (optind < argc) {
		log_line(LOG_LEVEL_ERROR,
			 "schema takes no arguments but --host, --known-issues and --man");
		return MVMD_EXIT_USAGE;
	}
	return print_text(to_text, root);
}
