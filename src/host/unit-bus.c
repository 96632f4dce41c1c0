/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "host/systemd-bus.h"
#include "host/unit-bus.h"
#include "host/unit-fault.h"

#define SYSTEMD_NAME	"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD_NAME ".Manager"
#define SYSTEMD_UNIT	SYSTEMD_NAME ".Unit"
#define SYSTEMD_SERVICE SYSTEMD_NAME ".Service"
#define SYSTEMD_UNITS	SYSTEMD_PATH "/unit"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"

/* An agent of polkit asks a person for a password meanwhile. */
#define CALL_TIMEOUT_USEC (120 * USEC_PER_SEC)

/* It runs all generators and reads all units; systemctl waits as long. */
#define RELOAD_TIMEOUT_USEC (600 * USEC_PER_SEC)

/* A job and what hears of it. */
typedef struct Queued {
	UnitJob job; /* the first: who has the one has the other */
	sd_bus_slot *slot; /* of its unit's signals */
	struct Queued *next;
} Queued;

struct UnitBus {
	sd_bus *bus;
	sd_bus_slot *removed_slot; /* NULL: not subscribed yet */
	Queued *jobs;
	bool user; /* it is the user's own systemd */
	bool direct; /* no message bus between: then there are no names */
};

static const char *const verbs[_UNIT_VERB_MAX] = {
	[UNIT_START] = "start",	    [UNIT_STOP] = "stop",
	[UNIT_RESTART] = "restart", [UNIT_RELOAD] = "reload",
	[UNIT_ENABLE] = "enable",   [UNIT_DISABLE] = "disable",
	[UNIT_LOOK] = "look at",    [UNIT_READ_FILES] = "let systemd read",
};

static const char *const methods[_UNIT_VERB_MAX] = {
	[UNIT_START] = "StartUnit",	   [UNIT_STOP] = "StopUnit",
	[UNIT_RESTART] = "RestartUnit",	   [UNIT_RELOAD] = "ReloadUnit",
	[UNIT_ENABLE] = "EnableUnitFiles", [UNIT_DISABLE] = "DisableUnitFiles",
};

const char *unit_verb_to_string(UnitVerb verb)
{
	return verbs[verb];
}

char *unit_name(const char *vm)
{
	return str_printf("mvmd@%s.service", vm);
}

static char *unit_path(const char *vm)
{
	_cleanup_free_ char *name = unit_name(vm);
	char *path = NULL;

	return name && sd_bus_path_encode(SYSTEMD_UNITS, name, &path) >= 0 ? path : NULL;
}

int unit_bus_open(sd_event *event, bool user, UnitBus **ret, Fault *fault)
{
	UnitBus *bus;
	int r;

	if (sd_booted() <= 0)
		return unit_fault_no_systemd(fault);
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return fault_oom(fault);
	bus->user = user;
	r = systemd_bus_open(user, &bus->bus, &bus->direct);
	if (r >= 0)
		r = sd_bus_attach_event(bus->bus, event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0) {
		(void) unit_bus_free(bus);
		return unit_fault_no_bus(user, r, fault);
	}
	*ret = bus;
	return 0;
}

static Queued *queued_free(Queued *queued)
{
	if (!queued)
		return NULL;
	(void) sd_bus_slot_unref(queued->slot);
	free(queued->job.path);
	free(queued->job.result);
	unit_state_done(&queued->job.news);
	free(queued);
	return NULL;
}

UnitBus *unit_bus_free(UnitBus *bus)
{
	if (!bus)
		return NULL;
	while (bus->jobs)
		unit_bus_forget(bus, &bus->jobs->job);
	(void) sd_bus_slot_unref(bus->removed_slot);
	(void) sd_bus_flush_close_unref(bus->bus);
	free(bus);
	return NULL;
}

bool unit_bus_is_open(UnitBus *bus)
{
	return sd_bus_is_open(bus->bus) > 0;
}

/* Takes message. *ret, where it is not NULL, is the reply. Returns 0 or -errno with fault. */
static int call(UnitBus *bus, UnitVerb verb, const char *vm, uint64_t timeout_usec,
		sd_bus_message *message, sd_bus_message **ret, Fault *fault)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	(void) sd_bus_message_set_allow_interactive_authorization(message, true);
	r = sd_bus_call(bus->bus, message, timeout_usec, &error, ret);
	(void) sd_bus_message_unref(message);
	if (r < 0)
		(void) unit_fault_call(bus->user, verb, vm, r, &error, fault);
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

static int new_call(UnitBus *bus, const char *path, const char *interface, const char *method,
		    sd_bus_message **ret, Fault *fault)
{
	return sd_bus_message_new_method_call(bus->bus, ret, SYSTEMD_NAME, path, interface,
					      method) < 0 ?
		       fault_oom(fault) :
		       0;
}

/* --- jobs */

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
	UnitBus *bus = userdata;
	const char *path, *unit, *result;
	uint32_t id;

	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	for (Queued *queued = bus->jobs; queued; queued = queued->next)
		if (streq_null(queued->job.path, path) && !queued->job.result)
			(void) str_set(&queued->job.result, result);
	return 0;
}

/* What comes after its end is about the unit's next life. */
static int on_properties_changed(sd_bus_message *message, void *userdata,
				 sd_bus_error *ret_error _unused_)
{
	UnitJob *job = userdata;

	if (job->result || sd_bus_message_skip(message, "s") < 0)
		return 0;
	(void) unit_state_read(message, &job->news);
	job->stirred = true;
	return 0;
}

/* systemd sends signals only where somebody asked for them. The match comes first, so none is missed. */
static int subscribe(UnitBus *bus, UnitVerb verb, const char *vm, Fault *fault)
{
	sd_bus_message *message = NULL;
	int r;

	if (bus->removed_slot)
		return 0;
	r = sd_bus_match_signal(bus->bus, &bus->removed_slot, bus->direct ? NULL : SYSTEMD_NAME,
				SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", on_job_removed, bus);
	if (r < 0)
		return unit_fault_call(bus->user, verb, vm, r, NULL, fault);
	r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", &message, fault);
	return r < 0 ? r : call(bus, verb, vm, 0, message, NULL, fault);
}

static int listen_to_unit(UnitBus *bus, UnitVerb verb, const char *vm, Queued *queued, Fault *fault)
{
	_cleanup_free_ char *path = unit_path(vm);
	int r;

	if (!path)
		return fault_oom(fault);
	r = sd_bus_match_signal(bus->bus, &queued->slot, bus->direct ? NULL : SYSTEMD_NAME, path,
				DBUS_PROPERTIES, "PropertiesChanged", on_properties_changed,
				&queued->job);
	return r < 0 ? unit_fault_call(bus->user, verb, vm, r, NULL, fault) : 0;
}

/* The one string that the reply to verb has, in *ret; type as sd_bus_message_read(3) names it. Frees the reply. */
static int take_text(const UnitBus *bus, sd_bus_message *reply, const char *type, UnitVerb verb,
		     const char *vm, char **ret, Fault *fault)
{
	const char *text = NULL;
	int r = sd_bus_message_read(reply, type, &text);

	if (r < 0)
		r = unit_fault_call(bus->user, verb, vm, r, NULL, fault);
	else
		r = str_set(ret, text) < 0 ? fault_oom(fault) : 0;
	(void) sd_bus_message_unref(reply);
	return r;
}

/* *ret: the job's path. */
static int call_for_job(UnitBus *bus, UnitVerb verb, const char *vm, char **ret, Fault *fault)
{
	_cleanup_free_ char *name = unit_name(vm);
	sd_bus_message *message = NULL, *reply = NULL;
	int r = name ? 0 : fault_oom(fault);

	if (r == 0)
		r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, methods[verb], &message, fault);
	if (r < 0)
		return r;
	(void) sd_bus_message_append(message, "ss", name, "replace");
	r = call(bus, verb, vm, CALL_TIMEOUT_USEC, message, &reply, fault);
	if (r < 0)
		return r;
	return take_text(bus, reply, "o", verb, vm, ret, fault);
}

int unit_bus_queue(UnitBus *bus, UnitVerb verb, const char *vm, UnitJob **ret, Fault *fault)
{
	Queued *queued = calloc(1, sizeof(*queued));
	int r;

	if (!queued)
		return fault_oom(fault);
	r = subscribe(bus, verb, vm, fault);
	if (r == 0)
		r = listen_to_unit(bus, verb, vm, queued, fault);
	/* A signal that comes before the reply stays in sd-bus's queue until the loop turns. */
	if (r == 0)
		r = call_for_job(bus, verb, vm, &queued->job.path, fault);
	if (r < 0) {
		(void) queued_free(queued);
		return r;
	}
	queued->next = bus->jobs;
	bus->jobs = queued;
	*ret = &queued->job;
	return 0;
}

void unit_bus_forget(UnitBus *bus, UnitJob *job)
{
	for (Queued **at = &bus->jobs; *at; at = &(*at)->next)
		if (&(*at)->job == job) {
			Queued *gone = *at;

			*at = gone->next;
			(void) queued_free(gone);
			return;
		}
}

/* --- looks */

/* NAME of mvmd@NAME.service; other units are none of ours. */
static void add_vm_of_unit(const char *unit, StrList *ret)
{
	size_t start = strlen("mvmd@"), end = strlen(".service"), length = strlen(unit);

	if (length > start + end && strncmp(unit, "mvmd@", start) == 0 &&
	    streq(unit + length - end, ".service"))
		str_list_add(ret, "%.*s", (int) (length - start - end), unit + start);
}

/* The reply's a(ssssssouso): the unit's name, and nine things more that are asked for otherwise. */
static int read_units(sd_bus_message *reply, StrList *ret)
{
	int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(reply, 'r', "ssssssouso")) > 0) {
		const char *unit;

		r = sd_bus_message_read_basic(reply, 's', &unit);
		if (r >= 0)
			r = sd_bus_message_skip(reply, "sssssouso");
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
		if (r < 0)
			return r;
		add_vm_of_unit(unit, ret);
	}
	return ret->failed ? -ENOMEM : r;
}

/* What systemd lists of all VMs: *ret is the caller's to give up. */
static int list_mvmd(UnitBus *bus, const char *method, sd_bus_message **ret, Fault *fault)
{
	sd_bus_message *message = NULL;
	int r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, method, &message, fault);

	if (r < 0)
		return r;
	(void) sd_bus_message_append(message, "asas", 0, 1, "mvmd@*.service");
	return call(bus, UNIT_LOOK, NULL, 0, message, ret, fault);
}

int unit_bus_list(UnitBus *bus, StrList *ret, Fault *fault)
{
	sd_bus_message *reply = NULL;
	StrList vms = { 0 };
	int r = list_mvmd(bus, "ListUnitsByPatterns", &reply, fault);

	if (r < 0)
		return r;
	r = read_units(reply, &vms);
	(void) sd_bus_message_unref(reply);
	if (r < 0) {
		str_list_done(&vms);
		return unit_fault_call(bus->user, UNIT_LOOK, NULL, r, NULL, fault);
	}
	*ret = vms;
	return 0;
}

void unit_files_done(UnitFiles *files)
{
	str_list_done(&files->enabled);
	str_list_done(&files->masked);
	*files = (UnitFiles){ 0 };
}

/* The reply's a(ss): paths and states. Of instances there are only files where somebody made them: masks, mostly. */
static int read_unit_files(sd_bus_message *reply, UnitFiles *ret)
{
	const char *path, *state;
	int r = sd_bus_message_enter_container(reply, 'a', "(ss)");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(reply, "(ss)", &path, &state)) > 0) {
		const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

		if (streq(name, "mvmd@.service"))
			ret->installed = true;
		else if (strncmp(state, "masked", strlen("masked")) == 0)
			add_vm_of_unit(name, &ret->masked);
	}
	return ret->masked.failed ? -ENOMEM : r;
}

static int list_unit_files(UnitBus *bus, UnitFiles *ret, Fault *fault)
{
	sd_bus_message *reply = NULL;
	int r = list_mvmd(bus, "ListUnitFilesByPatterns", &reply, fault);

	if (r < 0)
		return r;
	r = read_unit_files(reply, ret);
	(void) sd_bus_message_unref(reply);
	return r < 0 ? unit_fault_call(bus->user, UNIT_LOOK, NULL, r, NULL, fault) : 0;
}

/* Also of a target that is not loaded: the look loads it. */
static int list_wanted(UnitBus *bus, StrList *ret, Fault *fault)
{
	_cleanup_free_ char *path = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char **units = NULL;
	int r = sd_bus_path_encode(SYSTEMD_UNITS, bus->user ? UNIT_USERS_TARGET : UNIT_TARGET,
				   &path);

	if (r >= 0)
		r = sd_bus_get_property_strv(bus->bus, SYSTEMD_NAME, path, SYSTEMD_UNIT, "Wants",
					     &error, &units);
	for (char **unit = units; unit && *unit; unit++) {
		add_vm_of_unit(*unit, ret);
		free(*unit);
	}
	free(units);
	if (r < 0 || ret->failed)
		r = unit_fault_call(bus->user, UNIT_LOOK, NULL, r < 0 ? r : -ENOMEM, &error, fault);
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

int unit_bus_files(UnitBus *bus, UnitFiles *ret, Fault *fault)
{
	UnitFiles files = { 0 };
	int r = list_unit_files(bus, &files, fault);

	if (r == 0)
		r = list_wanted(bus, &files.enabled, fault);
	if (r < 0) {
		unit_files_done(&files);
		return r;
	}
	*ret = files;
	return 0;
}

static int get_text(UnitBus *bus, const char *vm, const char *interface, const char *property,
		    char **ret, Fault *fault)
{
	_cleanup_free_ char *path = unit_path(vm);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	if (!path)
		return fault_oom(fault);
	r = sd_bus_get_property_string(bus->bus, SYSTEMD_NAME, path, interface, property, &error,
				       ret);
	if (r < 0)
		(void) unit_fault_call(bus->user, UNIT_LOOK, vm, r, &error, fault);
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

int unit_bus_active(UnitBus *bus, const char *vm, char **ret, Fault *fault)
{
	return get_text(bus, vm, SYSTEMD_UNIT, "ActiveState", ret, fault);
}

int unit_bus_status(UnitBus *bus, const char *vm, char **ret, Fault *fault)
{
	return get_text(bus, vm, SYSTEMD_SERVICE, "StatusText", ret, fault);
}

static int read_all(UnitBus *bus, const char *vm, const char *path, const char *interface,
		    UnitState *state, Fault *fault)
{
	sd_bus_message *message = NULL, *reply = NULL;
	int r = new_call(bus, path, DBUS_PROPERTIES, "GetAll", &message, fault);

	if (r < 0)
		return r;
	(void) sd_bus_message_append(message, "s", interface);
	r = call(bus, UNIT_LOOK, vm, 0, message, &reply, fault);
	if (r < 0)
		return r;
	r = unit_state_read(reply, state);
	(void) sd_bus_message_unref(reply);
	return r < 0 ? unit_fault_call(bus->user, UNIT_LOOK, vm, r, NULL, fault) : 0;
}

int unit_bus_state(UnitBus *bus, const char *vm, UnitState *ret, Fault *fault)
{
	_cleanup_free_ char *path = unit_path(vm);
	UnitState state = { 0 };
	int r = path ? 0 : fault_oom(fault);

	if (r == 0)
		r = read_all(bus, vm, path, SYSTEMD_UNIT, &state, fault);
	if (r == 0)
		r = read_all(bus, vm, path, SYSTEMD_SERVICE, &state, fault);
	if (r < 0) {
		unit_state_done(&state);
		return r;
	}
	*ret = state;
	return 0;
}

int unit_bus_file_state(UnitBus *bus, const char *unit, char **ret, Fault *fault)
{
	sd_bus_message *message = NULL, *reply = NULL;
	int r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnitFileState", &message, fault);

	if (r < 0)
		return r;
	(void) sd_bus_message_append(message, "s", unit);
	r = call(bus, UNIT_LOOK, NULL, 0, message, &reply, fault);
	if (r < 0)
		return r;
	return take_text(bus, reply, "s", UNIT_LOOK, NULL, ret, fault);
}

/* --- other calls */

int unit_bus_reset_failed(UnitBus *bus, const char *vm, Fault *fault)
{
	_cleanup_free_ char *name = unit_name(vm);
	sd_bus_message *message = NULL;
	int r = name ? 0 : fault_oom(fault);

	if (r == 0)
		r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "ResetFailedUnit", &message,
			     fault);
	if (r < 0)
		return r;
	(void) sd_bus_message_append(message, "s", name);
	return call(bus, UNIT_START, vm, CALL_TIMEOUT_USEC, message, NULL, fault);
}

int unit_bus_kill(UnitBus *bus, const char *vm, int signal, Fault *fault)
{
	_cleanup_free_ char *name = unit_name(vm);
	sd_bus_message *message = NULL;
	int r = name ? 0 : fault_oom(fault);

	if (r == 0)
		r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "KillUnit", &message, fault);
	if (r < 0)
		return r;
	(void) sd_bus_message_append(message, "ssi", name, "main", signal);
	return call(bus, UNIT_START, vm, CALL_TIMEOUT_USEC, message, NULL, fault);
}

/* The reply of EnableUnitFiles() and DisableUnitFiles(): "symlink", LINK, TARGET or "unlink", LINK, "". */
static int read_changes(sd_bus_message *reply, StrList *ret)
{
	const char *type, *link, *target;
	int r = sd_bus_message_enter_container(reply, 'a', "(sss)");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(reply, "(sss)", &type, &link, &target)) > 0)
		str_list_add(ret, "%s %s", type, link);
	return ret->failed ? -ENOMEM : r;
}

static int append_units(sd_bus_message *message, const StrList *vms)
{
	int r = sd_bus_message_open_container(message, 'a', "s");

	for (size_t i = 0; r >= 0 && i < vms->n; i++) {
		_cleanup_free_ char *name = unit_name(vms->items[i]);

		r = name ? sd_bus_message_append(message, "s", name) : -ENOMEM;
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

int unit_bus_enable(UnitBus *bus, UnitVerb verb, const StrList *vms, StrList *ret_changes,
		    Fault *fault)
{
	const char *vm = vms->n == 1 ? vms->items[0] : NULL;
	sd_bus_message *message = NULL, *reply = NULL;
	int has_install_section;
	int r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, methods[verb], &message, fault);

	if (r < 0)
		return r;
	(void) append_units(message, vms);
	(void) sd_bus_message_append(message, "b", false); /* runtime only */
	if (verb == UNIT_ENABLE)
		(void) sd_bus_message_append(message, "b", false); /* by force */
	r = call(bus, verb, vm, CALL_TIMEOUT_USEC, message, &reply, fault);
	if (r < 0)
		return r;
	if (verb == UNIT_ENABLE)
		r = sd_bus_message_read(reply, "b", &has_install_section);
	if (r >= 0)
		r = read_changes(reply, ret_changes);
	(void) sd_bus_message_unref(reply);
	return r < 0 ? unit_fault_call(bus->user, verb, vm, r, NULL, fault) : 0;
}

int unit_bus_reload(UnitBus *bus, Fault *fault)
{
	sd_bus_message *message = NULL;
	int r = new_call(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "Reload", &message, fault);

	return r < 0 ? r :
		       call(bus, UNIT_READ_FILES, NULL, RELOAD_TIMEOUT_USEC, message, NULL, fault);
}
