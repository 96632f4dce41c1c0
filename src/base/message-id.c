/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/message-id.h"
#include "base/util.h"
#include "mvmd/journal.h"

/* Ids are literals of a few words. */
#define HASHED_MAX 160

/* RFC 9562, 4.1 and 4.2: version 8 is "custom", the variant's two bits are 10. */
#define VERSION_MASK UINT64_C(0x000000000000f000)
#define VERSION_8    UINT64_C(0x0000000000008000)
#define VARIANT_MASK UINT64_C(0xc000000000000000)
#define VARIANT_RFC  UINT64_C(0x8000000000000000)

static uint64_t hash_of(const char *before, const char *behind)
{
	char text[HASHED_MAX];

	(void) snprintf(text, sizeof(text), "%s/%s", before, behind);
	return fnv1a64(text);
}

const char *message_id_of_finding(char buffer[MESSAGE_ID_MAX], const char *id)
{
	uint64_t high = hash_of(MVMD_MESSAGE_NAMESPACE, id);
	uint64_t low = hash_of(id, MVMD_MESSAGE_NAMESPACE);

	high = (high & ~VERSION_MASK) | VERSION_8;
	low = (low & ~VARIANT_MASK) | VARIANT_RFC;
	(void) snprintf(buffer, MESSAGE_ID_MAX, "%016" PRIx64 "%016" PRIx64, high, low);
	return buffer;
}
