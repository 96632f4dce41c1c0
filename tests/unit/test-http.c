/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as micro-http reads them, responses as it writes them, and what nobody should write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/http.h"

static void test_request_with_body(void **state)
{
	_cleanup_free_ char *request = NULL;

	assert_int_equal(http_request("PUT", "/api/v1/vm.create", "{\"a\":1}", &request), 0);
	assert_int_equal(strncmp(request, "PUT /api/v1/vm.create HTTP/1.1\r\n", 32), 0);
	assert_non_null(strstr(request, "\r\nContent-Length: 7\r\n"));
	assert_string_equal(strstr(request, "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
}

/* cloud-hypervisor refuses a body where none belongs, so none is announced. */
static void test_request_without_body(void **state)
{
	_cleanup_free_ char *request = NULL;

	assert_int_equal(http_request("GET", "/api/v1/vmm.ping", NULL, &request), 0);
	assert_null(strstr(request, "Content-Length"));
	assert_string_equal(strstr(request, "\r\n\r\n"), "\r\n\r\n");
}

/* Feeds text in two parts, split at each byte in turn: the result is always the same. */
static void reads(const char *text, unsigned status, const char *body)
{
	size_t length = strlen(text);

	for (size_t split = 0; split < length; split++) {
		HttpParser parser = { 0 };
		size_t used = 99;

		assert_int_equal(http_parser_feed(&parser, text, split, &used), 0);
		assert_int_equal(used, split);
		assert_int_equal(http_parser_feed(&parser, text + split, length - split, &used), 1);
		assert_int_equal(used, length - split);
		assert_int_equal(parser.status, status);
		assert_string_equal(parser.body.text ?: "", body);
		http_parser_done(&parser);
	}
}

static void test_response_without_reason(void **state)
{
	reads("HTTP/1.1 204 \r\nServer: Cloud Hypervisor API\r\nConnection: keep-alive\r\n\r\n",
	      204, "");
}

static void test_response_with_body(void **state)
{
	reads("HTTP/1.1 200 \r\nServer: Cloud Hypervisor API\r\nConnection: keep-alive\r\n"
	      "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"pid\":123}",
	      200, "{\"pid\":123}");
}

static void test_response_variants(void **state)
{
	reads("HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", 200, "ok");
	reads("HTTP/1.0 500\r\nCONTENT-LENGTH: \t3 \r\n\r\nbad", 500, "bad");
	reads("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, "");
	reads("HTTP/1.1 200 \r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, "ok");
	reads("HTTP/1.1 404 \r\n\r\n", 404, "");
}

/* A 204 has no body, whatever its headers say (RFC 9110, 15.3.5). */
static void test_no_content_has_no_body(void **state)
{
	reads("HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n", 204, "");
}

/* What follows a response is left for the next one. */
static void test_two_responses_in_one_read(void **state)
{
	const char *text = "HTTP/1.1 204 \r\n\r\nHTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx";
	size_t length = strlen(text), used = 0;
	HttpParser parser = { 0 };

	assert_int_equal(http_parser_feed(&parser, text, length, &used), 1);
	assert_int_equal(used, 17);
	http_parser_done(&parser);
	assert_int_equal(http_parser_feed(&parser, text + 17, length - 17, &used), 1);
	assert_int_equal(used, length - 17);
	assert_int_equal(parser.status, 200);
	assert_string_equal(parser.body.text, "x");
	http_parser_done(&parser);
}

static void test_bytes_of_a_body_may_be_anything(void **state)
{
	static const char text[] = "HTTP/1.1 200 \r\nContent-Length: 4\r\n\r\n\r\n\0z";
	HttpParser parser = { 0 };
	size_t used;

	assert_int_equal(http_parser_feed(&parser, text, sizeof(text) - 1, &used), 1);
	assert_int_equal(parser.body.length, 4);
	assert_memory_equal(parser.body.text, "\r\n\0z", 4);
	http_parser_done(&parser);
}

/* Refused with a reason, in one piece or byte by byte, and for good. */
static void refuses_bytes(const char *text, size_t length)
{
	HttpParser whole = { 0 }, bytewise = { 0 };
	size_t used;
	int r = 0;

	assert_int_equal(http_parser_feed(&whole, text, length, &used), -EBADMSG);
	assert_non_null(whole.error);
	assert_int_equal(http_parser_feed(&whole, "HTTP", 4, &used), -EBADMSG);

	for (size_t i = 0; i < length && r == 0; i++)
		r = http_parser_feed(&bytewise, text + i, 1, &used);
	assert_int_equal(r, -EBADMSG);
	assert_string_equal(bytewise.error, whole.error);
	http_parser_done(&whole);
	http_parser_done(&bytewise);
}

static void refuses(const char *text)
{
	refuses_bytes(text, strlen(text));
}

static void test_malformed_status_lines(void **state)
{
	refuses("\r\n");
	refuses("SSH-2.0-OpenSSH_9.2\r\n");
	refuses("http/1.1 200 OK\r\n");
	refuses("HTTP/2.0 200 OK\r\n");
	refuses("HTTP/1.2 200 OK\r\n");
	refuses("HTTP/1.1200\r\n");
	refuses("HTTP/1.1 20 \r\n");
	refuses("HTTP/1.1 2000\r\n");
	refuses("HTTP/1.1 -20 \r\n");
	refuses("HTTP/1.1 099 \r\n");
	refuses("HTTP/1.1 600 \r\n");
	refuses("HTTP/1.1 100 Continue\r\n");
	refuses("HTTP/1.1 200 OK\n");
}

static void test_malformed_headers(void **state)
{
	refuses("HTTP/1.1 200 \r\nno colon\r\n");
	refuses("HTTP/1.1 200 \r\n: no name\r\n");
	refuses("HTTP/1.1 200 \r\nServer: x\n");
	refuses("HTTP/1.1 200 \r\nContent-Length: \r\n");
	refuses("HTTP/1.1 200 \r\nContent-Length: x\r\n");
	refuses("HTTP/1.1 200 \r\nContent-Length: -1\r\n");
	refuses("HTTP/1.1 200 \r\nContent-Length: 5 5\r\n");
	refuses("HTTP/1.1 200 \r\nContent-Length: 5\r\nContent-Length: 6\r\n");
	refuses("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n");
	refuses_bytes("HTTP/1.1 200 \r\nSer\0ver: x\r\n", 27);
}

/* 4 MiB are taken, one byte more is not, and the announcement is enough for that. */
static void test_body_limit(void **state)
{
	HttpParser parser = { 0 };
	const char *largest = "HTTP/1.1 200 \r\nContent-Length: 4194304\r\n\r\n";
	size_t used;

	refuses("HTTP/1.1 200 \r\nContent-Length: 4194305\r\n");
	refuses("HTTP/1.1 200 \r\nContent-Length: 99999999999999999999999\r\n");
	assert_int_equal(http_parser_feed(&parser, largest, strlen(largest), &used), 0);
	http_parser_done(&parser);
}

static void test_line_limits(void **state)
{
	StrBuf buf = { 0 };

	str_buf_add(&buf, "HTTP/1.1 200 \r\nX: %01100d\r\n", 0);
	refuses(buf.text);
	str_buf_done(&buf);

	str_buf_add(&buf, "HTTP/1.1 200 \r\n");
	for (int i = 0; i < 65; i++)
		str_buf_add(&buf, "X-%d: y\r\n", i);
	refuses(buf.text);
	str_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_with_body),
		cmocka_unit_test(test_request_without_body),
		cmocka_unit_test(test_response_without_reason),
		cmocka_unit_test(test_response_with_body),
		cmocka_unit_test(test_response_variants),
		cmocka_unit_test(test_no_content_has_no_body),
		cmocka_unit_test(test_two_responses_in_one_read),
		cmocka_unit_test(test_bytes_of_a_body_may_be_anything),
		cmocka_unit_test(test_malformed_status_lines),
		cmocka_unit_test(test_malformed_headers),
		cmocka_unit_test(test_body_limit),
		cmocka_unit_test(test_line_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
