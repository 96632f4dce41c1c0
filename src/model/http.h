/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * As much of HTTP/1.1 as cloud-hypervisor's server (the micro-http crate) speaks: requests with a
 * Content-Length, responses one after the other on a connection that stays open. Bytes in, structs out.
 */

/* Micro-http writes a handful of short header lines; what is longer than this did not come from it. */
#define HTTP_LINE_MAX_BYTES 1024
#define HTTP_HEADERS_MAX    64
#define HTTP_BODY_MAX_BYTES (4 * MIB)

/*
 * The bytes of a request, a new string; body NULL: a request without one. method and target are words of
 * our own and are written as they are. Returns 0 or -ENOMEM.
 */
int http_request(const char *method, const char *target, const char *body, char **ret);

typedef enum HttpState {
	HTTP_STATUS_LINE,
	HTTP_HEADER_LINE,
	HTTP_BODY,
	HTTP_COMPLETE,
	HTTP_BROKEN,
	_HTTP_STATE_MAX,
} HttpState;

/* Reads one response. Zero-initialise; http_parser_done() frees it and makes it ready for the next one. */
typedef struct HttpParser {
	HttpState state;
	unsigned status; /* 200, …; from HTTP_HEADER_LINE on */
	StrBuf body; /* body.text is NULL where there is none */
	const char *error; /* HTTP_BROKEN: what is wrong with the response, static */

	/* Private. */
	char line[HTTP_LINE_MAX_BYTES + 1];
	size_t line_length;
	size_t n_headers;
	size_t content_length;
	bool has_content_length;
} HttpParser;

/*
 * Reads on. Returns 1 where the response is complete (*ret_used bytes of the n belong to it, the rest to the
 * next one), 0 where more must come (all n were used), -EBADMSG where it is no response (parser->error tells)
 * or -ENOMEM. After an error or a complete response nothing more may be fed.
 */
int http_parser_feed(HttpParser *parser, const char *bytes, size_t n, size_t *ret_used);
void http_parser_done(HttpParser *parser);
