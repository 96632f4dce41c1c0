/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "model/http.h"

#define STATUS_OK	  200
#define STATUS_NO_CONTENT 204
#define STATUS_MAX	  599

int http_request(const char *method, const char *target, const char *body, char **ret)
{
	StrBuf buf = { 0 };

	str_buf_add(&buf, "%s %s HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n",
		    method, target);
	if (body)
		str_buf_add(&buf, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			    strlen(body));
	str_buf_add(&buf, "\r\n");
	if (body)
		str_buf_add_bytes(&buf, body, strlen(body));
	return str_buf_take(&buf, ret);
}

static int broken(HttpParser *parser, const char *error)
{
	parser->state = HTTP_BROKEN;
	parser->error = error;
	return -EBADMSG;
}

/* "HTTP/1.1 204 ": micro-http sends no reason phrase, others would send one. */
static int read_status_line(HttpParser *parser)
{
	static const char prefix[] = "HTTP/1.";
	const char *at = parser->line;
	unsigned status = 0;

	if (strncmp(at, prefix, strlen(prefix)) != 0)
		return broken(parser, "it does not begin with an HTTP status line");
	at += strlen(prefix);
	if ((*at != '0' && *at != '1') || at[1] != ' ')
		return broken(parser, "its HTTP version is neither 1.0 nor 1.1");
	at += 2;

	for (int i = 0; i < 3; i++, at++) {
		if (!isdigit((unsigned char) *at))
			return broken(parser, "its status is not a number of three digits");
		status = status * 10 + (unsigned) (*at - '0');
	}
	if (*at != ' ' && *at != '\0')
		return broken(parser, "its status is not a number of three digits");
	if (status < STATUS_OK || status > STATUS_MAX)
		return broken(parser, "its status is not that of a final response");

	parser->status = status;
	parser->state = HTTP_HEADER_LINE;
	return 0;
}

static int read_content_length(HttpParser *parser, const char *value)
{
	uint64_t length;
	int r;

	r = parse_u64(value, HTTP_BODY_MAX_BYTES, &length);
	if (r == -ERANGE)
		return broken(parser, "its body is too long");
	if (r < 0)
		return broken(parser, "its Content-Length is not a number");
	if (parser->has_content_length && parser->content_length != length)
		return broken(parser, "it has two different Content-Length headers");

	parser->content_length = (size_t) length;
	parser->has_content_length = true;
	return 0;
}

/* The empty line: what follows is the body, where there is one. */
static int end_headers(HttpParser *parser)
{
	if (parser->status == STATUS_NO_CONTENT)
		parser->content_length = 0;
	parser->state = parser->content_length > 0 ? HTTP_BODY : HTTP_COMPLETE;
	return 0;
}

static int read_header_line(HttpParser *parser)
{
	char *value, *end;

	if (parser->line_length == 0)
		return end_headers(parser);
	if (++parser->n_headers > HTTP_HEADERS_MAX)
		return broken(parser, "it has too many headers");

	value = strchr(parser->line, ':');
	if (!value || value == parser->line)
		return broken(parser, "a header line has no name");
	*value++ = '\0';
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';

	if (strcasecmp(parser->line, "Content-Length") == 0)
		return read_content_length(parser, value);
	if (strcasecmp(parser->line, "Transfer-Encoding") == 0)
		return broken(parser, "it has a Transfer-Encoding");
	return 0;
}

static int end_line(HttpParser *parser)
{
	int r;

	if (parser->line_length == 0 || parser->line[parser->line_length - 1] != '\r')
		return broken(parser, "a line does not end in CR LF");
	parser->line[--parser->line_length] = '\0';
	if (memchr(parser->line, '\0', parser->line_length))
		return broken(parser, "a line has a NUL byte");

	r = parser->state == HTTP_STATUS_LINE ? read_status_line(parser) : read_header_line(parser);
	parser->line_length = 0;
	return r;
}

static int feed_line_byte(HttpParser *parser, char byte)
{
	if (byte == '\n')
		return end_line(parser);
	if (parser->line_length == HTTP_LINE_MAX_BYTES)
		return broken(parser, "a line is too long");
	parser->line[parser->line_length++] = byte;
	return 0;
}

/* Returns how many of the n bytes belong to the body. */
static size_t feed_body(HttpParser *parser, const char *bytes, size_t n)
{
	size_t missing = parser->content_length - parser->body.length;

	if (n > missing)
		n = missing;
	str_buf_add_bytes(&parser->body, bytes, n);
	if (n == missing)
		parser->state = HTTP_COMPLETE;
	return n;
}

int http_parser_feed(HttpParser *parser, const char *bytes, size_t n, size_t *ret_used)
{
	size_t used = 0;
	int r;

	while (used < n && parser->state != HTTP_COMPLETE) {
		if (parser->state == HTTP_BROKEN)
			return -EBADMSG;
		if (parser->state == HTTP_BODY) {
			used += feed_body(parser, bytes + used, n - used);
			if (parser->body.failed)
				return -ENOMEM;
			continue;
		}
		r = feed_line_byte(parser, bytes[used++]);
		if (r < 0)
			return r;
	}

	*ret_used = used;
	return parser->state == HTTP_COMPLETE;
}

void http_parser_done(HttpParser *parser)
{
	str_buf_done(&parser->body);
	*parser = (HttpParser){ 0 };
}
