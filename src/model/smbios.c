/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "model/smbios.h"

#define PLAIN_PREFIX  "io.systemd.credential:"
#define BINARY_PREFIX "io.systemd.credential.binary:"

static bool is_plain(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (value[i] < ' ' || value[i] > '~')
			return false;
	return true;
}

static size_t base64_length(size_t length)
{
	return (length + 2) / 3 * 4;
}

/* RFC 4648, with padding; the NUL is the caller's. */
static void base64_encode(const unsigned char *value, size_t length, char *to)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t bits = (uint32_t) value[i] << 16;

		if (left > 1)
			bits |= (uint32_t) value[i + 1] << 8;
		if (left > 2)
			bits |= value[i + 2];
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = '=';
		*to++ = '=';
		if (left > 1)
			to[-2] = digits[bits >> 6 & 63];
		if (left > 2)
			to[-1] = digits[bits & 63];
	}
}

int smbios_credential(const char *name, const void *value, size_t length, char **ret)
{
	bool plain = is_plain(value, length);
	const char *prefix = plain ? PLAIN_PREFIX : BINARY_PREFIX;
	size_t bytes = plain ? length : base64_length(length);
	size_t head = strlen(prefix) + strlen(name) + 1;
	char *string = malloc(head + bytes + 1);

	if (!string)
		return -ENOMEM;
	(void) stpcpy(stpcpy(stpcpy(string, prefix), name), "=");
	if (plain)
		memcpy(string + head, value, length);
	else
		base64_encode(value, length, string + head);
	string[head + bytes] = '\0';
	*ret = string;
	return 0;
}

size_t smbios_string_bytes(const char *string)
{
	return strlen(string) + 1;
}

static bool needs_backslash(char c)
{
	return c == '"' || c == '\\';
}

size_t smbios_string_json_bytes(const char *string)
{
	size_t bytes = strlen("\"\",");

	for (const char *c = string; *c; c++)
		bytes += needs_backslash(*c) ? 2 : 1;
	return bytes;
}

int smbios_strings_take(SmbiosStrings *strings, char *string)
{
	if (array_grow(&strings->items, strings->n, sizeof(*strings->items)) < 0) {
		secret_free(string);
		return -ENOMEM;
	}
	strings->items[strings->n++] = string;
	return 0;
}

/* All of it is printable ASCII: only two characters need care. */
static char *add_json_string(char *to, const char *string)
{
	*to++ = '"';
	for (const char *c = string; *c; c++) {
		if (needs_backslash(*c))
			*to++ = '\\';
		*to++ = *c;
	}
	*to++ = '"';
	return to;
}

/* Into memory that need not grow: what realloc(3) moves away from is not wiped. */
int smbios_strings_to_json(const SmbiosStrings *strings, char **ret)
{
	size_t bytes = sizeof("[]");
	char *text, *to;

	for (size_t i = 0; i < strings->n; i++)
		bytes += smbios_string_json_bytes(strings->items[i]);
	text = malloc(bytes);
	if (!text)
		return -ENOMEM;
	to = text;
	*to++ = '[';
	for (size_t i = 0; i < strings->n; i++) {
		if (i > 0)
			*to++ = ',';
		to = add_json_string(to, strings->items[i]);
	}
	*to++ = ']';
	*to = '\0';
	*ret = text;
	return 0;
}

void smbios_strings_done(SmbiosStrings *strings)
{
	if (!strings)
		return;
	for (size_t i = 0; i < strings->n; i++)
		secret_free(strings->items[i]);
	free(strings->items);
	*strings = (SmbiosStrings){ 0 };
}
