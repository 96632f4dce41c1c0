/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/spec.h"

/* What a tap is set to as the port of a bridge, beyond being one. */

typedef enum PortFlag {
	PORT_FLAG_ISOLATED,
	PORT_FLAG_LOCKED,
	PORT_FLAG_LEARNING,
	PORT_FLAG_HAIRPIN,
	PORT_FLAG_BCAST_FLOOD,
	_PORT_FLAG_MAX,
} PortFlag;

/* All zeros: a port as the bridge makes it. */
typedef struct PlanPort {
	Tristate flags[_PORT_FLAG_MAX]; /* unset: as the bridge has it */
	const SpecVlan *vlan; /* NULL: what the bridge gives its ports */
} PlanPort;

/* The key of the spec: "bcast_flood". */
const char *port_flag_to_string(PortFlag flag);

/* Of that interface, which must live as long. A locked port learns nothing. */
PlanPort port_of(const SpecInterface *interface);

bool port_is_locked(const PlanPort *port);
bool port_has_flags(const PlanPort *port);

/* ", isolated, VLAN 10 untagged, 20-29 tagged"; nothing where nothing is set. */
void port_add_words(const PlanPort *port, StrBuf *buf);

/* {"isolated": true, …, "vlan": {"pvid": 10, "tagged": [{"first": 20, "last": 29}]}}; null where nothing is set. */
json_t *port_to_json(const PlanPort *port);
