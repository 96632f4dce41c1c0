/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/vm-list.h"
#include "mvmd/exit-codes.h"

#define TIME_TEXT_MAX 32

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "-";
}

static long long number_of(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_pid(json_t *object)
{
	if (json_is_integer(json_object_get(object, "pid")))
		(void) printf(", pid %lld", number_of(object, "pid"));
}

static void print_since(json_t *status)
{
	time_t since =
		(time_t) ((uint64_t) number_of(status, "since_realtime_usec") / USEC_PER_SEC);
	char text[TIME_TEXT_MAX] = "";
	struct tm local;

	if (localtime_r(&since, &local))
		(void) strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	(void) printf("%s: %s since %s, supervisor pid %lld\n", text_of(status, "name"),
		      text_of(status, "state"), text, number_of(status, "pid"));
}

static void print_last_life(json_t *status)
{
	json_t *lives = json_object_get(status, "lives");
	json_t *life = json_array_get(lives, json_array_size(lives) - 1);
	char lasted[FORMAT_MAX];

	if (!life)
		return;
	(void) format_duration(lasted, (uint64_t) number_of(life, "duration_usec") / USEC_PER_MSEC *
					       USEC_PER_MSEC);
	if (json_is_null(json_object_get(life, "end")))
		(void) printf("  life %lld: goes on for %s", number_of(life, "number"), lasted);
	else
		(void) printf("  life %lld: ended after %s, %s", number_of(life, "number"), lasted,
			      text_of(life, "end"));
	if (json_is_string(json_object_get(life, "asked_by")))
		(void) printf(", asked by %s", text_of(life, "asked_by"));
	(void) printf(", %lld console bytes\n", number_of(life, "console_bytes"));
}

static void print_devices(json_t *status)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(status, "interfaces"), i, item)
		(void) printf("  interface %s: tap %s %s bridge %s, guest MAC %s\n",
			      text_of(item, "id"), text_of(item, "tap"),
			      json_is_true(json_object_get(item, "attached")) ? "on" : "NOT ON",
			      text_of(item, "bridge"), text_of(item, "mac"));
	json_array_foreach(json_object_get(status, "backends"), i, item) {
		(void) printf("  backend %s: %s", text_of(item, "id"), text_of(item, "kind"));
		print_pid(item);
		(void) printf(", %s, %lld restarts\n", text_of(item, "socket"),
			      number_of(item, "restarts"));
	}
}

static void print_findings(json_t *status)
{
	json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(status, "findings"), i, finding) {
		(void) printf("  finding %s: %s\n", text_of(finding, "id"),
			      text_of(finding, "what"));
		if (json_is_string(json_object_get(finding, "why")))
			(void) printf("    why: %s\n", text_of(finding, "why"));
		if (json_is_string(json_object_get(finding, "remedy")))
			(void) printf("    try: %s\n", text_of(finding, "remedy"));
	}
}

static void print_status(json_t *status)
{
	json_t *vmm = json_object_get(status, "vmm"), *guest = json_object_get(status, "guest");

	print_since(status);
	(void) printf("  vmm: %s %s", text_of(vmm, "kind"), text_of(vmm, "version"));
	print_pid(vmm);
	(void) printf("\n  guest: kernel %s, %lld %s, %lld console bytes\n",
		      json_string_value(json_object_get(guest, "kernel")) ?: "unknown",
		      number_of(guest, "lives"), number_of(guest, "lives") == 1 ? "life" : "lives",
		      number_of(guest, "console_bytes"));
	print_last_life(status);
	print_devices(status);
	print_findings(status);
}

static int print_json(json_t *status)
{
	_cleanup_free_ char *text = json_dumps(status, JSON_INDENT(2));

	if (!text)
		return MVMD_EXIT_SYSTEM;
	(void) printf("%s\n", text);
	return MVMD_EXIT_OK;
}

static int status_of(const Places *places, const char *argument, bool json)
{
	json_t *status = NULL;
	Fault fault = { 0 };
	int exit_code = MVMD_EXIT_OK;
	VmFound found = { 0 };
	int r;

	r = client_find(places, argument, &found, &fault);
	if (r == 0 && found.presence != VM_PRESENCE_RUNNING) {
		exit_code = client_say_absent(&found);
		vm_found_done(&found);
		return exit_code;
	}
	if (r == 0) {
		r = client_call(&found, "io.mvmd.vm.GetStatus", NULL, &status, NULL, &fault);
		if (r < 0)
			(void) fault_prefix(&fault, "%s", found.places.name);
		vm_found_done(&found);
	}
	if (r < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
	} else if (json) {
		exit_code = print_json(status);
	} else {
		print_status(status);
	}
	json_decref(status);
	fault_done(&fault);
	return exit_code;
}

/* Without a name: every VM that runs. */
static int status_of_all(const Places *places, bool json)
{
	int exit_code = MVMD_EXIT_OK;
	StrList names = { 0 };
	size_t n_running = 0;
	Fault fault = { 0 };

	if (vm_list_names(places, &names, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
		fault_done(&fault);
		return exit_code;
	}
	for (size_t i = 0; i < names.n; i++) {
		VmFound found = { 0 };

		if (client_find(places, names.items[i], &found, &fault) < 0) {
			fault_done(&fault);
			continue;
		}
		if (found.presence == VM_PRESENCE_RUNNING) {
			n_running++;
			exit_code =
				exit_code_worse(exit_code, status_of(places, names.items[i], json));
		}
		vm_found_done(&found);
	}
	str_list_done(&names);
	if (n_running == 0)
		log_line(LOG_LEVEL_INFO, "no VM is running; mvmd list shows all");
	return exit_code;
}

int cmd_status(const Places *places, int argc, char **argv)
{
	bool json = false;
	const Switch switches[] = { { "--json", &json } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, 1);

	if (n < 0)
		return MVMD_EXIT_USAGE;
	return n == 0 ? status_of_all(places, json) : status_of(places, argv[1], json);
}
