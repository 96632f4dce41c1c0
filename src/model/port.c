/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/port.h"

const char *port_flag_to_string(PortFlag flag)
{
	static const char *const words[_PORT_FLAG_MAX] = {
		[PORT_FLAG_ISOLATED] = "isolated",	 [PORT_FLAG_LOCKED] = "locked",
		[PORT_FLAG_LEARNING] = "learning",	 [PORT_FLAG_HAIRPIN] = "hairpin",
		[PORT_FLAG_BCAST_FLOOD] = "bcast_flood",
	};

	return words[flag];
}

PlanPort port_of(const SpecInterface *interface)
{
	bool locked = interface->locked == TRISTATE_TRUE;

	return (PlanPort){
		.flags = {
			[PORT_FLAG_ISOLATED] = interface->isolated,
			[PORT_FLAG_LOCKED] = interface->locked,
			[PORT_FLAG_LEARNING] = locked ? TRISTATE_FALSE : interface->learning,
			[PORT_FLAG_HAIRPIN] = interface->hairpin,
			[PORT_FLAG_BCAST_FLOOD] = interface->bcast_flood,
		},
		.vlan = interface->has_vlan ? &interface->vlan : NULL,
	};
}

bool port_is_locked(const PlanPort *port)
{
	return port->flags[PORT_FLAG_LOCKED] == TRISTATE_TRUE;
}

bool port_has_flags(const PlanPort *port)
{
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++)
		if (port->flags[flag] != TRISTATE_UNSET)
			return true;
	return false;
}

static void add_vlans(const SpecVlan *vlan, StrBuf *buf)
{
	if (vlan->pvid > 0)
		str_buf_add(buf, ", VLAN %" PRIu64 " untagged", vlan->pvid);
	for (size_t i = 0; i < vlan->n_tagged; i++) {
		NumberRange range = vlan->tagged[i].vlan;

		str_buf_add(buf, i > 0 ? " %" PRIu64 : ", VLANs tagged %" PRIu64, range.first);
		if (range.last > range.first)
			str_buf_add(buf, "-%" PRIu64, range.last);
	}
}

void port_add_words(const PlanPort *port, StrBuf *buf)
{
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++)
		if (port->flags[flag] != TRISTATE_UNSET)
			str_buf_add(buf, ", %s%s", port->flags[flag] == TRISTATE_TRUE ? "" : "not ",
				    port_flag_to_string(flag));
	if (port->vlan)
		add_vlans(port->vlan, buf);
}

static json_t *vlan_to_json(const SpecVlan *vlan)
{
	json_t *tagged = json_array();

	for (size_t i = 0; i < vlan->n_tagged; i++)
		(void) json_array_append_new(
			tagged,
			json_pack("{s:I, s:I}", "first", (json_int_t) vlan->tagged[i].vlan.first,
				  "last", (json_int_t) vlan->tagged[i].vlan.last));
	return json_pack("{s:o, s:o}", "pvid",
			 vlan->pvid ? json_integer((json_int_t) vlan->pvid) : json_null(), "tagged",
			 tagged);
}

json_t *port_to_json(const PlanPort *port)
{
	json_t *json;

	if (!port_has_flags(port) && !port->vlan)
		return json_null();
	json = json_object();
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++) {
		Tristate value = port->flags[flag];

		(void) json_object_set_new(json, port_flag_to_string(flag),
					   value == TRISTATE_UNSET ?
						   json_null() :
						   json_boolean(value == TRISTATE_TRUE));
	}
	(void) json_object_set_new(json, "vlan",
				   port->vlan ? vlan_to_json(port->vlan) : json_null());
	return json;
}
