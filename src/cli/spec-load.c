/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/spec-load.h"
#include "host/spec-files.h"
#include "mvmd/exit-codes.h"

#define SUFFIX ".json"

/* Where the spec lies and what its VM is called. */
typedef struct SpecPlace {
	char *path;
	char *name;
} SpecPlace;

static void spec_place_done(SpecPlace *place)
{
	free(place->path);
	free(place->name);
}

/* The length of text without its suffix; 0 where it has none, or nothing before it. */
static size_t stem_length(const char *text)
{
	size_t length = strlen(text), suffix = strlen(SUFFIX);

	return length > suffix && streq(text + length - suffix, SUFFIX) ? length - suffix : 0;
}

static int spec_place_find(const Places *places, const char *argument, SpecPlace *ret, Fault *fault)
{
	const char *slash = strrchr(argument, '/');

	if (!slash) {
		ret->path = str_printf("%s/%s" SUFFIX, places->spec_directory, argument);
		ret->name = strdup(argument);
	} else if (stem_length(slash + 1) == 0) {
		(void) fault_set(fault, -EOPNOTSUPP, MVMD_EXIT_SPEC, "spec-file-name",
				 "%s is no name of a spec file: that is NAME" SUFFIX
				 ", and NAME is the VM's",
				 argument);
		(void) fault_evidence(fault, "path", "%s", argument);
		return fault_remedy(fault, "mv %s %s" SUFFIX, argument, argument);
	} else {
		ret->path = strdup(argument);
		ret->name = strndup(slash + 1, stem_length(slash + 1));
	}
	return ret->path && ret->name ? 0 : fault_oom(fault);
}

/* "web1.json" for a NAME: the user meant NAME, or a PATH. */
static void suggest_argument(const char *argument, Fault *fault)
{
	size_t stem = strchr(argument, '/') ? 0 : stem_length(argument);

	if (fault && stem > 0)
		(void) fault_remedy(
			fault,
			"write \"%.*s\" for that VM; what takes a PATH takes \"./%s\" for a file here",
			(int) stem, argument, argument);
}

/* A user who has no folder of his own yet is not told of the host's alone. */
static void suggest_own(const Places *places, const char *argument, Fault *fault)
{
	if (geteuid() != 0 && !places->user && !strchr(argument, '/'))
		(void) fault_why(fault, "this is where the host's are; a user's own are in "
					"~/.config/mvmd, where there is that folder (or: mvmd "
					"--user)");
}

static int parse_files(const SpecPlace *place, const SpecFiles *files, Spec **ret,
		       Problems *problems, Fault *fault)
{
	int r;

	if (!vm_name_is_valid(place->name)) {
		(void) fault_set(fault, -EOPNOTSUPP, MVMD_EXIT_SPEC, "vm-name",
				 "%s: \"%s\" cannot be the name of a VM", place->path, place->name);
		(void) fault_why(fault,
				 "a name is up to %d letters, digits, '.' and '-', the first a "
				 "letter or digit",
				 VM_NAME_MAX);
		(void) fault_evidence(fault, "name", "%s", place->name);
		(void) fault_remedy(fault, "rename the file");
		return -EOPNOTSUPP;
	}
	r = spec_parse(files->docs, files->n, place->name, ret, problems);
	return r == -ENOMEM ? fault_oom(fault) : r;
}

int spec_load(const Places *places, const char *argument, Spec **ret, Problems *problems,
	      Fault *fault)
{
	SpecPlace place = { 0 };
	SpecFiles files = { 0 };
	int r;

	r = spec_place_find(places, argument, &place, fault);
	if (r >= 0) {
		r = spec_files_read(places->spec_directory, place.path, place.name, &files, fault);
		if (r == -ENOENT) {
			suggest_argument(argument, fault);
			suggest_own(places, argument, fault);
		}
	}
	if (r >= 0)
		r = parse_files(&place, &files, ret, problems, fault);
	spec_files_done(&files);
	spec_place_done(&place);
	return r;
}

const char *settings_directory(const Places *places, const char *name)
{
	_cleanup_free_ char *own = str_printf("%s/%s", places->spec_directory, name);

	return places->user && own && access(own, F_OK) < 0 ? SPEC_DIRECTORY :
							      places->spec_directory;
}

int host_conf_load(const Places *places, HostConf *ret, Problems *problems, Fault *fault)
{
	const char *directory = settings_directory(places, "host.conf");
	SpecFiles files = { 0 };
	int r;

	r = spec_files_read_host_conf(directory, &files, fault);
	if (r == -EACCES && !streq(directory, places->spec_directory)) {
		fault_done(fault);
		r = 0;
	}
	if (r >= 0)
		r = host_conf_parse(files.docs, ret, problems);
	spec_files_done(&files);
	return r == -ENOMEM ? fault_oom(fault) : r;
}

int spec_list_names(const Places *places, StrList *ret, Fault *fault)
{
	return spec_files_list(places->spec_directory, ret, fault);
}

/* An entry each. */
static void log_problems(char *text)
{
	const LogKind kind = { .level = LOG_LEVEL_ERROR, .message_id = MVMD_MESSAGE_SPEC };
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		if (*line)
			log_entry(&kind, "%s", line);
}

void spec_print_problems(const Problems *problems)
{
	_cleanup_free_ char *text = NULL;

	if (problems_to_text(problems, log_is_terminal(), &text) < 0)
		log_line(LOG_LEVEL_ERROR, "out of memory");
	else if (log_is_journal())
		log_problems(text);
	else
		(void) fputs(text, stderr);
}

json_t *spec_problems_to_json(const Problems *problems)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < problems->n; i++) {
		const Problem *problem = &problems->items[i];
		json_t *object = json_pack(
			"{s:s, s:I, s:I, s:s, s:s, s:s}", "file", problem->file, "line",
			(json_int_t) problem->line, "column", (json_int_t) problem->column,
			"pointer", problem->pointer, "rule", problem->rule, "text", problem->text);

		if (!object || json_array_append_new(array, object) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
