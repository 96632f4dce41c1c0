/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "host/systemd-bus.h"
#include "host/unit-bus.h"
#include "host/unit-job.h"

#define SYSTEMD_NAME	"org.freedesktop.systemd1"
#define SYSTEMD_UNIT	SYSTEMD_NAME ".Unit"
#define SYSTEMD_JOB	SYSTEMD_NAME ".Job"
#define SYSTEMD_UNITS	"/org/freedesktop/systemd1/unit"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"

/* PID 1 answers in less than a millisecond, but not while it reads all units anew. */
#define ANSWER_TIMEOUT_USEC (3 * USEC_PER_SEC)

typedef struct Asking {
	sd_bus *bus;
	bool direct;
} Asking;

/* A property's variant, of that type, to be read from *ret. 0 or -errno. */
static int get_property(const Asking *asking, const char *path, const char *interface,
			const char *name, const char *type, sd_bus_message **ret)
{
	sd_bus_message *question = NULL;
	int r = sd_bus_message_new_method_call(asking->bus, &question,
					       asking->direct ? NULL : SYSTEMD_NAME, path,
					       DBUS_PROPERTIES, "Get");

	if (r >= 0)
		r = sd_bus_message_append(question, "ss", interface, name);
	if (r >= 0)
		r = sd_bus_call(asking->bus, question, ANSWER_TIMEOUT_USEC, NULL, ret);
	(void) sd_bus_message_unref(question);
	if (r >= 0)
		r = sd_bus_message_enter_container(*ret, 'v', type);
	return r < 0 ? r : 0;
}

/* While it stops a unit for a restart the job is one still; then it becomes a start (systemd, src/core/job.c). */
static bool job_is_restart(const Asking *asking, const char *path)
{
	sd_bus_message *answer = NULL;
	const char *type = NULL;
	bool is_restart = get_property(asking, path, SYSTEMD_JOB, "JobType", "s", &answer) == 0 &&
			  sd_bus_message_read(answer, "s", &type) > 0 && streq(type, "restart");

	(void) sd_bus_message_unref(answer);
	return is_restart;
}

static bool has_restart(const Asking *asking, const char *unit)
{
	sd_bus_message *answer = NULL;
	const char *path = NULL;
	uint32_t id = 0;
	bool is_restart = get_property(asking, unit, SYSTEMD_UNIT, "Job", "(uo)", &answer) == 0 &&
			  sd_bus_message_read(answer, "(uo)", &id, &path) > 0 && id > 0 &&
			  job_is_restart(asking, path);

	(void) sd_bus_message_unref(answer);
	return is_restart;
}

bool unit_is_restarting(const char *vm)
{
	_cleanup_free_ char *name = unit_name(vm);
	_cleanup_free_ char *path = NULL;
	Asking asking = { 0 };
	bool is_restart;

	if (!name || sd_booted() <= 0 || sd_bus_path_encode(SYSTEMD_UNITS, name, &path) < 0 ||
	    systemd_bus_open(false, &asking.bus, &asking.direct) < 0)
		return false;
	is_restart = has_restart(&asking, path);
	(void) sd_bus_close_unref(asking.bus);
	return is_restart;
}
