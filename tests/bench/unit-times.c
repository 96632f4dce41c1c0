/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long systemd takes, in nanoseconds, on stdout:
 *
 *	unit-times start UNIT...	from the first StartUnit to the end of the last job, all queued at once
 *	unit-times killed UNIT		from SIGKILL to the main process to the next one's READY=1
 *	unit-times run COMMAND...	a program from its start to its end
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "stamp.h"

#define MANAGER	      "org.freedesktop.systemd1"
#define MANAGER_PATH  "/org/freedesktop/systemd1"
#define MANAGER_IFACE "org.freedesktop.systemd1.Manager"
#define UNIT_IFACE    "org.freedesktop.systemd1.Unit"
#define SERVICE_IFACE "org.freedesktop.systemd1.Service"

static sd_bus *bus;
static char **starting; /* the units, up to NULL */
static int jobs_left;

static void die(const char *what, int r)
{
	(void) fprintf(stderr, "unit-times: %s: %s\n", what, strerror(-r));
	exit(EXIT_FAILURE);
}

static void check(const char *what, int r)
{
	if (r < 0)
		die(what, r);
}

static void print_since(unsigned long long began_nsec)
{
	(void) printf("%llu\n", monotonic_nsec() - began_nsec);
}

static void connect_bus(void)
{
	check("bus", sd_bus_open_system(&bus));
	check("Subscribe", sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_IFACE,
					      "Subscribe", NULL, NULL, NULL));
}

static void turn(void)
{
	int r = sd_bus_process(bus, NULL);

	if (r == 0)
		r = sd_bus_wait(bus, UINT64_MAX);
	check("bus", r);
}

static bool is_starting(const char *unit)
{
	for (char **each = starting; *each; each++)
		if (strcmp(*each, unit) == 0)
			return true;
	return false;
}

/* Jobs of other units end meanwhile, too: of what was stopped just before. */
static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *unit, *result;

	check("JobRemoved", sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result));
	if (!is_starting(unit))
		return 0;
	if (strcmp(result, "done") != 0) {
		(void) fprintf(stderr, "unit-times: %s: %s\n", unit, result);
		exit(EXIT_FAILURE);
	}
	jobs_left--;
	return 0;
}

static void start_units(char **units)
{
	unsigned long long began;

	starting = units;
	connect_bus();
	check("match", sd_bus_match_signal(bus, NULL, MANAGER, MANAGER_PATH, MANAGER_IFACE,
					   "JobRemoved", on_job_removed, NULL));
	began = monotonic_nsec();
	for (char **unit = units; *unit; unit++) {
		jobs_left++;
		check(*unit,
		      sd_bus_call_method_async(bus, NULL, MANAGER, MANAGER_PATH, MANAGER_IFACE,
					       "StartUnit", NULL, NULL, "ss", *unit, "replace"));
	}
	while (jobs_left > 0)
		turn();
	print_since(began);
}

static uint32_t main_pid(const char *path)
{
	uint32_t pid;

	check("MainPID", sd_bus_get_property_trivial(bus, MANAGER, path, SERVICE_IFACE, "MainPID",
						     NULL, 'u', &pid));
	return pid;
}

static int is_active(const char *path)
{
	char *state = NULL;
	int active;

	check("ActiveState", sd_bus_get_property_string(bus, MANAGER, path, UNIT_IFACE,
							"ActiveState", NULL, &state));
	active = strcmp(state, "active") == 0;
	free(state);
	return active;
}

static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	return 0;
}

static void time_killed(const char *unit)
{
	sd_bus_message *reply = NULL;
	unsigned long long began;
	const char *path;
	uint32_t pid;

	connect_bus();
	check(unit, sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER_IFACE, "LoadUnit", NULL,
				       &reply, "s", unit));
	check(unit, sd_bus_message_read(reply, "o", &path));
	check("match",
	      sd_bus_match_signal(bus, NULL, MANAGER, path, "org.freedesktop.DBus.Properties",
				  "PropertiesChanged", on_change, NULL));
	pid = main_pid(path);
	began = monotonic_nsec();
	check("kill", kill((pid_t) pid, SIGKILL) < 0 ? -errno : 0);
	while (!(is_active(path) && main_pid(path) != pid && main_pid(path) != 0))
		turn();
	print_since(began);
	(void) sd_bus_message_unref(reply);
}

static void time_command(char **argv)
{
	unsigned long long began = monotonic_nsec();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void) execvp(argv[0], argv);
		_exit(EXIT_FAILURE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		die(argv[0], -ECHILD);
	print_since(began);
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "start") == 0)
		start_units(argv + 2);
	else if (argc == 3 && strcmp(argv[1], "killed") == 0)
		time_killed(argv[2]);
	else if (argc > 2 && strcmp(argv[1], "run") == 0)
		time_command(argv + 2);
	else
		die("usage", -EINVAL);
	(void) sd_bus_flush_close_unref(bus);
	return EXIT_SUCCESS;
}
