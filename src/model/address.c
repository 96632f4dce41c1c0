/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "base/util.h"
#include "model/address.h"

#define IPV4_BYTES 4
#define IPV6_BYTES 16

unsigned ip_address_bytes(const IpAddress *address)
{
	return address->family == AF_INET ? IPV4_BYTES : IPV6_BYTES;
}

/* None is unspecified, of a group, or in IPv4 its network's own: those stand for others than one interface. */
static bool is_of_an_interface(const IpAddress *address)
{
	static const uint8_t nothing[IPV6_BYTES] = { 0 };

	if (memcmp(address->bytes, nothing, ip_address_bytes(address)) == 0)
		return false;
	return address->family == AF_INET ? address->bytes[0] < 224 : address->bytes[0] != 0xff;
}

bool ip_address_parse(const char *text, IpAddress *ret)
{
	const char *slash = strchr(text, '/');
	IpAddress address = { 0 };
	char host[INET6_ADDRSTRLEN];
	uint64_t prefix, bits;

	if (!slash || (size_t) (slash - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t) (slash - text));
	host[slash - text] = '\0';
	address.family = strchr(host, ':') ? AF_INET6 : AF_INET;
	bits = (uint64_t) ip_address_bytes(&address) * 8;
	if (inet_pton(address.family, host, address.bytes) != 1 ||
	    parse_u64(slash + 1, bits, &prefix) < 0 || prefix == 0)
		return false;
	address.prefix = (uint8_t) prefix;
	if (!is_of_an_interface(&address))
		return false;
	*ret = address;
	return true;
}
