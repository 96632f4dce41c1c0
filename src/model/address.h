/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An address with the length of its network's prefix: "192.0.2.1/24", "2001:db8::1/64". */
typedef struct IpAddress {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16]; /* 4 of AF_INET */
	uint8_t prefix;
} IpAddress;

unsigned ip_address_bytes(const IpAddress *address);

/* False where the text is no such thing, prefix included, or no address that an interface can have. */
bool ip_address_parse(const char *text, IpAddress *ret);
