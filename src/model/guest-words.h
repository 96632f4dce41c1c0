/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * Hears on the console why a guest's Linux dies, line by line. What it hears a guest's user can write as
 * well, so it explains an end and never brings one about.
 */

typedef enum GuestDeath {
	GUEST_LIVES,
	GUEST_PANIC,
	GUEST_NO_ROOT, /* the root file system could not be mounted */
	GUEST_NO_INIT, /* it was, and has no init that starts */
	GUEST_OUT_OF_MEMORY, /* the kernel itself had none left */
	_GUEST_DEATH_MAX,
} GuestDeath;

#define GUEST_LINE_MAX 256

/* Zero-initialise; again for each life. */
typedef struct GuestWords {
	char line[GUEST_LINE_MAX]; /* the one that is being written; a longer one is cut */
	size_t n_line;
	GuestDeath death; /* the first that was heard, or the next after the guest went on */
	char text[GUEST_LINE_MAX]; /* of that, control characters replaced */
	unsigned lines_since;
} GuestWords;

/* True where these bytes end the first line that tells of a death. */
bool guest_words_hear(GuestWords *words, const char *bytes, size_t n);

/* GUEST_LIVES where nothing was heard, or where the guest has gone on talking for too long since. */
GuestDeath guest_words_death(const GuestWords *words);

/* That death in the guest's own words, "" for none. */
const char *guest_words_text(const GuestWords *words);
