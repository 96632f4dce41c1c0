/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdlib.h>

#include "host/unit-state.h"

typedef struct Property {
	const char *name;
	const char *type; /* of D-Bus */
	size_t offset; /* in UnitState */
} Property;

/* Of org.freedesktop.systemd1.Unit and of .Service, which have no name in common but for the same. */
static const Property properties[] = {
	{ "LoadState", "s", offsetof(UnitState, load) },
	{ "ActiveState", "s", offsetof(UnitState, active) },
	{ "SubState", "s", offsetof(UnitState, sub) },
	{ "Result", "s", offsetof(UnitState, result) },
	{ "StatusText", "s", offsetof(UnitState, status_text) },
	{ "ExecMainCode", "i", offsetof(UnitState, main_code) },
	{ "ExecMainStatus", "i", offsetof(UnitState, main_status) },
	{ "ExecMainStartTimestamp", "t", offsetof(UnitState, main_began_realtime_usec) },
	{ "StateChangeTimestamp", "t", offsetof(UnitState, since_realtime_usec) },
	{ "InactiveEnterTimestamp", "t", offsetof(UnitState, ended_realtime_usec) },
	{ "NeedDaemonReload", "b", offsetof(UnitState, needs_daemon_reload) },
	{ "FragmentPath", "s", offsetof(UnitState, fragment) },
	{ "DropInPaths", "as", offsetof(UnitState, drop_ins) },
};

static const Property *find_property(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(properties); i++)
		if (streq(properties[i].name, name))
			return &properties[i];
	return NULL;
}

void unit_state_done(UnitState *state)
{
	free(state->load);
	free(state->active);
	free(state->sub);
	free(state->result);
	free(state->status_text);
	free(state->fragment);
	str_list_done(&state->drop_ins);
	*state = (UnitState){ 0 };
}

/* systemd has no null: what it does not know is "". */
static int read_string(sd_bus_message *message, char **ret)
{
	const char *text = NULL;
	int r = sd_bus_message_read_basic(message, 's', &text);

	return r < 0 ? r : str_set(ret, *text ? text : NULL);
}

static int read_strings(sd_bus_message *message, StrList *ret)
{
	const char *text;
	int r = sd_bus_message_enter_container(message, 'a', "s");

	if (r < 0)
		return r;
	str_list_done(ret);
	while ((r = sd_bus_message_read_basic(message, 's', &text)) > 0)
		str_list_add(ret, "%s", text);
	if (r >= 0)
		r = sd_bus_message_exit_container(message);
	return ret->failed ? -ENOMEM : r;
}

static int read_flag(sd_bus_message *message, bool *ret)
{
	int flag = 0, r = sd_bus_message_read_basic(message, 'b', &flag);

	if (r >= 0)
		*ret = flag != 0;
	return r;
}

static int read_property(sd_bus_message *message, const Property *property, UnitState *state)
{
	void *value = (char *) state + property->offset;
	int r = sd_bus_message_enter_container(message, 'v', property->type);

	if (r < 0)
		return r;
	switch (property->type[0]) {
	case 's':
		r = read_string(message, value);
		break;
	case 'a':
		r = read_strings(message, value);
		break;
	case 'b':
		r = read_flag(message, value);
		break;
	default:
		r = sd_bus_message_read_basic(message, property->type[0], value);
		break;
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

int unit_state_read(sd_bus_message *message, UnitState *state)
{
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		const Property *property;
		const char *name;

		r = sd_bus_message_read_basic(message, 's', &name);
		if (r < 0)
			return r;
		property = find_property(name);
		r = property ? read_property(message, property, state) :
			       sd_bus_message_skip(message, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

bool unit_state_is_alive(const UnitState *state)
{
	return state->active && !streq(state->active, "inactive") &&
	       !streq(state->active, "failed");
}
