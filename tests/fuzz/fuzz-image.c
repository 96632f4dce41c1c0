/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels' files: whatever stands in them, nothing outside is read, what is found is printable and lies in the
 * file, and the work is bounded.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/image.h"

/* A file of one megabyte is read once, and headers, notes and false banners beside it. */
#define READ_MAX_BYTES (2 * MIB)

typedef struct Input {
	const uint8_t *data;
	size_t size;
	size_t bytes_read;
} Input;

/* The name is libFuzzer's. NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t read_input(void *userdata, uint64_t offset, void *buffer, size_t n)
{
	Input *input = userdata;

	if (offset > input->size || n > input->size - offset)
		abort();
	memcpy(buffer, input->data + offset, n);
	input->bytes_read += n;
	return (ssize_t) n;
}

static void check(const Input *input, const ImageFact *image)
{
	if (image->kind <= IMAGE_UNKNOWN || image->kind >= _IMAGE_KIND_MAX ||
	    (image->version != NULL) != (image->banner != NULL) ||
	    (image->kind == IMAGE_NOT_A_KERNEL) > (image->looks_like != NULL) ||
	    input->bytes_read > READ_MAX_BYTES)
		abort();
	if (!image->banner)
		return;
	if (strncmp(image->banner, image->version, strlen(image->version)) != 0 ||
	    !memmem(input->data, input->size, image->banner, strlen(image->banner)))
		abort();
	for (const char *c = image->banner; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input = { .data = data, .size = size };
	const ByteReader reader = { read_input, &input, size };
	ImageFact image;

	if (size > MIB || image_read(&reader, &image) < 0)
		return 0;
	check(&input, &image);
	image_done(&image);
	return 0;
}
