/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * Strings in the guest's SMBIOS tables (type 11, "OEM strings"), out of which its systemd takes its system credentials:
 * systemd(1), "io.systemd.credential:NAME=VALUE" and "io.systemd.credential.binary:NAME=BASE64". They hold
 * secrets: whoever makes one wipes it.
 */

/*
 * All of them together, each with its NUL. cloud-hypervisor writes the tables at 0xf0000 and looks at no bound
 * (arch/src/x86_64/smbios.rs of v53), so that more than 64 KiB would lie over the guest's memory from 1 MiB on; QEMU
 * refuses more than 64 KiB (hw/smbios/smbios.c). The rest is for the other tables.
 */
#define SMBIOS_STRINGS_MAX_BYTES (60 * KIB)

/*
 * The string of a credential. A value that is printable ASCII is passed as it is, every other as base64: so the
 * string is printable ASCII. 0 or -ENOMEM.
 */
int smbios_credential(const char *name, const void *value, size_t length, char **ret);

/* What the string takes of SMBIOS_STRINGS_MAX_BYTES, and in a list of JSON strings, with quotes and comma. */
size_t smbios_string_bytes(const char *string);
size_t smbios_string_json_bytes(const char *string);

/* The strings of one VM. Zero-initialise. */
typedef struct SmbiosStrings {
	char **items;
	size_t n;
} SmbiosStrings;

/* Takes ownership of the string, also on failure. 0 or -ENOMEM. */
int smbios_strings_take(SmbiosStrings *strings, char *string);

/* As a list of JSON strings, "[…]": to be wiped, too. 0 or -ENOMEM. */
int smbios_strings_to_json(const SmbiosStrings *strings, char **ret);

/* Wipes and frees them. NULL: nothing. */
void smbios_strings_done(SmbiosStrings *strings);
