/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/vm-list.h"
#include "model/lifecycle.h"
#include "mvmd/exit-codes.h"

/* The schema of list --json; fields are only ever added to it. */
#define LIST_VERSION 1

/* A running VM's own word for its state; who may not ask it sees "running". New string or NULL. */
static char *state_of(const VmFound *found)
{
	json_t *status = NULL;
	const char *state = NULL;
	Fault fault = { 0 };
	char *copy;

	if (found->presence == VM_PRESENCE_ORPHANED)
		return strdup("orphaned");
	if (found->presence == VM_PRESENCE_WAITING)
		return strdup(vm_state_to_string(VM_WAITING));
	if (found->presence == VM_PRESENCE_HIDDEN)
		return strdup("unknown");
	if (found->presence != VM_PRESENCE_RUNNING)
		return strdup("stopped");
	if (client_call(found, "io.mvmd.vm.GetStatus", NULL, &status, NULL, &fault) == 0)
		state = json_string_value(json_object_get(status, "state"));
	copy = strdup(state ?: "running");
	json_decref(status);
	fault_done(&fault);
	return copy;
}

static json_t *list_vms(const Places *places, const StrList *names)
{
	json_t *vms = json_array();

	for (size_t i = 0; i < names->n; i++) {
		_cleanup_free_ char *state = NULL;
		VmFound found = { 0 };
		Fault fault = { 0 };

		if (client_find(places, names->items[i], &found, &fault) < 0) {
			fault_done(&fault);
			continue;
		}
		state = state_of(&found);
		(void) json_array_append_new(
			vms,
			json_pack("{s:s, s:s?, s:o}", "name", names->items[i], "state", state,
				  "pid", found.pid > 0 ? json_integer(found.pid) : json_null()));
		vm_found_done(&found);
	}
	return vms;
}

static void print_table(json_t *vms)
{
	int width = (int) strlen("NAME");
	json_t *vm;
	size_t i;

	json_array_foreach(vms, i, vm) {
		int length = (int) json_string_length(json_object_get(vm, "name"));

		width = length > width ? length : width;
	}
	(void) printf("%-*s  %-9s  %s\n", width, "NAME", "STATE", "PID");
	json_array_foreach(vms, i, vm) {
		json_t *pid = json_object_get(vm, "pid");

		(void) printf("%-*s  %-9s  ", width, json_string_value(json_object_get(vm, "name")),
			      json_string_value(json_object_get(vm, "state")));
		if (json_is_integer(pid))
			(void) printf("%lld\n", (long long) json_integer_value(pid));
		else
			(void) printf("-\n");
	}
}

static int print_json(json_t *vms)
{
	json_t *list = json_pack("{s:i, s:O}", "version", LIST_VERSION, "vms", vms);
	_cleanup_free_ char *text = list ? json_dumps(list, JSON_INDENT(2)) : NULL;

	json_decref(list);
	if (!text)
		return MVMD_EXIT_SYSTEM;
	(void) printf("%s\n", text);
	return MVMD_EXIT_OK;
}

int cmd_list(const Places *places, int argc, char **argv)
{
	bool json = false;
	const Switch switches[] = { { "--json", &json } };
	int exit_code = MVMD_EXIT_OK;
	StrList names = { 0 };
	Fault fault = { 0 };
	json_t *vms;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, 0) < 0)
		return MVMD_EXIT_USAGE;
	if (vm_list_names(places, &names, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
		fault_done(&fault);
		return exit_code;
	}
	vms = list_vms(places, &names);
	if (json)
		exit_code = print_json(vms);
	else if (json_array_size(vms) == 0)
		log_line(LOG_LEVEL_INFO, "no spec in %s and no VM in %s", places->spec_directory,
			 places->runtime_directory);
	else
		print_table(vms);
	json_decref(vms);
	str_list_done(&names);
	return exit_code;
}
