/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "run/machined.h"

#define MACHINED_NAME	   "org.freedesktop.machine1"
#define MACHINED_PATH	   "/org/freedesktop/machine1"
#define MACHINED_MANAGER   MACHINED_NAME ".Manager"
#define MACHINED_MACHINE   MACHINED_NAME ".Machine"
#define SYSTEMD_NAME	   "org.freedesktop.systemd1"
#define SYSTEMD_PATH	   "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER	   SYSTEMD_NAME ".Manager"
#define DBUS_PROPERTIES	   "org.freedesktop.DBus.Properties"
#define ERROR_EXISTS	   MACHINED_NAME ".MachineExists"
#define ERROR_SPAWN	   "org.freedesktop.DBus.Error.Spawn."
#define OUR_SERVICE	   "mvmd"
#define CLASS_OF_A_MACHINE "vm"

#define NOT_LISTED "not in the list of machinectl"

/* machined is started by the first call where it does not run. */
#define CALL_TIMEOUT_USEC (60 * USEC_PER_SEC)

#define REGISTER_TRIES 5

struct Machined {
	sd_bus *bus;
	sd_bus_slot *call; /* under way */
	char *name;
	int32_t *interfaces;
	size_t n_interfaces;
	unsigned tries; /* to register that met an entry of its name */
	MachinedHandler handler;
	bool asked; /* to register: it is to be unregistered */
};

/* What a bus says where nobody has the name, or who should have it cannot be started. */
static bool is_absent(const sd_bus_error *error)
{
	static const char *const names[] = {
		SD_BUS_ERROR_SERVICE_UNKNOWN,
		SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		SD_BUS_ERROR_NO_REPLY,
		SD_BUS_ERROR_DISCONNECTED,
		SD_BUS_ERROR_TIMEOUT,
		"org.freedesktop.DBus.Error.TimedOut",
		"org.freedesktop.systemd1.NoSuchUnit",
		"org.freedesktop.systemd1.UnitMasked",
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (sd_bus_error_has_name(error, names[i]))
			return true;
	return strncmp(error->name, ERROR_SPAWN, strlen(ERROR_SPAWN)) == 0;
}

static void refused(const Machined *machined, const sd_bus_error *error)
{
	if (!is_absent(error))
		machined->handler.on_refused(NOT_LISTED, error->message ?: error->name,
					     machined->handler.userdata);
}

/* Takes the message, and what came of making it; the answer goes to the callback. */
static int call(Machined *machined, sd_bus_message *message, int made,
		sd_bus_message_handler_t answered)
{
	int r = made;

	machined->call = sd_bus_slot_unref(machined->call);
	if (r >= 0)
		r = sd_bus_call_async(machined->bus, &machined->call, message, answered, machined,
				      CALL_TIMEOUT_USEC);
	(void) sd_bus_message_unref(message);
	return r < 0 ? r : 0;
}

static int new_call(Machined *machined, const char *path, const char *interface, const char *method,
		    sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(machined->bus, ret, MACHINED_NAME, path, interface,
					      method);
}

static int on_register_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);

static int register_now(Machined *machined)
{
	sd_bus_message *message = NULL;
	int r = new_call(machined, MACHINED_PATH, MACHINED_MANAGER, "RegisterMachineWithNetwork",
			 &message);

	if (r >= 0)
		r = sd_bus_message_append(message, "s", machined->name);
	if (r >= 0) /* no UUID */
		r = sd_bus_message_append_array(message, 'y', NULL, 0);
	if (r >= 0)
		r = sd_bus_message_append(message, "ssus", OUR_SERVICE, CLASS_OF_A_MACHINE,
					  (uint32_t) getpid(), "");
	if (r >= 0)
		r = sd_bus_message_append_array(message, 'i', machined->interfaces,
						machined->n_interfaces *
							sizeof(*machined->interfaces));
	return call(machined, message, r, on_register_answer);
}

static int new_unregister(Machined *machined, sd_bus_message **ret)
{
	int r = new_call(machined, MACHINED_PATH, MACHINED_MANAGER, "UnregisterMachine", ret);

	return r < 0 ? r : sd_bus_message_append(*ret, "s", machined->name);
}

/* Whatever the answer: if the name is still taken the next one tells. */
static int on_unregistered(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	(void) register_now(userdata);
	return 0;
}

/*
 * Who has the name: an earlier supervisor of this VM, whose entry outlived it; ourselves, before a reload; or a
 * container that happens to be called the same.
 */
static int on_holder(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Machined *machined = userdata;
	const char *service = NULL;
	sd_bus_message *request = NULL;
	int r;

	if (sd_bus_message_is_method_error(message, NULL))
		return on_unregistered(message, userdata, error);
	if (sd_bus_message_read(message, "v", "s", &service) < 0)
		return 0;
	if (streq(service, OUR_SERVICE)) {
		r = new_unregister(machined, &request);
		(void) call(machined, request, r, on_unregistered);
		return 0;
	}
	machined->asked = false;
	machined->handler.on_refused(NOT_LISTED, "another machine has its name",
				     machined->handler.userdata);
	return 0;
}

static int on_path(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Machined *machined = userdata;
	sd_bus_message *question = NULL;
	const char *path = NULL;
	int r;

	if (sd_bus_message_is_method_error(message, NULL))
		return on_unregistered(message, userdata, error);
	r = sd_bus_message_read(message, "o", &path);
	if (r >= 0)
		r = new_call(machined, path, DBUS_PROPERTIES, "Get", &question);
	if (r >= 0)
		r = sd_bus_message_append(question, "ss", MACHINED_MACHINE, "Service");
	(void) call(machined, question, r, on_holder);
	return 0;
}

static void ask_for_holder(Machined *machined)
{
	sd_bus_message *question = NULL;
	int r = new_call(machined, MACHINED_PATH, MACHINED_MANAGER, "GetMachine", &question);

	if (r >= 0)
		r = sd_bus_message_append(question, "s", machined->name);
	(void) call(machined, question, r, on_path);
}

/* An entry that was unregistered goes when machined has nothing else to do (src/machine/machined.c: manager_gc). */
static int on_register_answer(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	Machined *machined = userdata;

	if (sd_bus_message_is_method_error(message, ERROR_EXISTS) &&
	    ++machined->tries < REGISTER_TRIES)
		ask_for_holder(machined);
	else if (sd_bus_message_is_method_error(message, NULL))
		refused(machined, sd_bus_message_get_error(message));
	return 0;
}

static char *unit_of(const char *name)
{
	return str_printf("mvmd@%s.service", name);
}

static bool is_in_its_unit(const char *name)
{
	_cleanup_free_ char *wanted = unit_of(name);
	_cleanup_free_ char *unit = NULL;

	return wanted && sd_pid_get_unit(0, &unit) >= 0 && streq(unit, wanted);
}

/* Neither waits: the bus's greeting goes through the loop, before our first call. */
static int connect_to_bus(Machined *machined, sd_event *event)
{
	int r = sd_bus_open_system(&machined->bus);

	if (r >= 0)
		r = sd_bus_attach_event(machined->bus, event, SD_EVENT_PRIORITY_IDLE);
	return r;
}

int machined_register(sd_event *event, const char *name, const int32_t *interfaces,
		      size_t n_interfaces, const MachinedHandler *handler, Machined **ret)
{
	_cleanup_(machined_free_p) Machined *machined = NULL;

	if (!is_in_its_unit(name))
		return 0;
	machined = calloc(1, sizeof(*machined));
	if (!machined)
		return -ENOMEM;
	machined->handler = *handler;
	machined->name = strdup(name);
	machined->interfaces = calloc(n_interfaces + 1, sizeof(*interfaces));
	if (!machined->name || !machined->interfaces)
		return -ENOMEM;
	if (n_interfaces > 0)
		memcpy(machined->interfaces, interfaces, n_interfaces * sizeof(*interfaces));
	machined->n_interfaces = n_interfaces;
	if (connect_to_bus(machined, event) < 0 || register_now(machined) < 0)
		return 0;
	machined->asked = true;
	*ret = TAKE_PTR(machined);
	return 0;
}

void machined_unregister(Machined *machined)
{
	sd_bus_message *request = NULL;
	int r;

	/* It leaves at once; a bus that is not ready yet knows nothing of us. */
	if (!machined || !machined->asked || sd_bus_is_ready(machined->bus) <= 0)
		return;
	r = new_unregister(machined, &request);
	if (r >= 0)
		(void) sd_bus_send(machined->bus, request, NULL);
	(void) sd_bus_message_unref(request);
}

static int on_restarted(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const Machined *machined = userdata;
	const sd_bus_error *refusal = sd_bus_message_get_error(message);

	if (refusal)
		machined->handler.on_refused("systemd does not restart the unit",
					     refusal->message ?: refusal->name,
					     machined->handler.userdata);
	return 0;
}

bool machined_restart(Machined *machined)
{
	_cleanup_free_ char *unit = NULL;

	if (!machined || sd_bus_is_ready(machined->bus) <= 0)
		return false;
	unit = unit_of(machined->name);
	machined->call = sd_bus_slot_unref(machined->call);
	return unit && sd_bus_call_method_async(machined->bus, &machined->call, SYSTEMD_NAME,
						SYSTEMD_PATH, SYSTEMD_MANAGER, "RestartUnit",
						on_restarted, machined, "ss", unit, "replace") >= 0;
}

Machined *machined_free(Machined *machined)
{
	if (!machined)
		return NULL;
	(void) sd_bus_slot_unref(machined->call);
	(void) sd_bus_close_unref(machined->bus);
	free(machined->interfaces);
	free(machined->name);
	free(machined);
	return NULL;
}
