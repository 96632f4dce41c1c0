/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/names.h"
#include "model/spec.h"

/* What can be wrong with a tap of a VM that runs, in words. All return fault->error, which is not 0. */
int fault_tap_gone(const char *tap, const char *bridge, Fault *fault);

/* master: the link that the tap is on instead; "": none. */
int fault_bridge_gone(const char *tap, const char *bridge, const char *master, Fault *fault);
int fault_tap_off_bridge(const char *tap, const char *bridge, const char *master, Fault *fault);
int fault_tap_down(const char *tap, const char *bridge, Fault *fault);

/* That bridged frames of these kinds go through the host's packet filter; no error. */
int fault_bridge_netfilter(bool ipv4, bool ipv6, Fault *fault);

/* key: what asks for it, "vlan" or "vlan_filtering". */
int fault_vlan_unsupported(const char *key, const char *bridge, Fault *fault);

/* filtering: of the bridge; unset where the kernel's bridges cannot. */
int fault_vlan_filtering(const char *bridge, Tristate filtering, Fault *fault);

/* state: of the tap as the bridge's port, in the kernel's word: "listening". */
int fault_port_not_forwarding(const char *tap, const char *bridge, const char *state, Fault *fault);

/* Another VM has that address on the same bridge; or somebody was seen to, behind the port. */
int fault_mac_of_vm(const char *vm, const char *id, const char *other, MacAddress mac,
		    const char *port, const char *bridge, Fault *fault);
int fault_mac_seen(const char *id, MacAddress mac, const char *port, const char *bridge,
		   Fault *fault);
