/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "model/names.h"
#include "model/spec.h"

#define ALIAS_PREFIX "mvmd:"

#define HASH_CHARACTERS	 12
#define PRIVILEGED_PORTS 1024 /* net/vmw_vsock/af_vsock.c: LAST_RESERVED_PORT is 1023 */
#define HASH_TOP_SHIFT	 59 /* the topmost five bits of 64 */

_Static_assert(3 + HASH_CHARACTERS == TAP_NAME_MAX, "\"vm-\" and the hash fill a link's name");

/* H of "NAME/ID". Names and ids are bounded by the spec; longer ones are hashed as far as they go. */
static uint64_t device_hash(const char *vm, const char *id)
{
	char text[VM_NAME_MAX + 1 + SPEC_ID_MAX + 1];

	(void) snprintf(text, sizeof(text), "%s/%s", vm, id);
	return fnv1a64(text);
}

bool tap_name_derive(char ret[TAP_NAME_MAX + 1], const char *vm, const char *id)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 §6 */
	uint64_t hash;
	int length;

	length = snprintf(ret, TAP_NAME_MAX + 1, "vm-%s-%s", vm, id);
	if (length >= 0 && length <= TAP_NAME_MAX)
		return false;

	hash = device_hash(vm, id);
	memcpy(ret, "vm-", 3);
	for (size_t i = 0; i < HASH_CHARACTERS; i++) {
		ret[3 + i] = alphabet[hash >> HASH_TOP_SHIFT];
		hash <<= 5;
	}
	ret[TAP_NAME_MAX] = '\0';
	return true;
}

char *tap_alias_make(const char *vm, const char *id)
{
	return str_printf(ALIAS_PREFIX "%s/%s", vm, id);
}

bool tap_alias_read(const char *alias, char **ret_vm)
{
	const char *name = alias + strlen(ALIAS_PREFIX), *slash;

	if (strncmp(alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) != 0)
		return false;
	slash = strchr(name, '/');
	if (!slash || slash == name || !slash[1])
		return false;
	*ret_vm = strndup(name, (size_t) (slash - name));
	return true;
}

MacAddress mac_derive(const char *vm, const char *id)
{
	uint64_t hash = device_hash(vm, id);
	MacAddress mac = { { 0x02 } }; /* locally administered, unicast */

	for (size_t i = MAC_BYTES - 1; i > 0; i--) {
		mac.bytes[i] = (uint8_t) (hash & 0xff);
		hash >>= 8;
	}
	return mac;
}

MacAddress mac_of_tap(MacAddress guest)
{
	guest.bytes[0] = 0xfe;
	return guest;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

bool mac_parse(const char *text, MacAddress *ret)
{
	MacAddress mac = { 0 };
	uint8_t any = 0;

	if (strlen(text) != MAC_TEXT_MAX - 1)
		return false;
	for (size_t i = 0; i < MAC_BYTES; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i + 1 < MAC_BYTES && text[3 * i + 2] != ':'))
			return false;
		mac.bytes[i] = (uint8_t) (high * 16 + low);
		any |= mac.bytes[i];
	}

	/* The low bit of the first octet marks a group address, IEEE 802 §8.2. */
	if (any == 0 || (mac.bytes[0] & 1) != 0)
		return false;
	*ret = mac;
	return true;
}

const char *mac_format(char buffer[MAC_TEXT_MAX], MacAddress mac)
{
	const uint8_t *b = mac.bytes;

	(void) snprintf(buffer, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
			b[3], b[4], b[5]);
	return buffer;
}

uint32_t cid_derive(const char *vm)
{
	return (uint32_t) (3 + device_hash(vm, "vsock") % (UINT64_C(0x100000000) - 4));
}

uint32_t notify_port_of_cid(uint32_t cid)
{
	uint32_t port = cid ^ UINT32_C(0x80000000);

	return port < PRIVILEGED_PORTS || port == UINT32_MAX ? NOTIFY_PORT : port;
}

/* The kernel's isspace(), lib/ctype.c: Latin-1's no-break space is one. */
static bool is_kernel_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

bool link_name_is_valid(const char *name)
{
	size_t length = strnlen(name, TAP_NAME_MAX + 1);

	if (length == 0 || length > TAP_NAME_MAX || streq(name, ".") || streq(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || *c == '%' || is_kernel_space((unsigned char) *c))
			return false;
	return true;
}
