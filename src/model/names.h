/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

/*
 * Names and addresses that follow from VM and device, the same on every start and every host.
 * With H = FNV-1a 64 of "NAME/ID". Test vectors: mvmd.vm(5), tests/unit/test-names.c.
 */

/* net/if.h: IFNAMSIZ is 16 with the NUL. */
#define TAP_NAME_MAX 15
#define MAC_BYTES    6
/* net/bridge/br_private.h: BR_MAX_PORTS is 1024, and port 0 is never given away. */
#define BRIDGE_PORTS_MAX 1023

#define MAC_TEXT_MAX 18

typedef struct MacAddress {
	uint8_t bytes[MAC_BYTES];
} MacAddress;

/*
 * "vm-NAME-ID" where that fits, else "vm-" and 12 characters of H in base32 (RFC 4648, lower case, the
 * 60 high bits of H from the top). Returns true where the long name did not fit.
 */
bool tap_name_derive(char ret[TAP_NAME_MAX + 1], const char *vm, const char *id);

/* "mvmd:NAME/ID", by which mvmd knows its taps. A new string; NULL: no memory. */
char *tap_alias_make(const char *vm, const char *id);

/* True where it is such a one: *ret_vm is a new string, or NULL for no memory. */
bool tap_alias_read(const char *alias, char **ret_vm);

/* The guest's address: 02 and the low 40 bits of H, high byte first. */
MacAddress mac_derive(const char *vm, const char *id);

/* The tap's own: the guest's with the first octet fe, so that no bridge takes it for its own. */
MacAddress mac_of_tap(MacAddress guest);

/* "aa:bb:cc:dd:ee:ff"; false where it is none, a group address or all zeros. */
bool mac_parse(const char *text, MacAddress *ret);
const char *mac_format(char buffer[MAC_TEXT_MAX], MacAddress mac);

/* The guest's CID for AF_VSOCK: 3 + H modulo (2^32 - 4), with H of "NAME/vsock". */
uint32_t cid_derive(const char *vm);

/* The port of the host on which a guest says that it is ready, where each VM has a vsock of its own. */
#define NOTIFY_PORT 8888

/*
 * The same where all VMs share the host's: the CID with its highest bit turned, so that no two of them have one. Where
 * that were a port below 1024 or VMADDR_PORT_ANY, NOTIFY_PORT.
 */
uint32_t notify_port_of_cid(uint32_t cid);

/* A name that the kernel takes for a link as it is written (net/core/dev.c:dev_valid_name), no '%'. */
bool link_name_is_valid(const char *name);
