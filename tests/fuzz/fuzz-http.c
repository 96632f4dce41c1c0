/* SPDX-License-Identifier: Apache-2.0 */
/* The response parser: the first byte says in which pieces the rest arrives; how makes no difference. */
#include <stdint.h>
#include <stdlib.h>

#include "model/http.h"

/* The name is libFuzzer's. NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all responses in bytes, in pieces of at most 'piece'. Returns the last result; counts responses. */
static int read_all(const char *bytes, size_t n, size_t piece, size_t *ret_responses)
{
	HttpParser parser = { 0 };
	size_t responses = 0;
	int r = 0;

	while (n > 0 && r >= 0) {
		size_t used = 0, length = n < piece ? n : piece;

		r = http_parser_feed(&parser, bytes, length, &used);
		if (r < 0)
			break;
		if (used > length || (r == 0 && used != length))
			abort();
		if (r > 0) {
			responses++;
			http_parser_done(&parser);
		}
		bytes += used;
		n -= used;
	}
	http_parser_done(&parser);
	*ret_responses = responses;
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole, pieces;
	int r;

	if (size < 2)
		return 0;
	r = read_all((const char *) data + 1, size - 1, SIZE_MAX, &whole);
	if (read_all((const char *) data + 1, size - 1, (size_t) data[0] + 1, &pieces) != r ||
	    whole != pieces)
		abort();
	return 0;
}
