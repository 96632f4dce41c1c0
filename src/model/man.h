/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/* Running text for a man page in mdoc(7): what roff would take for its own is escaped. */
void man_add_text(StrBuf *buf, const char *text);

/* The same with each sentence on a line of its own, as mdoc(7) wants it, and a final line break. */
void man_add_sentences(StrBuf *buf, const char *text);
