/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * The length of the character that text begins with, 1 to 4; 0 where these bytes are no UTF-8
 * (RFC 3629: overlong forms, surrogates and what lies above U+10FFFF are none). available is not 0.
 */
size_t utf8_character(const char *text, size_t available);

/* The length of the longest prefix that is UTF-8: length itself where all is. */
size_t utf8_valid_prefix(const char *text, size_t length);

/*
 * Makes length bytes of text fit for one line of a terminal, in place: control characters, C1 ones too,
 * and bytes that are no UTF-8 become '?'. Tabs stay.
 */
void text_clean(char *text, size_t length);

/*
 * Takes out of length bytes what makes a terminal write in colours: whole control sequences, ESC [ up to their last byte
 * (ECMA-48, 5.4). What is cut off or malformed stays, for text_clean(). Returns the length that is left.
 */
size_t text_drop_sequences(char *text, size_t length);
