/* SPDX-License-Identifier: Apache-2.0 */
/* The client of QEMU's monitor against a monitor played by the test: in pieces, wrong, mute, gone. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/qemu-kept.h"

#define TEST_LIMIT_USEC (30 * USEC_PER_SEC)
#define REPLIES_MAX	8
#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "         \
	"\"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define NEGOTIATED "{\"return\": {}, \"id\": 1}\r\n"

typedef struct Watch {
	sd_event *event;
	Qmp *qmp;
	int server;
	bool ready;
	unsigned n_events;
	char last_event[64];
	uint64_t last_time_usec;
	bool last_guest;
	unsigned n_replies;
	int errors[REPLIES_MAX];
	char *last_what, *last_status;
	unsigned closed;
	int closed_error;
} Watch;

static void on_ready(Qmp *qmp, void *userdata)
{
	Watch *watch = userdata;

	assert_false(watch->ready);
	watch->ready = true;
}

static void on_event(Qmp *qmp, const QmpEvent *event, void *userdata)
{
	Watch *watch = userdata;

	watch->n_events++;
	(void) snprintf(watch->last_event, sizeof(watch->last_event), "%s", event->name);
	watch->last_time_usec = event->time_usec;
	watch->last_guest = json_is_true(json_object_get(event->data, "guest"));
}

static void on_closed(Qmp *qmp, const Fault *fault, void *userdata)
{
	Watch *watch = userdata;

	watch->closed++;
	watch->closed_error = fault->error;
	watch->qmp = qmp_free(qmp);
}

static void on_reply(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata)
{
	Watch *watch = userdata;
	const char *status = json_string_value(json_object_get(result, "status"));

	assert_int_equal(watch->closed, 0);
	assert_true(watch->n_replies < REPLIES_MAX);
	watch->errors[watch->n_replies++] = fault ? fault->error : 0;
	(void) str_set(&watch->last_what, fault ? fault->what : NULL);
	(void) str_set(&watch->last_status, status);
}

static void watch_init(Watch *watch)
{
	const QmpHandler handler = { on_ready, on_event, on_closed, watch };
	int fds[2];

	*watch = (Watch){ 0 };
	assert_int_equal(sd_event_new(&watch->event), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	watch->server = fds[1];
	assert_int_equal(qmp_new(watch->event, fds[0], &handler, &watch->qmp), 0);
}

static void watch_done(Watch *watch)
{
	watch->qmp = qmp_free(watch->qmp);
	watch->server = close_fd(watch->server);
	watch->event = sd_event_unref(watch->event);
	free(watch->last_what);
	free(watch->last_status);
}

static void settle(Watch *watch)
{
	while (sd_event_run(watch->event, 0) > 0)
		;
}

static void say(Watch *watch, const char *text)
{
	assert_int_equal(write(watch->server, text, strlen(text)), (ssize_t) strlen(text));
	settle(watch);
}

/* The command that came, and its id. */
static json_int_t hears(Watch *watch, const char *command)
{
	char buffer[4096];
	json_t *message;
	json_int_t id;
	ssize_t n;

	settle(watch);
	n = read(watch->server, buffer, sizeof(buffer));
	assert_true(n > 0 && buffer[n - 1] == '\n');
	message = json_loadb(buffer, (size_t) n, 0, NULL);
	assert_non_null(message);
	assert_string_equal(json_string_value(json_object_get(message, "execute")), command);
	id = json_integer_value(json_object_get(message, "id"));
	json_decref(message);
	return id;
}

static void negotiate(Watch *watch)
{
	say(watch, GREETING);
	assert_int_equal(hears(watch, "qmp_capabilities"), 1);
	say(watch, NEGOTIATED);
	assert_true(watch->ready);
}

static void call(Watch *watch, const char *command, uint64_t timeout_usec)
{
	const QmpCall wanted = { command, timeout_usec, on_reply, watch };

	assert_int_equal(qmp_call(watch->qmp, &wanted), 0);
}

static void test_negotiation(void **state)
{
	const QmpCall early = { "cont", 0, NULL, NULL };
	Watch watch;

	watch_init(&watch);
	assert_null(qmp_version(watch.qmp));
	assert_int_equal(qmp_call(watch.qmp, &early), -ENOTCONN);
	say(&watch, GREETING);
	assert_int_equal(hears(&watch, "qmp_capabilities"), 1);
	assert_int_equal(qmp_call(watch.qmp, &early), -ENOTCONN);
	assert_false(watch.ready);
	say(&watch, NEGOTIATED);
	assert_true(watch.ready);
	assert_string_equal(qmp_version(watch.qmp), "7.2.22");
	watch_done(&watch);
}

static void test_bytewise(void **state)
{
	const char *text = GREETING NEGOTIATED;
	Watch watch;

	watch_init(&watch);
	for (const char *c = text; *c; c++) {
		assert_false(watch.ready);
		assert_int_equal(write(watch.server, c, 1), 1);
		settle(&watch);
	}
	assert_true(watch.ready);
	watch_done(&watch);
}

/* Answers are known by their id, not by their order; events may come between. */
static void test_replies_and_events(void **state)
{
	json_int_t first, second;
	_cleanup_free_ char *late = NULL, *early = NULL;
	Watch watch;

	watch_init(&watch);
	negotiate(&watch);
	call(&watch, "query-status", 0);
	first = hears(&watch, "query-status");
	call(&watch, "cont", 0);
	second = hears(&watch, "cont");
	assert_int_not_equal(first, second);

	early = str_printf("{\"id\": %lld, \"error\": {\"class\": \"GenericError\", \"desc\": "
			   "\"Not now\"}}\r\n",
			   (long long) second);
	say(&watch, early);
	assert_int_equal(watch.n_replies, 1);
	assert_int_equal(watch.errors[0], -EREMOTEIO);
	assert_string_equal(watch.last_what, "QEMU refused cont: Not now");

	say(&watch, "{\"timestamp\": {\"seconds\": 1790000000, \"microseconds\": 250000}, "
		    "\"event\": \"RESET\", \"data\": {\"guest\": true, \"reason\": "
		    "\"guest-reset\"}}\r\n");
	assert_int_equal(watch.n_events, 1);
	assert_string_equal(watch.last_event, "RESET");
	assert_true(watch.last_guest);
	assert_true(watch.last_time_usec == UINT64_C(1790000000250000));

	late = str_printf("{\"return\": {\"status\": \"running\", \"singlestep\": false}, \"id\": "
			  "%lld}\r\n",
			  (long long) first);
	say(&watch, late);
	assert_int_equal(watch.n_replies, 2);
	assert_int_equal(watch.errors[1], 0);
	assert_string_equal(watch.last_status, "running");
	watch_done(&watch);
}

static void test_event_without_data(void **state)
{
	Watch watch;

	watch_init(&watch);
	negotiate(&watch);
	say(&watch,
	    "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"STOP\"}\n");
	assert_string_equal(watch.last_event, "STOP");
	assert_true(watch.last_time_usec == 0);
	watch_done(&watch);
}

static void test_deadline(void **state)
{
	_cleanup_free_ char *late = NULL;
	json_int_t id;
	Watch watch;

	watch_init(&watch);
	negotiate(&watch);
	call(&watch, "query-status", 20 * USEC_PER_MSEC);
	id = hears(&watch, "query-status");
	while (watch.n_replies == 0)
		assert_true(sd_event_run(watch.event, TEST_LIMIT_USEC) > 0);
	assert_int_equal(watch.errors[0], -ETIMEDOUT);

	late = str_printf("{\"return\": {}, \"id\": %lld}\r\n", (long long) id);
	say(&watch, late);
	assert_int_equal(watch.n_replies, 1);
	assert_int_equal(watch.closed, 0);
	watch_done(&watch);
}

static void breaks(const char *text)
{
	Watch watch;

	watch_init(&watch);
	say(&watch, text);
	if (watch.closed != 1 || watch.closed_error != -EBADMSG)
		fail_msg("%s was taken", text);
	watch_done(&watch);
}

static void test_wrong_monitors(void **state)
{
	breaks("QEMU 7.2.22 monitor - type 'help' for more information\r\n");
	breaks("\r\n");
	breaks("[]\r\n");
	breaks("{}\r\n");
	breaks("{\"QMP\": {}}\r\n");
	breaks("{\"QMP\": {\"version\": {\"qemu\": {\"major\": \"7\"}}}}\r\n");
	breaks(GREETING "{\"return\": {}, \"id\": 7}\r\n");
	breaks(GREETING "{\"return\": {}}\r\n");
	breaks(GREETING "{\"error\": {\"desc\": \"no\"}, \"id\": 1}\r\n");
	breaks(GREETING NEGOTIATED "{\"event\": 7}\r\n");
	breaks(GREETING NEGOTIATED "{\"event\": \"RESET\"}\r\n");
}

static void test_endless_line(void **state)
{
	char *text = malloc(64 * KIB);
	Watch watch;

	assert_non_null(text);
	memset(text, ' ', 64 * KIB - 1);
	text[64 * KIB - 1] = '\0';
	watch_init(&watch);
	for (int i = 0; i < 32 && watch.closed == 0; i++)
		say(&watch, text);
	assert_int_equal(watch.closed_error, -EBADMSG);
	free(text);
	watch_done(&watch);
}

/* Pending commands fail first, then the end is told. */
static void hangs_up_after(const char *text, bool negotiated)
{
	Watch watch;

	watch_init(&watch);
	if (negotiated) {
		negotiate(&watch);
		call(&watch, "query-status", 0);
		call(&watch, "cont", 0);
		settle(&watch);
	}
	say(&watch, text);
	watch.server = close_fd(watch.server);
	settle(&watch);
	assert_int_equal(watch.closed, 1);
	assert_int_equal(watch.closed_error, -ECONNRESET);
	assert_int_equal(watch.n_replies, negotiated ? 2 : 0);
	for (unsigned i = 0; i < watch.n_replies; i++)
		assert_int_equal(watch.errors[i], -ECONNRESET);
	watch_done(&watch);
}

/* With our commands unread the kernel resets the connection (unix(7)): that is the same end. */
static void test_disconnects(void **state)
{
	hangs_up_after("", false);
	hangs_up_after("{\"QMP\": {\"ver", false);
	hangs_up_after("", true);
	hangs_up_after("{\"return\": ", true);
}

#define RESET_BEGIN "{\"timestamp\": {\"seconds\": 12, \"micro"
#define RESET_END                                                                                  \
	"seconds\": 34}, \"event\": \"RESET\", \"data\": {\"guest\": true, \"reason\": \"x\"}}\r\n"

/* As over execve(2): the environment and the descriptors are all that the next program has. */
static void pass_on(const Qmp *qmp, const QemuReboot *reboot, Kept **ret)
{
	QemuKept passed = { .state_fd = -EBADF };
	Kept *kept = NULL;
	QmpRest rest;

	assert_int_equal(kept_new(&kept), 0);
	qmp_rest(qmp, &rest);
	rest.fd = fcntl(rest.fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	assert_int_equal(qemu_kept_pass_on(&passed, kept, &rest, reboot), 0);
	assert_int_equal(kept_begin_exec(kept), 0);
	(void) kept_free(kept);
	assert_int_equal(kept_new(ret), 0);
	assert_true(kept_is_reload(*ret));
}

/* An event that had come by half, and one that comes while nobody reads. */
static void test_goes_over_a_reload(void **state)
{
	const QemuReboot before = { true, 7 * USEC_PER_SEC, 1234567890123 };
	QemuReboot after = { 0 };
	Kept *kept = NULL;
	Watch watch;

	watch_init(&watch);
	negotiate(&watch);
	say(&watch, RESET_BEGIN);
	pass_on(watch.qmp, &before, &kept);
	watch.qmp = qmp_free(watch.qmp);
	assert_int_equal(write(watch.server, RESET_END, strlen(RESET_END)), strlen(RESET_END));

	assert_int_equal(qemu_kept_take(kept, watch.event,
					&(QmpHandler){ on_ready, on_event, on_closed, &watch },
					&watch.qmp, &after),
			 1);
	assert_string_equal(qmp_version(watch.qmp), "7.2.22");
	assert_false(qmp_is_busy(watch.qmp));
	assert_true(after.known);
	assert_int_equal(after.usec, before.usec);
	assert_int_equal(after.bytes, before.bytes);
	call(&watch, "query-status", 0);
	assert_int_equal(hears(&watch, "query-status"), 1);
	assert_int_equal(watch.n_events, 1);
	assert_string_equal(watch.last_event, "RESET");
	assert_int_equal(watch.last_time_usec, 12 * USEC_PER_SEC + 34);
	assert_true(watch.last_guest);
	say(&watch, "{\"return\": {\"status\": \"running\"}, \"id\": 1}\r\n");
	assert_int_equal(watch.n_replies, 1);
	assert_string_equal(watch.last_status, "running");

	/* Each is taken once: the next reload passes on what there is then. */
	assert_null(kept_name(kept, 0));
	(void) kept_free(kept);
	watch_done(&watch);
}

static void test_nothing_went_over(void **state)
{
	Kept *kept = NULL;
	QemuReboot reboot;
	Qmp *qmp;

	assert_int_equal(kept_new(&kept), 0);
	assert_int_equal(qemu_kept_take(kept, NULL, NULL, &qmp, &reboot), 0);
	(void) kept_free(kept);
}

/* What a failed reload took back does not stand in the environment of the next one. */
static void test_reload_that_failed(void **state)
{
	QemuKept passed = { .state_fd = -EBADF };
	Kept *kept = NULL;
	QmpRest rest;
	Watch watch;

	watch_init(&watch);
	negotiate(&watch);
	assert_int_equal(kept_new(&kept), 0);
	qmp_rest(watch.qmp, &rest);
	assert_int_equal(rest.length, 0);
	assert_int_equal(qemu_kept_pass_on(&passed, kept, &rest, &(QemuReboot){ 0 }), 0);
	assert_int_equal(kept_begin_exec(kept), 0);
	assert_int_equal(fcntl(rest.fd, F_GETFD), 0);
	kept_cancel_exec(kept);
	qemu_kept_take_back(&passed, kept);
	assert_int_equal(passed.state_fd, -EBADF);
	assert_int_equal(fcntl(rest.fd, F_GETFD), FD_CLOEXEC);
	assert_null(kept_name(kept, 0));
	say(&watch, RESET_BEGIN RESET_END);
	assert_int_equal(watch.n_events, 1);
	(void) kept_free(kept);
	watch_done(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_bytewise),
		cmocka_unit_test(test_replies_and_events),
		cmocka_unit_test(test_event_without_data),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_wrong_monitors),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_disconnects),
		cmocka_unit_test(test_goes_over_a_reload),
		cmocka_unit_test(test_nothing_went_over),
		cmocka_unit_test(test_reload_that_failed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
