/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/byte-reader.h"
#include "model/facts.h"

/*
 * Tells from its bytes what the file of a kernel is, and which version. No length or offset in the file is
 * trusted; the work is bounded (a bzImage: two reads; an ELF or Image: each byte at most once, at most
 * IMAGE_SEARCH_MAX_BYTES of them). What the file does not tell stays unknown.
 * Returns 0, -ENOMEM or the reader's error; *ret is then untouched. image_done() frees it.
 */
int image_read(const ByteReader *reader, ImageFact *ret);
void image_done(ImageFact *image);

/* Where the version has not been found after as many bytes, it stays unknown. */
#define IMAGE_SEARCH_MAX_BYTES (256 * MIB)

/* The words of JSON, "bzimage", and of sentences, "bzImage"; NULL: unknown. */
const char *image_kind_to_string(ImageKind kind);
const char *image_kind_to_words(ImageKind kind);

/* "x86", "arm64", …; "another architecture" where mvmd knows none. */
const char *arch_to_words(Arch arch);
