/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/*
 * Bytes that nobody vouches for: a file's, read where they are needed, and numbers and strings in them
 * that are only looked at where they lie inside.
 */
typedef struct ByteReader {
	/* Reads up to n bytes; less only where the file has become shorter. Returns the number or -errno. */
	ssize_t (*read)(void *userdata, uint64_t offset, void *buffer, size_t n);
	void *userdata;
	uint64_t size_bytes;
} ByteReader;

/* Up to n bytes; fewer, or none, where the file ends. Returns the number or -errno. */
static inline ssize_t byte_reader_read(const ByteReader *reader, uint64_t offset, void *buffer,
				       size_t n)
{
	if (offset >= reader->size_bytes)
		return 0;
	if (n > reader->size_bytes - offset)
		n = (size_t) (reader->size_bytes - offset);
	return reader->read(reader->userdata, offset, buffer, n);
}

typedef struct Bytes {
	const uint8_t *data;
	size_t n;
} Bytes;

/* The little-endian number of 'width' bytes at an offset; 0 where it does not lie inside. */
static inline uint64_t bytes_number(Bytes bytes, size_t at, size_t width)
{
	uint64_t number = 0;

	if (at > bytes.n || width > bytes.n - at)
		return 0;
	for (size_t i = width; i-- > 0;)
		number = number << 8 | bytes.data[at + i];
	return number;
}

/* Whether these n bytes stand at an offset. */
static inline bool bytes_stand_at(Bytes bytes, size_t at, const void *wanted, size_t n)
{
	return at <= bytes.n && n <= bytes.n - at && memcmp(bytes.data + at, wanted, n) == 0;
}
