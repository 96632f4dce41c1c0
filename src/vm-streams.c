/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/log.h"
#include "model/console-lines.h"
#include "run/throttle.h"
#include "vm-streams.h"

typedef struct Stream {
	LogStream log;
	char *label;
	Throttle *throttle; /* NULL: nothing bounds it */
} Stream;

struct VmStreams {
	sd_event *event;
	const Plan *plan;
	Stream vmm, console;
	Stream *backends; /* as in the plan */
	ConsoleLines *lines; /* NULL: the console goes elsewhere */
	sd_event_source *prompt_timer;
	uint64_t n_ended_before; /* lines of the console when the timer was set */
};

static void on_line(const char *line, void *userdata)
{
	const Stream *stream = userdata;

	log_stream_line(&stream->log, line);
}

static void on_gap(uint64_t lines, void *userdata)
{
	const Stream *stream = userdata;

	log_stream_gap(&stream->log, lines);
}

/* label is the stream's from now on; NULL: out of memory. */
static int stream_init(Stream *stream, sd_event *event, char *label, const LogStream *log)
{
	const ThrottleHandler handler = { on_line, on_gap, stream };

	stream->label = label;
	stream->log = *log;
	stream->log.label = label;
	if (!label)
		return -ENOMEM;
	return log_is_journal() ? throttle_new(event, &handler, &stream->throttle) : 0;
}

static void stream_line(Stream *stream, const char *line)
{
	if (stream->throttle)
		throttle_line(stream->throttle, line);
	else
		on_line(line, stream);
}

static void stream_flush(Stream *stream)
{
	if (stream->throttle)
		throttle_flush(stream->throttle);
}

static void stream_done(Stream *stream)
{
	(void) throttle_free(stream->throttle);
	free(stream->label);
}

static int init_backends(VmStreams *streams, const Plan *plan)
{
	int r = 0;

	streams->backends = calloc(plan->n_backends ?: 1, sizeof(*streams->backends));
	if (!streams->backends)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < plan->n_backends; i++) {
		const PlanBackend *backend = &plan->backends[i];
		const LogStream log = { .message_id = MVMD_MESSAGE_CHILD,
					.stream = MVMD_STREAM_BACKEND,
					.backend = backend->id };

		r = stream_init(
			&streams->backends[i], streams->event,
			str_printf("%s[%s]", backend_kind_to_string(backend->kind), backend->id),
			&log);
	}
	return r;
}

int vm_streams_new(sd_event *event, const Plan *plan, VmStreams **ret)
{
	const LogStream vmm = { .message_id = MVMD_MESSAGE_CHILD, .stream = MVMD_STREAM_VMM };
	const LogStream console = { .message_id = MVMD_MESSAGE_CONSOLE,
				    .stream = MVMD_STREAM_CONSOLE };
	_cleanup_(vm_streams_free_p) VmStreams *streams = calloc(1, sizeof(*streams));
	int r;

	if (!streams)
		return -ENOMEM;
	streams->event = sd_event_ref(event);
	streams->plan = plan;
	r = stream_init(&streams->vmm, event, strdup(vmm_kind_to_string(plan->vmm)), &vmm);
	if (r == 0)
		r = stream_init(&streams->console, event, strdup("console"), &console);
	if (r == 0)
		r = init_backends(streams, plan);
	if (r < 0)
		return r;
	if (log_is_journal() && !(streams->lines = calloc(1, sizeof(*streams->lines))))
		return -ENOMEM;
	*ret = TAKE_PTR(streams);
	return 0;
}

static Stream *stream_of(VmStreams *streams, const PlanBackend *backend)
{
	return &streams->backends[backend - streams->plan->backends];
}

void vm_streams_vmm_line(VmStreams *streams, const char *line)
{
	stream_line(&streams->vmm, line);
}

void vm_streams_backend_line(VmStreams *streams, const PlanBackend *backend, const char *line)
{
	stream_line(stream_of(streams, backend), line);
}

void vm_streams_backend_ended(VmStreams *streams, const PlanBackend *backend)
{
	stream_flush(stream_of(streams, backend));
}

static void on_console_line(const char *line, void *userdata)
{
	VmStreams *streams = userdata;

	stream_line(&streams->console, line);
}

static void await_rest_of_line(VmStreams *streams);

/* What began after the timer was set has its whole time still. */
static int on_prompt(sd_event_source *source, uint64_t usec, void *userdata)
{
	VmStreams *streams = userdata;

	streams->prompt_timer = sd_event_source_disable_unref(streams->prompt_timer);
	if (streams->lines->n_ended == streams->n_ended_before)
		console_lines_flush(streams->lines, on_console_line, streams);
	else
		await_rest_of_line(streams);
	return 0;
}

/* Without a timer it is a line when the rest comes, or at the end. */
static void await_rest_of_line(VmStreams *streams)
{
	if (streams->lines->length == 0 || streams->prompt_timer)
		return;
	streams->n_ended_before = streams->lines->n_ended;
	(void) sd_event_add_time_relative(streams->event, &streams->prompt_timer, CLOCK_MONOTONIC,
					  CONSOLE_PROMPT_USEC, 0, on_prompt, streams);
}

void vm_streams_console(VmStreams *streams, const char *bytes, size_t n)
{
	if (!streams->lines)
		return;
	console_lines_add(streams->lines, bytes, n, on_console_line, streams);
	await_rest_of_line(streams);
}

void vm_streams_flush(VmStreams *streams)
{
	streams->prompt_timer = sd_event_source_disable_unref(streams->prompt_timer);
	if (streams->lines)
		console_lines_flush(streams->lines, on_console_line, streams);
	stream_flush(&streams->vmm);
	stream_flush(&streams->console);
	for (size_t i = 0; i < streams->plan->n_backends; i++)
		stream_flush(&streams->backends[i]);
}

VmStreams *vm_streams_free(VmStreams *streams)
{
	if (!streams)
		return NULL;
	(void) sd_event_source_disable_unref(streams->prompt_timer);
	stream_done(&streams->vmm);
	stream_done(&streams->console);
	for (size_t i = 0; streams->backends && i < streams->plan->n_backends; i++)
		stream_done(&streams->backends[i]);
	free(streams->backends);
	free(streams->lines);
	(void) sd_event_unref(streams->event);
	free(streams);
	return NULL;
}
