/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/utf8.h"
#include "mvmd/exit-codes.h"
#include "run/channel.h"
#include "run/qmp.h"
#include "run/timer.h"

/* No answer to what we ask is longer than a few kilobytes. */
#define LINE_MAX_BYTES MIB

typedef struct Command Command;
struct Command {
	Command *next;
	Qmp *qmp;
	json_int_t id;
	const char *name;
	QmpReply on_reply; /* NULL: nobody waits, or no longer */
	void *userdata;
	sd_event_source *deadline;
};

typedef enum QmpState {
	QMP_GREETING,
	QMP_NEGOTIATING,
	QMP_READY,
	QMP_CLOSED,
	_QMP_STATE_MAX,
} QmpState;

struct Qmp {
	sd_event *event;
	QmpHandler handler;
	QmpState state;
	Channel *channel;
	StrBuf line;
	char *version;
	json_int_t last_id;
	Command *first, *last;
	const char *error; /* why on_bytes gave up, static */
};

static Command *command_free(Command *command)
{
	if (!command)
		return NULL;

	command->deadline = sd_event_source_disable_unref(command->deadline);
	free(command);
	return NULL;
}
DEFINE_CLEANUP(Command *, command_free)

static void command_answer(Command *command, const Fault *fault, const json_t *result)
{
	QmpReply on_reply = command->on_reply;

	command->on_reply = NULL;
	if (on_reply)
		on_reply(command->qmp, fault, result, command->userdata);
}

static Command *queue_take(Qmp *qmp, json_int_t id)
{
	Command *before = NULL, *command = qmp->first;

	while (command && command->id != id) {
		before = command;
		command = command->next;
	}
	if (!command)
		return NULL;

	if (before)
		before->next = command->next;
	else
		qmp->first = command->next;
	if (qmp->last == command)
		qmp->last = before;
	return command;
}

static int broken(Qmp *qmp, const char *error)
{
	qmp->error = error;
	return -EBADMSG;
}

static int command_on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	Command *command = userdata;
	Fault fault = { 0 };

	command->deadline = sd_event_source_disable_unref(command->deadline);
	(void) fault_set(&fault, -ETIMEDOUT, MVMD_EXIT_VMM, "vmm-silent",
			 "QEMU did not answer %s in time", command->name);
	(void) fault_evidence(&fault, "request", "%s", command->name);
	command_answer(command, &fault, NULL);
	fault_done(&fault);
	return 0;
}

/* Puts a new command at the queue's end. */
static int queue_add(Qmp *qmp, const QmpCall *call, Command **ret)
{
	Command *command = calloc(1, sizeof(*command));

	if (!command)
		return -ENOMEM;
	*command = (Command){
		.qmp = qmp,
		.id = ++qmp->last_id,
		.name = call->command,
		.on_reply = call->on_reply,
		.userdata = call->userdata,
	};
	if (qmp->last)
		qmp->last->next = command;
	else
		qmp->first = command;
	qmp->last = command;
	*ret = command;
	return 0;
}

static int command_send(Qmp *qmp, Command *command, uint64_t timeout_usec)
{
	_cleanup_free_ char *text =
		str_printf("{\"execute\":\"%s\",\"id\":%" JSON_INTEGER_FORMAT "}\n", command->name,
			   command->id);
	int r;

	if (!text)
		return -ENOMEM;
	if (timeout_usec > 0) {
		r = timer_after(qmp->event, &command->deadline, timeout_usec, 0,
				command_on_deadline, command);
		if (r < 0)
			return r;
	}
	return channel_send(qmp->channel, text, strlen(text), NULL, 0);
}

static int qmp_send(Qmp *qmp, const QmpCall *call)
{
	Command *command;
	int r;

	r = queue_add(qmp, call, &command);
	if (r < 0)
		return r;
	r = command_send(qmp, command, call->timeout_usec);
	if (r < 0)
		(void) command_free(queue_take(qmp, command->id));
	return r;
}

static void on_negotiated(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata)
{
	if (fault) {
		qmp->error = "it refused qmp_capabilities";
		return;
	}
	qmp->state = QMP_READY;
	qmp->handler.on_ready(qmp, qmp->handler.userdata);
}

static int read_greeting(Qmp *qmp, json_t *message)
{
	const QmpCall negotiate = { "qmp_capabilities", 0, on_negotiated, NULL };
	int major, minor, micro;

	if (json_unpack(message, "{s:{s:{s:{s:i, s:i, s:i}}}}", "QMP", "version", "qemu", "major",
			&major, "minor", &minor, "micro", &micro) < 0)
		return broken(qmp, "it does not greet as QEMU's monitor does");
	qmp->version = str_printf("%d.%d.%d", major, minor, micro);
	if (!qmp->version)
		return -ENOMEM;
	qmp->state = QMP_NEGOTIATING;
	return qmp_send(qmp, &negotiate);
}

static int read_event(Qmp *qmp, json_t *message)
{
	QmpEvent event = { 0 };
	json_int_t seconds, microseconds;

	if (json_unpack(message, "{s:s, s:{s:I, s:I}}", "event", &event.name, "timestamp",
			"seconds", &seconds, "microseconds", &microseconds) < 0)
		return broken(qmp, "an event has no name or no time");
	/* Both are -1 where QEMU's clock failed (docs/interop/qmp-spec). */
	if (seconds >= 0 && microseconds >= 0)
		event.time_usec = (uint64_t) seconds * USEC_PER_SEC + (uint64_t) microseconds;
	event.data = json_object_get(message, "data");
	qmp->handler.on_event(qmp, &event, qmp->handler.userdata);
	return 0;
}

/* In words fit for a log, whatever a QEMU that its guest has taken over says. */
static void set_refusal(Fault *fault, const char *command, const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "desc"));

	(void) fault_set(fault, -EREMOTEIO, MVMD_EXIT_VMM, "vmm-refused", "QEMU refused %s: %s",
			 command, text ?: "it does not say why");
	if (fault->what)
		text_clean(fault->what, strlen(fault->what));
	(void) fault_evidence(fault, "request", "%s", command);
	if (text)
		(void) fault_evidence(fault, "vmm_error", "%s", text);
}

static int read_reply(Qmp *qmp, const json_t *message)
{
	_cleanup_(command_free_p) Command *command = NULL;
	const json_t *id = json_object_get(message, "id");
	const json_t *error = json_object_get(message, "error");
	Fault fault = { 0 };

	if (json_is_integer(id))
		command = queue_take(qmp, json_integer_value(id));
	if (!command)
		return broken(qmp, "it answers what nobody asked");

	if (error)
		set_refusal(&fault, command->name, error);
	command_answer(command, error ? &fault : NULL, json_object_get(message, "return"));
	fault_done(&fault);
	return qmp->error ? -EBADMSG : 0;
}

static int read_message(Qmp *qmp)
{
	json_t *message = json_loadb(qmp->line.text, qmp->line.length, 0, NULL);
	int r;

	str_buf_done(&qmp->line);
	if (!json_is_object(message))
		r = broken(qmp, "a line is no JSON object");
	else if (qmp->state == QMP_GREETING)
		r = read_greeting(qmp, message);
	else if (json_object_get(message, "event"))
		r = read_event(qmp, message);
	else
		r = read_reply(qmp, message);
	json_decref(message);
	return r;
}

static int qmp_on_bytes(Channel *channel, const char *bytes, size_t n, void *userdata)
{
	Qmp *qmp = userdata;

	while (n > 0) {
		const char *newline = memchr(bytes, '\n', n);
		size_t length = newline ? (size_t) (newline - bytes) + 1 : n;
		int r;

		if (qmp->line.length + length > LINE_MAX_BYTES)
			return broken(qmp, "a line is too long");
		str_buf_add_bytes(&qmp->line, bytes, length);
		if (qmp->line.failed)
			return -ENOMEM;
		r = newline ? read_message(qmp) : 0;
		if (r < 0)
			return r;
		bytes += length;
		n -= length;
	}
	return 0;
}

static void qmp_on_closed(Channel *channel, int error, void *userdata)
{
	Qmp *qmp = userdata;
	Fault fault = { 0 };

	if (error == -EBADMSG)
		(void) fault_set(&fault, error, MVMD_EXIT_VMM, "vmm-protocol",
				 "QEMU's monitor does not speak as it should: %s", qmp->error);
	else if (error < 0)
		(void) fault_set(&fault, error, MVMD_EXIT_VMM, "vmm-protocol",
				 "the connection to QEMU's monitor broke: %m");
	else
		(void) fault_set(&fault, -ECONNRESET, MVMD_EXIT_VMM, "vmm-protocol",
				 "QEMU closed the connection to its monitor");

	qmp->state = QMP_CLOSED;
	qmp->channel = channel_free(qmp->channel);
	while (qmp->first) {
		Command *command = queue_take(qmp, qmp->first->id);

		command_answer(command, &fault, NULL);
		(void) command_free(command);
	}
	qmp->handler.on_closed(qmp, &fault, qmp->handler.userdata);
	fault_done(&fault);
}

int qmp_new(sd_event *event, int fd, const QmpHandler *handler, Qmp **ret)
{
	_cleanup_(qmp_free_p) Qmp *qmp = calloc(1, sizeof(*qmp));
	ChannelHandler channel_handler = { qmp_on_bytes, qmp_on_closed, qmp };
	int r;

	if (!qmp) {
		(void) close_fd(fd);
		return -ENOMEM;
	}
	qmp->event = sd_event_ref(event);
	qmp->handler = *handler;
	r = channel_new(event, fd, &channel_handler, &qmp->channel);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(qmp);
	return 0;
}

void qmp_rest(const Qmp *qmp, QmpRest *ret)
{
	*ret = (QmpRest){ .fd = qmp->channel ? channel_fd(qmp->channel) : -EBADF,
			  .version = qmp->version,
			  .line = qmp->line.text,
			  .length = qmp->line.length };
}

int qmp_resume(sd_event *event, const QmpRest *rest, const QmpHandler *handler, Qmp **ret)
{
	_cleanup_(qmp_free_p) Qmp *qmp = NULL;
	int r = qmp_new(event, rest->fd, handler, &qmp);

	if (r < 0)
		return r;
	qmp->state = QMP_READY;
	qmp->version = strdup(rest->version);
	str_buf_add_bytes(&qmp->line, rest->line, rest->length);
	if (!qmp->version || qmp->line.failed)
		return -ENOMEM;
	*ret = TAKE_PTR(qmp);
	return 0;
}

int qmp_call(Qmp *qmp, const QmpCall *call)
{
	if (qmp->state != QMP_READY)
		return -ENOTCONN;
	return qmp_send(qmp, call);
}

bool qmp_is_busy(const Qmp *qmp)
{
	return qmp->state != QMP_READY || qmp->first;
}

const char *qmp_version(const Qmp *qmp)
{
	return qmp->version;
}

Qmp *qmp_free(Qmp *qmp)
{
	if (!qmp)
		return NULL;

	while (qmp->first)
		(void) command_free(queue_take(qmp, qmp->first->id));
	qmp->channel = channel_free(qmp->channel);
	str_buf_done(&qmp->line);
	free(qmp->version);
	qmp->event = sd_event_unref(qmp->event);
	free(qmp);
	return NULL;
}
