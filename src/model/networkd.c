/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "model/network-file.h"
#include "model/networkd.h"
void network_file_done(NetworkFile *file)
{
	free(file->bridge);
	*file = (NetworkFile){ 0 };
}

void networkd_link_done(NetworkdLink *link)
{
	network_file_done(&link->wants);
	free(link->file);
	free(link->setup);
	*link = (NetworkdLink){ 0 };
}

/* The text between the blanks around it; what is behind it is cut off. */
static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* systemd, src/basic/parse-util.c: parse_boolean() */
static bool is_true(const char *value)
{
	static const char *const words[] = { "1", "yes", "y", "true", "t", "on" };

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

/* Called for each KEY=VALUE below [section]; it returns 0, or what ends the reading. */
typedef int (*TakeSetting)(const char *key, const char *value, void *userdata);

/* What systemd.syntax(7) says, but for lines that are continued on the next one: nobody writes a name so. */
static int read_section(const char *text, const char *section, TakeSetting take, void *userdata)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line, *value;
	bool is_in = false;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		line = trim(line);
		if (*line == '[')
			is_in = streq(line, section);
		value = strchr(line, '=');
		if (!is_in || *line == '#' || *line == ';' || !value)
			continue;
		*value++ = '\0';
		r = take(trim(line), trim(value), userdata);
	}
	return r;
}

static int take_network(const char *key, const char *value, void *userdata)
{
	NetworkFile *file = userdata;

	if (streq(key, "Bridge"))
		return str_set(&file->bridge, *value ? value : NULL);
	if (streq(key, "KeepMaster"))
		file->keeps_master = is_true(value);
	return 0;
}

int network_file_read(NetworkFile *file, const char *text)
{
	return read_section(text, "[Network]", take_network, file);
}

static int take_netdev(const char *key, const char *value, void *userdata)
{
	return streq(key, "Name") && streq(value, userdata) ? 1 : 0;
}

bool netdev_file_is_for(const char *text, const char *name)
{
	_cleanup_free_ char *copy = strdup(name);

	return copy && read_section(text, "[NetDev]", take_netdev, copy) == 1;
}

/* A file that leaves the master alone, or has it where it is to be, takes no tap away. */
static bool is_innocent(const NetworkdLink *link, const char *bridge)
{
	if (link->state != NETWORKD_SEES || !link->file || streq_null(link->setup, "unmanaged"))
		return true;
	return link->file_is_read &&
	       (link->wants.keeps_master ||
		(link->bridge_has_netdev && streq_null(link->wants.bridge, bridge)));
}

static void why_off(const NetworkdLink *link, Fault *fault)
{
	const char *other = link->wants.bridge;

	if (!link->file_is_read)
		(void) fault_why(fault, "systemd-networkd manages the tap: %s matches it",
				 link->file);
	else if (!other)
		(void) fault_why(
			fault,
			"systemd-networkd did it: %s matches the tap and names no Bridge=, "
			"so that networkd takes it off the one that it is on",
			link->file);
	else if (!link->bridge_has_netdev)
		(void) fault_why(
			fault,
			"systemd-networkd did it: %s matches the tap, and networkd ignores "
			"its Bridge=%s, for which it has no .netdev file: so it takes the tap "
			"off the bridge that it is on",
			link->file, other);
	else
		(void) fault_why(fault,
				 "systemd-networkd did it: %s matches the tap, and puts it on %s",
				 link->file, other);
}

/* The drop-in is for a file of a package, or one that a program wrote: what is edited there does not last. */
static void remedy_match(const char *file, const char *tap, const char *bridge, Fault *fault)
{
	const char *name = strrchr(file, '/');

	if (strncmp(file, NETWORK_FOLDER "/", strlen(NETWORK_FOLDER "/")) == 0 || !name)
		(void) fault_remedy(
			fault,
			"add Kind=!tun to the [Match] of %s, which leaves taps out of it; "
			"then networkctl reload && ip link set %s master %s",
			file, tap, bridge);
	else
		(void) fault_remedy(fault,
				    "put the lines [Match] and Kind=!tun into " NETWORK_FOLDER
				    "%s.d/no-taps.conf; then networkctl reload && ip link set %s "
				    "master %s",
				    name, tap, bridge);
}

bool fault_blame_networkd(const NetworkdLink *link, const char *tap, const char *bridge,
			  Fault *fault)
{
	if (is_innocent(link, bridge))
		return false;
	(void) fault_evidence(fault, "network_file", "%s", link->file);
	why_off(link, fault);
	remedy_match(link->file, tap, bridge, fault);
	return true;
}
