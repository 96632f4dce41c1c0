/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>

#include "model/http.h"
#include "model/utf8.h"
#include "mvmd/exit-codes.h"
#include "run/ch-api.h"
#include "run/channel.h"
#include "run/timer.h"

#define API_ROOT "/api/v1/"
/* An error body that is no list of strings is quoted, up to this length. */
#define QUOTE_MAX_BYTES 400
/* The first status that is an error. */
#define STATUS_ERROR 300

typedef struct Call Call;
struct Call {
	Call *next;
	ChApi *api;
	char *request;
	const char *endpoint;
	int *fds;
	size_t n_fds;
	ChApiReply on_reply; /* NULL: nobody waits, or no longer */
	void *userdata;
	sd_event_source *deadline;
	bool sent;
};

struct ChApi {
	sd_event *event;
	ChApiHandler handler;
	Channel *channel; /* NULL: the connection ended */
	HttpParser parser;
	Call *first, *last;
};

static Call *call_free(Call *call)
{
	if (!call)
		return NULL;

	call->deadline = sd_event_source_disable_unref(call->deadline);
	secret_free(call->request); /* vm.create's holds the credentials */
	free(call->fds);
	free(call);
	return NULL;
}
DEFINE_CLEANUP(Call *, call_free)

static void call_answer(Call *call, const Fault *fault, const char *body)
{
	ChApiReply on_reply = call->on_reply;

	call->on_reply = NULL;
	if (on_reply)
		on_reply(call->api, fault, body, call->userdata);
}

static Call *queue_pop(ChApi *api)
{
	Call *call = api->first;

	api->first = call->next;
	if (!api->first)
		api->last = NULL;
	return call;
}

static void queue_remove(ChApi *api, Call *call)
{
	Call *before = NULL;

	for (Call *c = api->first; c != call; c = c->next)
		before = c;
	if (before)
		before->next = call->next;
	else
		api->first = call->next;
	if (api->last == call)
		api->last = before;
}

/*
 * The end of the connection: whoever is answered in here finds a closed API and can queue nothing more.
 */
static void api_end(ChApi *api, const Fault *fault)
{
	api->channel = channel_free(api->channel);
	while (api->first) {
		Call *call = queue_pop(api);

		call_answer(call, fault, "");
		(void) call_free(call);
	}
	api->handler.on_closed(api, fault, api->handler.userdata);
}

/* Sends the first call of the queue unless it is on its way already. */
static int api_send_next(ChApi *api)
{
	Call *call = api->first;

	if (!call || call->sent)
		return 0;
	call->sent = true;
	return channel_send(api->channel, call->request, strlen(call->request), call->fds,
			    call->n_fds);
}

/*
 * Errors come as the chain of their causes, a JSON list of strings, the outermost first. The server
 * itself answers with an object that can hold raw newlines and then is no JSON: it is quoted as it is.
 */
static void add_error_text(StrBuf *buf, const char *body)
{
	json_t *chain = json_loads(body, 0, NULL);
	const json_t *cause;
	size_t i;

	if (json_is_array(chain)) {
		json_array_foreach(chain, i, cause)
			str_buf_add(buf, "%s%s", i > 0 ? ": " : "",
				    json_string_value(cause) ?: "?");
	} else {
		str_buf_add_bytes(buf, body, strnlen(body, QUOTE_MAX_BYTES));
	}
	json_decref(chain);
}

/* For a log: in one line, and whatever a VMM that its guest has taken over writes to our terminal. */
static void make_plain(char *text)
{
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	text_clean(text, strlen(text));
}

static void set_refusal(Fault *fault, const char *endpoint, unsigned status, const char *body)
{
	_cleanup_free_ char *text = NULL;
	StrBuf buf = { 0 };

	add_error_text(&buf, body);
	if (str_buf_take(&buf, &text) < 0) {
		(void) fault_oom(fault);
		return;
	}
	make_plain(text);
	if (text[0]) {
		(void) fault_set(fault, -EREMOTEIO, MVMD_EXIT_VMM, "vmm-refused",
				 "cloud-hypervisor refused %s: %s", endpoint, text);
		(void) fault_evidence(fault, "vmm_error", "%s", text);
	} else {
		(void) fault_set(fault, -EREMOTEIO, MVMD_EXIT_VMM, "vmm-refused",
				 "cloud-hypervisor refused %s with status %u and no reason",
				 endpoint, status);
	}
	(void) fault_evidence(fault, "request", "%s", endpoint);
}

/* The parser has a whole response, which answers the first call of the queue. */
static int api_on_response(ChApi *api)
{
	_cleanup_(call_free_p) Call *call = NULL;
	_cleanup_free_ char *body = NULL;
	unsigned status = api->parser.status;
	Fault fault = { 0 };

	if (str_buf_take(&api->parser.body, &body) < 0)
		return -ENOMEM;
	http_parser_done(&api->parser);
	if (!api->first || !api->first->sent)
		return -EBADMSG;

	call = queue_pop(api);
	if (status >= STATUS_ERROR)
		set_refusal(&fault, call->endpoint, status, body);
	call_answer(call, fault.error ? &fault : NULL, body);
	fault_done(&fault);
	return api_send_next(api);
}

static int api_on_bytes(Channel *channel, const char *bytes, size_t n, void *userdata)
{
	ChApi *api = userdata;

	while (n > 0) {
		size_t used = 0;
		int r = http_parser_feed(&api->parser, bytes, n, &used);

		if (r <= 0)
			return r;
		r = api_on_response(api);
		if (r < 0)
			return r;
		bytes += used;
		n -= used;
	}
	return 0;
}

static void api_on_closed(Channel *channel, int error, void *userdata)
{
	ChApi *api = userdata;
	Fault fault = { 0 };

	if (error == -EBADMSG)
		(void) fault_set(&fault, error, MVMD_EXIT_VMM, "vmm-protocol",
				 "cloud-hypervisor's API does not speak as it should: %s",
				 api->parser.error ?: "it answers what nobody asked");
	else if (error < 0)
		(void) fault_set(&fault, error, MVMD_EXIT_VMM, "vmm-protocol",
				 "the connection to cloud-hypervisor's API broke: %m");
	else
		(void) fault_set(&fault, -ECONNRESET, MVMD_EXIT_VMM, "vmm-protocol",
				 "cloud-hypervisor closed the connection to its API");
	api_end(api, &fault);
	fault_done(&fault);
}

int ch_api_new(sd_event *event, int fd, const ChApiHandler *handler, ChApi **ret)
{
	_cleanup_(ch_api_free_p) ChApi *api = calloc(1, sizeof(*api));
	ChannelHandler channel_handler = { api_on_bytes, api_on_closed, api };
	int r;

	if (!api) {
		(void) close_fd(fd);
		return -ENOMEM;
	}
	api->event = sd_event_ref(event);
	api->handler = *handler;
	r = channel_new(event, fd, &channel_handler, &api->channel);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(api);
	return 0;
}

/* A call that was sent stays in the queue: its answer still comes first. */
static int call_on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	Call *call = userdata;
	bool sent = call->sent;
	Fault fault = { 0 };

	call->deadline = sd_event_source_disable_unref(call->deadline);
	if (!sent)
		queue_remove(call->api, call);
	(void) fault_set(&fault, -ETIMEDOUT, MVMD_EXIT_VMM, "vmm-silent",
			 "cloud-hypervisor did not answer %s in time", call->endpoint);
	(void) fault_evidence(&fault, "request", "%s", call->endpoint);
	call_answer(call, &fault, "");
	fault_done(&fault);
	if (!sent)
		(void) call_free(call);
	return 0;
}

static int call_new(ChApi *api, const ChApiCall *wanted, Call **ret)
{
	_cleanup_free_ char *target = str_printf(API_ROOT "%s", wanted->endpoint);
	_cleanup_(call_free_p) Call *call = target ? calloc(1, sizeof(*call)) : NULL;
	int r;

	if (!call)
		return -ENOMEM;
	*call = (Call){
		.api = api,
		.endpoint = wanted->endpoint,
		.n_fds = wanted->n_fds,
		.on_reply = wanted->on_reply,
		.userdata = wanted->userdata,
	};
	r = http_request(wanted->method, target, wanted->body, &call->request);
	if (r < 0)
		return r;
	if (wanted->n_fds > 0) {
		call->fds = calloc(wanted->n_fds, sizeof(*call->fds));
		if (!call->fds)
			return -ENOMEM;
		memcpy(call->fds, wanted->fds, wanted->n_fds * sizeof(*call->fds));
	}
	if (wanted->timeout_usec > 0) {
		r = timer_after(api->event, &call->deadline, wanted->timeout_usec, 0,
				call_on_deadline, call);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(call);
	return 0;
}

int ch_api_call(ChApi *api, const ChApiCall *wanted)
{
	Call *call;
	int r;

	if (!api->channel)
		return -ENOTCONN;
	r = call_new(api, wanted, &call);
	if (r < 0)
		return r;

	if (api->last)
		api->last->next = call;
	else
		api->first = call;
	api->last = call;
	r = api_send_next(api);
	if (r < 0) {
		queue_remove(api, call);
		(void) call_free(call);
	}
	return r;
}

bool ch_api_is_busy(const ChApi *api)
{
	return api->first != NULL;
}

ChApi *ch_api_free(ChApi *api)
{
	if (!api)
		return NULL;

	while (api->first)
		(void) call_free(queue_pop(api));
	api->channel = channel_free(api->channel);
	http_parser_done(&api->parser);
	api->event = sd_event_unref(api->event);
	free(api);
	return NULL;
}
