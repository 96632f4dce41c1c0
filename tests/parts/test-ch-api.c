/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of cloud-hypervisor's API against a server played by the test: it answers late, in pieces, wrongly,
 * not at all, and hangs up at every point.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mvmd/exit-codes.h"
#include "run/ch-api.h"

#define TEST_LIMIT_USEC (30 * USEC_PER_SEC)
#define CALLS_MAX	8
#define NO_CONTENT	"HTTP/1.1 204 \r\nServer: Cloud Hypervisor API\r\n\r\n"

typedef struct Answer {
	unsigned order; /* 0: not answered; else it was the n-th thing told */
	int error;
	char *what, *body;
} Answer;

typedef struct Watch {
	sd_event *event;
	ChApi *api;
	int server;
	Answer answers[CALLS_MAX];
	size_t n_calls;
	unsigned told;
	unsigned closed; /* as order above */
	int closed_error;
	bool free_when_closed, call_from_reply;
} Watch;

typedef struct CallId {
	Watch *watch;
	size_t i;
} CallId;

static CallId call_ids[CALLS_MAX];

static void call(Watch *watch, const char *endpoint, uint64_t timeout_usec);

static void on_reply(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	const CallId *id = userdata;
	Watch *watch = id->watch;
	Answer *answer = &watch->answers[id->i];

	assert_ptr_equal(api, watch->api);
	assert_int_equal(answer->order, 0);
	answer->order = ++watch->told;
	answer->error = fault ? fault->error : 0;
	if (fault) {
		assert_non_null(fault->id);
		answer->what = strdup(fault->what);
	}
	answer->body = strdup(body);
	if (watch->call_from_reply) {
		watch->call_from_reply = false;
		call(watch, "vm.boot", 0);
	}
}

static void on_closed(ChApi *api, const Fault *fault, void *userdata)
{
	Watch *watch = userdata;

	assert_int_equal(watch->closed, 0);
	watch->closed = ++watch->told;
	watch->closed_error = fault->error;
	if (watch->free_when_closed)
		watch->api = ch_api_free(api);
}

static void watch_init(Watch *watch)
{
	const ChApiHandler handler = { on_closed, watch };
	int fds[2];

	*watch = (Watch){ 0 };
	assert_int_equal(sd_event_new(&watch->event), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	watch->server = fds[1];
	assert_int_equal(ch_api_new(watch->event, fds[0], &handler, &watch->api), 0);
}

static void watch_done(Watch *watch)
{
	watch->api = ch_api_free(watch->api);
	watch->server = close_fd(watch->server);
	watch->event = sd_event_unref(watch->event);
	for (size_t i = 0; i < CALLS_MAX; i++) {
		free(watch->answers[i].what);
		free(watch->answers[i].body);
	}
}

static int try_call(Watch *watch, const ChApiCall *wanted)
{
	ChApiCall full = *wanted;

	assert_true(watch->n_calls < CALLS_MAX);
	call_ids[watch->n_calls] = (CallId){ watch, watch->n_calls };
	full.on_reply = on_reply;
	full.userdata = &call_ids[watch->n_calls];
	watch->n_calls++;
	return ch_api_call(watch->api, &full);
}

static void call(Watch *watch, const char *endpoint, uint64_t timeout_usec)
{
	const ChApiCall wanted = { .method = "PUT",
				   .endpoint = endpoint,
				   .timeout_usec = timeout_usec };

	assert_int_equal(try_call(watch, &wanted), 0);
}

/* Until there is nothing more to do. */
static void settle(Watch *watch)
{
	while (sd_event_run(watch->event, 0) > 0)
		;
}

static void run_until_told(Watch *watch, unsigned told)
{
	while (watch->told < told)
		if (sd_event_run(watch->event, TEST_LIMIT_USEC) <= 0)
			fail_msg("nothing happened for 30 s");
}

static void say(const Watch *watch, const char *text)
{
	assert_int_equal(write(watch->server, text, strlen(text)), (ssize_t) strlen(text));
}

/* All that the client has sent so far; a new string. */
static char *hear(Watch *watch)
{
	char buffer[8192];
	StrBuf heard = { 0 };
	char *text = NULL;
	ssize_t n;

	settle(watch);
	while ((n = read(watch->server, buffer, sizeof(buffer))) > 0) {
		str_buf_add_bytes(&heard, buffer, (size_t) n);
		settle(watch);
	}
	assert_int_equal(str_buf_take(&heard, &text), 0);
	return text;
}

static void hears(Watch *watch, const char *expected)
{
	_cleanup_free_ char *heard = hear(watch);

	if (!strstr(heard, expected))
		fail_msg("heard \"%s\", not \"%s\"", heard, expected);
}

static void test_good_answer(void **state)
{
	Watch watch;

	watch_init(&watch);
	assert_false(ch_api_is_busy(watch.api));
	call(&watch, "vm.boot", 0);
	assert_true(ch_api_is_busy(watch.api));
	assert_int_equal(watch.told, 0);
	hears(&watch, "PUT /api/v1/vm.boot HTTP/1.1\r\n");
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 1);
	assert_int_equal(watch.answers[0].error, 0);
	assert_string_equal(watch.answers[0].body, "");
	assert_false(ch_api_is_busy(watch.api));
	assert_int_equal(watch.closed, 0);
	watch_done(&watch);
}

/* The second request is not sent before the first was answered: it would be lost in its error. */
static void test_one_at_a_time(void **state)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.create", 0);
	call(&watch, "vm.boot", 0);
	first = hear(&watch);
	assert_non_null(strstr(first, "vm.create"));
	assert_null(strstr(first, "vm.boot"));
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 1);
	second = hear(&watch);
	assert_non_null(strstr(second, "vm.boot"));
	assert_true(ch_api_is_busy(watch.api));
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 2);
	assert_int_equal(watch.answers[0].order, 1);
	assert_int_equal(watch.answers[1].order, 2);
	watch_done(&watch);
}

static void test_answer_in_pieces(void **state)
{
	const char *text = "HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n{\"a\": 12}";
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.info", 0);
	free(hear(&watch));
	for (const char *c = text; *c; c++) {
		assert_int_equal(watch.told, 0);
		assert_int_equal(write(watch.server, c, 1), 1);
		settle(&watch);
	}
	assert_int_equal(watch.told, 1);
	assert_string_equal(watch.answers[0].body, "{\"a\": 12}");
	watch_done(&watch);
}

static void test_call_from_a_reply(void **state)
{
	Watch watch;

	watch_init(&watch);
	watch.call_from_reply = true;
	call(&watch, "vm.create", 0);
	free(hear(&watch));
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 1);
	hears(&watch, "vm.boot");
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 2);
	watch_done(&watch);
}

/* A request larger than the socket's buffer goes out whole. */
static void test_large_request(void **state)
{
	_cleanup_free_ char *body = malloc(2 * MIB + 1), *heard = NULL;
	ChApiCall wanted = { .method = "PUT", .endpoint = "vm.create", .body = body };
	Watch watch;

	assert_non_null(body);
	memset(body, 'x', 2 * MIB);
	body[2 * MIB] = '\0';
	watch_init(&watch);
	assert_int_equal(try_call(&watch, &wanted), 0);
	heard = hear(&watch);
	assert_non_null(strstr(heard, "Content-Length: 2097152\r\n"));
	assert_string_equal(strstr(heard, "\r\n\r\n") + 4, body);
	watch_done(&watch);
}

static void is_refusal(const char *response, const char *expected)
{
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.boot", 0);
	free(hear(&watch));
	say(&watch, response);
	run_until_told(&watch, 1);
	assert_int_equal(watch.answers[0].error, -EREMOTEIO);
	if (!strstr(watch.answers[0].what, expected))
		fail_msg("\"%s\" does not say \"%s\"", watch.answers[0].what, expected);
	assert_non_null(strstr(watch.answers[0].what, "vm.boot"));
	assert_null(strchr(watch.answers[0].what, '\n'));
	assert_int_equal(watch.closed, 0);
	watch_done(&watch);
}

static void test_refusals(void **state)
{
	is_refusal("HTTP/1.1 500 \r\nContent-Length: 28\r\n\r\n[\"It failed\",\"Disk on fire\"] ",
		   ": It failed: Disk on fire");
	is_refusal("HTTP/1.1 400 \r\nContent-Length: 24\r\n\r\n{ \"error\": \"two\n lines\" }",
		   "two  lines");
	is_refusal("HTTP/1.1 500 \r\nContent-Length: 19\r\n\r\n[\"\\u001b[31m\\n0\",1]",
		   "?[31m 0: ?");
	is_refusal("HTTP/1.1 404 \r\nContent-Length: 9\r\n\r\nNot Found", "Not Found");
	is_refusal("HTTP/1.1 429 \r\n\r\n", "429");
	is_refusal("HTTP/1.1 500 \r\nContent-Length: 2\r\n\r\n[]", "500");
	is_refusal("HTTP/1.1 500 \r\nContent-Length: 5\r\n\r\n[1,2]", "?: ?");
}

static int fd_of_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The descriptors come with the first bytes of their own request, in order, and with no other's. */
static void test_descriptors(void **state)
{
	_cleanup_close_ int null = fd_of_null();
	int fds[2], got[2];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control;
	char text[64];
	struct iovec part = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ChApiCall wanted = {
		.method = "PUT", .endpoint = "vm.add-net", .body = "{}", .fds = fds, .n_fds = 2
	};
	struct stat status;
	Watch watch;

	watch_init(&watch);
	fds[0] = null;
	fds[1] = watch.server;
	call(&watch, "vm.create", 0);
	assert_int_equal(try_call(&watch, &wanted), 0);
	fds[0] = fds[1] = -EBADF; /* the list was copied */
	settle(&watch);
	assert_true(recv(watch.server, text, sizeof(text), 0) > 0);
	free(hear(&watch));
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 1);
	settle(&watch);

	assert_int_equal(recvmsg(watch.server, &message, MSG_CMSG_CLOEXEC), sizeof(text));
	assert_int_equal(strncmp(text, "PUT /api/v1/vm.add-net", 22), 0);
	assert_int_equal(control.header.cmsg_type, SCM_RIGHTS);
	assert_int_equal(control.header.cmsg_len, CMSG_LEN(sizeof(got)));
	memcpy(got, CMSG_DATA(&control.header), sizeof(got));
	assert_int_equal(fstat(got[0], &status), 0);
	assert_true(S_ISCHR(status.st_mode));
	assert_int_equal(fstat(got[1], &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	(void) close_fd(got[0]);
	(void) close_fd(got[1]);
	watch_done(&watch);
}

/* The answer that comes too late is nobody's, and what waits behind it is still served. */
static void test_deadline(void **state)
{
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.boot", 20 * USEC_PER_MSEC);
	call(&watch, "vm.info", 0);
	free(hear(&watch));
	run_until_told(&watch, 1);
	assert_int_equal(watch.answers[0].error, -ETIMEDOUT);
	assert_non_null(strstr(watch.answers[0].what, "vm.boot"));
	assert_true(ch_api_is_busy(watch.api));

	say(&watch, NO_CONTENT);
	hears(&watch, "vm.info");
	assert_int_equal(watch.told, 1);
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 2);
	assert_int_equal(watch.answers[1].error, 0);
	watch_done(&watch);
}

/* A call whose time was up before its turn is never sent. */
static void test_deadline_of_a_waiting_call(void **state)
{
	_cleanup_free_ char *heard = NULL;
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.boot", 0);
	call(&watch, "vm.resize", 20 * USEC_PER_MSEC);
	call(&watch, "vm.info", 0);
	free(hear(&watch));
	run_until_told(&watch, 1);
	assert_int_equal(watch.answers[1].error, -ETIMEDOUT);
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 2);
	heard = hear(&watch);
	assert_null(strstr(heard, "vm.resize"));
	assert_non_null(strstr(heard, "vm.info"));
	watch_done(&watch);
}

/* All pending calls fail in their order, then the end is told; a new call is refused. */
static void hangs_up_after(const char *text, int error)
{
	const ChApiCall wanted = { .method = "PUT", .endpoint = "vm.info" };
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.create", 0);
	call(&watch, "vm.boot", 0);
	settle(&watch);
	free(hear(&watch));
	say(&watch, text);
	watch.server = close_fd(watch.server);
	run_until_told(&watch, 3);
	assert_int_equal(watch.answers[0].order, 1);
	assert_int_equal(watch.answers[1].order, 2);
	assert_int_equal(watch.closed, 3);
	assert_int_equal(watch.closed_error, error);
	assert_int_equal(watch.answers[1].error, error);
	assert_int_equal(try_call(&watch, &wanted), -ENOTCONN);
	settle(&watch);
	assert_int_equal(watch.told, 3);
	watch_done(&watch);
}

static void test_disconnects(void **state)
{
	hangs_up_after("", -ECONNRESET);
	hangs_up_after("HTTP/1.1 2", -ECONNRESET);
	hangs_up_after("HTTP/1.1 200 \r\nContent-Length: 20\r\n\r\nhalf a rep", -ECONNRESET);
	hangs_up_after("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", -EBADMSG);
	hangs_up_after("220 mail.example.org ESMTP\r\n", -EBADMSG);
}

/* Who answers and hangs up at once was heard. */
static void test_last_answer_is_heard(void **state)
{
	Watch watch;

	watch_init(&watch);
	call(&watch, "vmm.shutdown", 0);
	free(hear(&watch));
	say(&watch, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
	watch.server = close_fd(watch.server);
	run_until_told(&watch, 2);
	assert_int_equal(watch.answers[0].error, 0);
	assert_int_equal(watch.closed, 2);
	watch_done(&watch);
}

static void test_unasked_answer(void **state)
{
	Watch watch;

	watch_init(&watch);
	say(&watch, NO_CONTENT);
	run_until_told(&watch, 1);
	assert_int_equal(watch.closed_error, -EBADMSG);
	watch_done(&watch);
}

/* Nobody reads and then nobody is there: the request that never left fails, without a signal. */
static void test_peer_is_gone_before_the_request(void **state)
{
	Watch watch;

	watch_init(&watch);
	watch.free_when_closed = true;
	watch.server = close_fd(watch.server);
	call(&watch, "vm.boot", 0);
	run_until_told(&watch, 2);
	assert_int_not_equal(watch.answers[0].error, 0);
	assert_null(watch.api);
	watch_done(&watch);
}

static void test_freed_with_calls_pending(void **state)
{
	Watch watch;

	watch_init(&watch);
	call(&watch, "vm.create", USEC_PER_SEC);
	call(&watch, "vm.boot", USEC_PER_SEC);
	settle(&watch);
	watch.api = ch_api_free(watch.api);
	settle(&watch);
	assert_int_equal(watch.told, 0);
	watch_done(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_answer),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_answer_in_pieces),
		cmocka_unit_test(test_call_from_a_reply),
		cmocka_unit_test(test_large_request),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_deadline_of_a_waiting_call),
		cmocka_unit_test(test_disconnects),
		cmocka_unit_test(test_last_answer_is_heard),
		cmocka_unit_test(test_unasked_answer),
		cmocka_unit_test(test_peer_is_gone_before_the_request),
		cmocka_unit_test(test_freed_with_calls_pending),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
