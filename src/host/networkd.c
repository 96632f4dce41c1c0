/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/networkd.h"
#include "model/networkd-faults.h"

#define NETWORKD_NAME	 "org.freedesktop.network1"
#define NETWORKD_PATH	 "/org/freedesktop/network1"
#define NETWORKD_MANAGER NETWORKD_NAME ".Manager"

/* What it knows of each link, by index, as lines KEY=VALUE (systemd, src/network/networkd-state-file.c). */
#define NETWORKD_LINKS "/run/systemd/netif/links"

/* It answers from memory; one that hangs is not to hold up a VM's supervisor. */
#define ANSWER_TIMEOUT_USEC (1 * USEC_PER_SEC)

/* A longer file of settings is not read. */
#define FILE_MAX_BYTES 65536

/* Where drop-ins of a .network file lie, whichever folder that one is from; later ones overrule earlier ones. */
static const char *const folders[] = {
	"/usr/lib/systemd/network",
	"/usr/local/lib/systemd/network",
	"/run/systemd/network",
	"/etc/systemd/network",
};

typedef struct NetdevQuestion {
	const char *name, *but_for;
} NetdevQuestion;

/* A new string, or NULL: it is not there, or not for us. */
static char *read_text(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = fd < 0 ? NULL : malloc(FILE_MAX_BYTES);
	ssize_t n = text ? read(fd, text, FILE_MAX_BYTES - 1) : -1;

	if (n < 0)
		return NULL;
	text[n] = '\0';
	return TAKE_PTR(text);
}

static bool has_suffix(const char *name, const char *suffix)
{
	const char *dot = strrchr(name, '.');

	return dot && streq(dot, suffix);
}

static int is_drop_in(const struct dirent *entry)
{
	return has_suffix(entry->d_name, ".conf");
}

static int is_netdev(const struct dirent *entry)
{
	return has_suffix(entry->d_name, ".netdev");
}

/* Called with the text and the name of each file; it returns true where that is enough. */
typedef bool (*TakeText)(const char *text, const char *name, void *userdata);

/* Reads the files of a folder that there may be, by their names in order. True: one of them was enough. */
static bool read_folder(const char *folder, int (*is_wanted)(const struct dirent *), TakeText take,
			void *userdata)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_wanted, alphasort);
	bool is_enough = false;

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = str_printf("%s/%s", folder, entries[i]->d_name);
		_cleanup_free_ char *text = path && !is_enough ? read_text(path) : NULL;

		is_enough = is_enough || (text && take(text, entries[i]->d_name, userdata));
		free(entries[i]);
	}
	free(entries);
	return is_enough;
}

static bool take_drop_in(const char *text, const char *name, void *userdata)
{
	(void) network_file_read(userdata, text);
	return false;
}

static bool take_netdev(const char *text, const char *name, void *userdata)
{
	const NetdevQuestion *question = userdata;

	return !streq_null(name, question->but_for) && netdev_file_is_for(text, question->name);
}

bool networkd_has_netdev(const char *device, const char *but_for)
{
	NetdevQuestion question = { device, but_for };

	for (size_t i = 0; i < ELEMENTSOF(folders); i++)
		if (read_folder(folders[i], is_netdev, take_netdev, &question))
			return true;
	return false;
}

static void read_file(NetworkdLink *link)
{
	_cleanup_free_ char *text = link->file ? read_text(link->file) : NULL;
	const char *slash = link->file ? strrchr(link->file, '/') : NULL;

	if (!text || !slash || network_file_read(&link->wants, text) < 0)
		return;
	link->file_is_read = true;
	for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
		_cleanup_free_ char *folder = str_printf("%s%s.d", folders[i], slash);

		if (folder)
			(void) read_folder(folder, is_drop_in, take_drop_in, &link->wants);
	}
	link->bridge_has_netdev =
		link->wants.bridge && networkd_has_netdev(link->wants.bridge, NULL);
}

static void read_state_file(int ifindex, NetworkdLink *link)
{
	char path[sizeof(NETWORKD_LINKS) + 16];
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	(void) snprintf(path, sizeof(path), "%s/%d", NETWORKD_LINKS, ifindex);
	text = read_text(path);
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "NETWORK_FILE=", strlen("NETWORK_FILE=")) == 0)
			(void) str_set(&link->file, line + strlen("NETWORK_FILE="));
		if (strncmp(line, "ADMIN_STATE=", strlen("ADMIN_STATE=")) == 0)
			(void) str_set(&link->setup, line + strlen("ADMIN_STATE="));
	}
	if (text)
		link->state = NETWORKD_SEES;
}

static void read_description(const char *text, const char *name, NetworkdLink *link)
{
	json_t *json = json_loads(text, 0, NULL);

	if (!streq_null(json_string_value(json_object_get(json, "Name")), name)) {
		link->state = NETWORKD_BLIND;
	} else {
		link->state = NETWORKD_SEES;
		(void) str_set(&link->file,
			       json_string_value(json_object_get(json, "NetworkFile")));
		(void) str_set(&link->setup,
			       json_string_value(json_object_get(json, "AdministrativeState")));
	}
	json_decref(json);
}

static bool nobody_has_the_name(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

/* The error is resolved's by name (systemd, src/libsystemd/sd-bus/bus-common-errors.h). */
static bool is_no_such_link(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, "org.freedesktop.resolve1.NoSuchLink") ||
	       sd_bus_error_has_name(error, NETWORKD_NAME ".NoSuchLink");
}

static int ask(sd_bus *bus, int ifindex, sd_bus_message **ret, sd_bus_error *error)
{
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(bus, &message, NETWORKD_NAME, NETWORKD_PATH,
					       NETWORKD_MANAGER, "DescribeLink");

	if (r >= 0)
		r = sd_bus_message_append(message, "i", (int32_t) ifindex);
	if (r >= 0)
		r = sd_bus_message_set_auto_start(message, 0);
	if (r >= 0)
		r = sd_bus_call(bus, message, ANSWER_TIMEOUT_USEC, error, ret);
	(void) sd_bus_message_unref(message);
	return r;
}

static void ask_bus(const char *name, int ifindex, NetworkdLink *link)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	sd_bus *bus = NULL;
	const char *text;
	int r = sd_bus_open_system(&bus);

	if (r >= 0)
		r = ask(bus, ifindex, &reply, &error);
	if (r >= 0 && sd_bus_message_read(reply, "s", &text) >= 0)
		read_description(text, name, link);
	else if (nobody_has_the_name(&error))
		link->state = NETWORKD_ABSENT;
	else if (is_no_such_link(&error))
		link->state = NETWORKD_BLIND;
	sd_bus_error_free(&error);
	(void) sd_bus_message_unref(reply);
	(void) sd_bus_flush_close_unref(bus);
}

bool networkd_is_running(void)
{
	return access(NETWORKD_LINKS "/1", F_OK) == 0; /* lo */
}

void networkd_look(const char *name, int ifindex, NetworkdLink *ret)
{
	NetworkdLink link = { 0 };

	ask_bus(name, ifindex, &link);
	if (link.state == NETWORKD_UNKNOWN)
		read_state_file(ifindex, &link);
	if (link.state == NETWORKD_UNKNOWN && access(NETWORKD_LINKS, F_OK) < 0 && errno == ENOENT)
		link.state = NETWORKD_ABSENT; /* it never ran since the boot */
	read_file(&link);
	*ret = link;
}

bool networkd_blame(const char *tap, int ifindex, const char *bridge, Fault *fault)
{
	_cleanup_(networkd_link_done) NetworkdLink link = { 0 };

	networkd_look(tap, ifindex, &link);
	return fault_blame_networkd(&link, tap, bridge, fault);
}

void networkd_explain(const Plan *plan, const PlanNic *nic, const Tap *tap, const char *bridge,
		      Fault *fault)
{
	_cleanup_(networkd_link_done) NetworkdLink link = { 0 };
	const char *name = tap_name(tap, nic);

	if (!name)
		return;
	networkd_look(name, tap->ifindex, &link);
	if (nic->attach == ATTACH_NETWORKD)
		(void) fault_networkd_undone(plan, nic, &link, fault);
	else
		(void) fault_blame_networkd(&link, name, bridge, fault);
}
