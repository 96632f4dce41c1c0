/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lives.h"

void lives_begin(Lives *lives, uint64_t now_usec)
{
	lives->n++;
	lives->began_usec = now_usec;
}

/*
 * A pty hands bytes on by a work queue of the kernel's, so the last ones of a life may come after its end:
 * silence counts from the first silent life on, and one byte ends it.
 */
bool lives_end(Lives *lives, uint64_t now_usec, uint64_t console_bytes)
{
	bool silent = now_usec - lives->began_usec < LIFE_SILENT_USEC &&
		      console_bytes == lives->silence_began_bytes;

	lives->silent = silent ? lives->silent + 1 : 0;
	if (!silent)
		lives->silence_began_bytes = console_bytes;
	return lives->silent >= LIVES_SILENT_MAX;
}
