/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/listener-take.h"
#include "host/oom.h"
#include "host/sock.h"
#include "model/attempts.h"
#include "model/backend-args.h"
#include "model/backend-end.h"
#include "mvmd/exit-codes.h"
#include "run/backend.h"

/* After the first crash it is started again so much later, after each further one twice that. */
static const Backoff restart_backoff = { 100 * USEC_PER_MSEC, 5 * USEC_PER_SEC };
/* The crash with this number is the last one; one that lived so long starts the count anew. */
#define BACKEND_CRASHES_MAX 5
#define BACKEND_STABLE_USEC (60 * USEC_PER_SEC)

/*
 * A backend whose client left exits with status 0, and a guest that dies at its first instruction makes
 * that happen 2.4 times a second (cloud-hypervisor.md §11), the fastest guest of our own some 20 times. One
 * that exits 0 by itself does it hundreds of times a second. So more than this is a crash, too.
 */
#define BACKEND_CLEAN_ENDS_MAX	  400
#define BACKEND_CLEAN_WINDOW_USEC (10 * USEC_PER_SEC)

/*
 * A backend that leaves with its client says nothing of its own. Where it is not to come back, the VMM has this
 * long to be seen as what ended first.
 */
#define BACKEND_CLIENT_GRACE_USEC (200 * USEC_PER_MSEC)

#define BACKEND_STOP_GRACE_USEC (2 * USEC_PER_SEC)

typedef enum BackendState {
	BACKEND_AWAITING, /* there is none yet: one is started for the client that connects */
	BACKEND_RUNNING, /* there is a process */
	BACKEND_WAITING, /* it crashed; timer runs until its restart */
	BACKEND_MISSED, /* it ended while nobody watched; timer runs until that is dealt with */
	BACKEND_LEFT, /* it left and is not to come back; timer runs until that is told */
	BACKEND_STOPPING, /* backend_stop() was called; on_stopped follows */
	BACKEND_GONE, /* on_lost or on_stopped was called */
} BackendState;

struct Backend {
	BackendConfig config;
	BackendHandler handler;
	BackendState state;
	sd_event *event;
	sd_event_source *timer, *stopped_source; /* made at the start: cannot fail later */
	sd_event_source *client_source; /* of the listener, while BACKEND_AWAITING */
	bool served; /* a client has connected before */
	char *label; /* "virtiofsd[data]" */
	char *output; /* the FIFO that it writes to */
	StrList args;
	int listener_fd;
	Child *child; /* NULL: no process */
	uint64_t started_usec;
	OomKills oom_kills; /* counted before that */
	unsigned crashes; /* in a row */
	unsigned clean_ends; /* within the window that began at clean_since_usec */
	uint64_t clean_since_usec;
	unsigned restarts;
	Fault left; /* what BACKEND_LEFT will tell */
};

static void backend_tell_exit(Backend *backend, const ChildEnd *end)
{
	const PlanBackend *plan = backend->config.backend;
	char text[CHILD_END_MAX];
	_cleanup_free_ char *words = str_printf("%s[%s]: %s", backend_kind_to_string(plan->kind),
						plan->id, child_end_to_text(text, end));

	if (words && backend->handler.on_exit)
		backend->handler.on_exit(backend, words, backend->handler.userdata);
}

static void backend_on_exit(Child *child, const ChildEnd *end, void *userdata);

static void backend_on_line(Child *child, const char *line, void *userdata)
{
	Backend *backend = userdata;

	if (backend->handler.on_line)
		backend->handler.on_line(backend, line, backend->handler.userdata);
}

/* Only who serves a share as root needs what root may: files of all owners. */
static bool keeps_capabilities(const PlanBackend *backend)
{
	return backend->kind == BACKEND_VIRTIOFSD && backend->identity.uid == 0;
}

static char *listener_name(const PlanBackend *backend)
{
	return str_printf("listener-%s-%s", backend_device(backend), backend->id);
}

/* Who connects is the VMM, as the VM's user. */
int backend_listen(const BackendConfig *config, int *ret, Fault *fault)
{
	const PlanBackend *backend = config->backend;
	const SockAccess access = { .mode = 0600, .user = config->plan->facts->vm.uid };
	_cleanup_free_ char *name = listener_name(backend);
	int r = name ? sock_listen(backend->socket, &access, ret) : -ENOMEM;

	if (r == 0) {
		if (config->kept)
			kept_add(config->kept, name, *ret);
		return 0;
	}
	(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "listener", "cannot listen on %s: %m",
			 backend->socket);
	(void) fault_evidence(fault, "path", "%s", backend->socket);
	return fault_remedy(fault, "ulimit -n; namei -l %s", backend->socket);
}

/* One that another process has already at the same path, with its queue. -EBADF: nobody keeps it. */
static int find_listener(const BackendConfig *config, const StateProcess *process)
{
	_cleanup_free_ char *name = listener_name(config->backend);
	int fd = name && config->kept ? kept_take(config->kept, name) : -EBADF;

	if (fd >= 0 || backend_serves_a_connection(config->backend))
		return fd;
	fd = listener_take(process, BACKEND_LISTENER_FD);
	if (fd < 0)
		return -EBADF;
	if (name && config->kept)
		kept_add(config->kept, name, fd);
	return fd;
}

/* fd: the listener, or the client's connection. */
static int backend_spawn_with(Backend *backend, int fd, Fault *fault)
{
	const PlanBackend *plan = backend->config.backend;
	const ChildHandler handler = { .on_exit = backend_on_exit,
				       .on_line = backend_on_line,
				       .userdata = backend };
	const SpawnFd given = { .fd = fd, .number = BACKEND_LISTENER_FD };
	const SpawnConfig config = {
		.path = backend->args.items[0],
		.argv = backend->args.items,
		.fds = &given,
		.n_fds = 1,
		.identity = &plan->identity,
		.keep_capabilities = keeps_capabilities(plan),
	};
	int r;

	r = child_start(backend->event, &(ChildConfig){ backend->label, backend->output, &config },
			&handler, &backend->child, fault);
	if (r < 0)
		return r;
	backend->state = BACKEND_RUNNING;
	return 0;
}

static void backend_crashed(Backend *backend, Fault *fault);

static int accept_fault(const Backend *backend, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "listener",
			 "cannot take the connection on %s: %m", backend->config.backend->socket);
	(void) fault_evidence(fault, "path", "%s", backend->config.backend->socket);
	return fault_remedy(fault, "ulimit -n");
}

/* The VMM connects, at its start or anew: its process begins, and has that connection alone. */
static int backend_on_client(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	Backend *backend = userdata;
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_close_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	int r = client < 0 ? -errno : 0;

	if (r == -EAGAIN || r == -EINTR || r == -ECONNABORTED)
		return 0;
	backend->client_source = sd_event_source_disable_unref(backend->client_source);
	oom_kills_read(&backend->oom_kills);
	backend->started_usec = now_usec();
	r = r < 0 ? accept_fault(backend, r, &fault) : backend_spawn_with(backend, client, &fault);
	if (r < 0) {
		backend_crashed(backend, &fault);
		return 0;
	}
	backend->restarts += backend->served;
	backend->served = true;
	if (backend->handler.on_restart)
		backend->handler.on_restart(backend, backend->handler.userdata);
	return 0;
}

static int backend_await_client(Backend *backend, Fault *fault)
{
	int r = sd_event_add_io(backend->event, &backend->client_source, backend->listener_fd,
				EPOLLIN, backend_on_client, backend);

	if (r < 0)
		return accept_fault(backend, r, fault);
	backend->state = BACKEND_AWAITING;
	return 0;
}

/* A process with the listener, or the wait for the client that it is to have. */
static int backend_spawn(Backend *backend, Fault *fault)
{
	int r;

	oom_kills_read(&backend->oom_kills);
	backend->started_usec = now_usec(); /* of a start that fails, too: it is no long life */
	r = backend->listener_fd >= 0 ?
		    0 :
		    backend_listen(&backend->config, &backend->listener_fd, fault);
	if (r < 0)
		return r;
	if (backend_serves_a_connection(backend->config.backend))
		return backend_await_client(backend, fault);
	return backend_spawn_with(backend, backend->listener_fd, fault);
}

/* Wherever it is kept: else a VMM would wait on it for an answer. */
static void close_listener(Backend *backend)
{
	_cleanup_free_ char *name = listener_name(backend->config.backend);

	if (name && backend->config.kept)
		kept_remove(backend->config.kept, name);
	backend->client_source = sd_event_source_disable_unref(backend->client_source);
	backend->listener_fd = close_fd(backend->listener_fd);
}

/*
 * No more: the listener is closed first, for a VMM that waits in the backlog for a handshake would wait
 * for ever. The backend may be freed by the handler.
 */
static void backend_lose(Backend *backend, Fault *fault)
{
	close_listener(backend);
	backend->state = BACKEND_GONE;
	backend->handler.on_lost(backend, fault, backend->handler.userdata);
}

static uint64_t restart_delay_usec(unsigned crashes)
{
	uint32_t random = 0;

	(void) !getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return backoff_usec(&restart_backoff, crashes, random);
}

/* backend_on_time() goes on from that state. */
static void backend_wait(Backend *backend, BackendState state, uint64_t usec)
{
	backend->state = state;
	(void) sd_event_source_set_time_relative(backend->timer, usec);
	(void) sd_event_source_set_enabled(backend->timer, SD_EVENT_ONESHOT);
}

/* Counts a crash (or a start that failed), and starts again later or gives up. */
static void backend_crashed(Backend *backend, Fault *fault)
{
	if (now_usec() - backend->started_usec >= BACKEND_STABLE_USEC)
		backend->crashes = 0;
	backend->crashes++;

	if (backend_end_is_hopeless(fault)) {
		backend_lose(backend, fault);
		return;
	}
	if (backend->crashes >= BACKEND_CRASHES_MAX) {
		backend_end_is_the_last(backend->crashes, fault);
		backend_lose(backend, fault);
		return;
	}

	backend_end_is_survived(backend->config.backend, backend->crashes, fault);
	backend_wait(backend, BACKEND_WAITING, restart_delay_usec(backend->crashes));
	backend->handler.on_crash(backend, fault, backend->handler.userdata);
}

static void backend_restart(Backend *backend)
{
	_cleanup_(fault_done) Fault fault = { 0 };

	backend->restarts += !backend_serves_a_connection(backend->config.backend);
	if (backend_spawn(backend, &fault) < 0)
		backend_crashed(backend, &fault);
	else if (backend->state == BACKEND_RUNNING && backend->handler.on_restart)
		backend->handler.on_restart(backend, backend->handler.userdata);
}

/* The policy says that it is not to come back: why that is so, and what the VM comes to. */
static void backend_left(Backend *backend, bool clean, Fault *fault)
{
	backend_end_is_the_vms(backend->config.plan, backend->config.backend, fault);
	if (!clean) {
		backend_lose(backend, fault);
		return;
	}
	fault_move(&backend->left, fault);
	backend_wait(backend, BACKEND_LEFT, BACKEND_CLIENT_GRACE_USEC);
}

/*
 * virtiofsd leaves with its client (exit status 0), and cloud-hypervisor's guest reboots by leaving and coming
 * back (cloud-hypervisor.md §3.5): no policy takes that for a loss. qemu-storage-daemon stays.
 */
static bool leaves_with_client(const Backend *backend, bool clean)
{
	const BackendConfig *config = &backend->config;

	return clean && !config->backend->disk &&
	       (config->backend->on_exit == BACKEND_RESPAWN ||
		config->plan->vmm == VMM_CLOUD_HYPERVISOR);
}

/* True where a clean end is one of so many that nobody's reboots explain them. */
static bool clean_ends_are_a_loop(Backend *backend)
{
	uint64_t now = now_usec();

	if (now - backend->clean_since_usec >= BACKEND_CLEAN_WINDOW_USEC) {
		backend->clean_since_usec = now;
		backend->clean_ends = 0;
	}
	return ++backend->clean_ends > BACKEND_CLEAN_ENDS_MAX;
}

/* facts: of its process, which is gone. */
static void backend_ended(Backend *backend, const EndFacts *facts)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	/* Who is no child of ours may leave without telling how: mostly that is with its client, at a guest's reboot. */
	bool clean = child_end_is_clean(&facts->end) || child_end_is_unknown(&facts->end);
	bool with_client;

	(void) fault_backend_ended(backend->config.plan, backend->config.backend, facts, &fault);
	backend->child = child_free(backend->child);
	backend_tell_exit(backend, &facts->end);

	if (backend->state == BACKEND_STOPPING) {
		backend->state = BACKEND_GONE;
		backend->handler.on_stopped(backend, backend->handler.userdata);
		return;
	}
	with_client = leaves_with_client(backend, clean);
	if (with_client && !clean_ends_are_a_loop(backend)) {
		backend_restart(backend);
		return;
	}
	if (with_client)
		(void) fault_why(&fault,
				 "its client has left it %d times in %d s: a guest that reboots "
				 "without end does that, too",
				 BACKEND_CLEAN_ENDS_MAX,
				 (int) (BACKEND_CLEAN_WINDOW_USEC / USEC_PER_SEC));
	if (backend->config.backend->on_exit == BACKEND_RESPAWN)
		backend_crashed(backend, &fault);
	else
		backend_left(backend, clean && !with_client, &fault);
}

static void backend_on_exit(Child *child, const ChildEnd *end, void *userdata)
{
	Backend *backend = userdata;
	EndFacts facts = { .end = *end,
			   .last_words = child_last_words(child),
			   .oom_before = backend->oom_kills };

	oom_kills_read(&facts.oom_after);
	backend_ended(backend, &facts);
}

static int backend_on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	Backend *backend = userdata;
	_cleanup_(fault_done) Fault fault = { 0 };

	if (backend->state == BACKEND_MISSED) {
		backend_ended(backend, &(EndFacts){ .last_words = "" });
	} else if (backend->state == BACKEND_LEFT) {
		fault_move(&fault, &backend->left);
		backend_lose(backend, &fault);
	} else {
		backend_restart(backend);
	}
	return 0;
}

static int backend_on_stopped(sd_event_source *source, void *userdata)
{
	Backend *backend = userdata;

	backend->state = BACKEND_GONE;
	backend->handler.on_stopped(backend, backend->handler.userdata);
	return 0;
}

/* Makes both sources, switched off. */
static int backend_add_sources(Backend *backend)
{
	int r;

	r = sd_event_add_time(backend->event, &backend->timer, CLOCK_MONOTONIC, UINT64_MAX, 0,
			      backend_on_time, backend);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(backend->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = sd_event_add_defer(backend->event, &backend->stopped_source, backend_on_stopped,
			       backend);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(backend->stopped_source, SD_EVENT_OFF);
}

/* Takes listener_fd. NULL: out of memory. */
static Backend *backend_new(sd_event *event, const BackendConfig *config, int listener_fd,
			    const BackendHandler *handler)
{
	const PlanBackend *plan = config->backend;
	Backend *backend = calloc(1, sizeof(*backend));

	if (!backend) {
		(void) close_fd(listener_fd);
		return NULL;
	}
	backend->config = *config;
	backend->handler = *handler;
	backend->listener_fd = listener_fd;
	backend->event = sd_event_ref(event);
	backend->restarts = config->restarts;
	backend->label = str_printf("%s[%s]", backend_kind_to_string(plan->kind), plan->id);
	backend->output = str_printf("%s.log", plan->socket);
	if (!backend->label || !backend->output ||
	    backend_args(config->plan, plan, &backend->args) < 0)
		return backend_free(backend);
	return backend;
}

/* Makes one that has no process yet. 0 or -errno with fault. */
static int backend_prepare(sd_event *event, const BackendConfig *config, int listener_fd,
			   const BackendHandler *handler, Backend **ret, Fault *fault)
{
	_cleanup_(backend_free_p) Backend *backend =
		backend_new(event, config, listener_fd, handler);
	int r;

	if (!backend)
		return fault_oom(fault);
	r = backend_add_sources(backend);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "backend-start",
				 "cannot prepare %s: %m", backend->label);
		(void) fault_evidence(fault, "backend", "%s", backend->label);
		return fault_remedy(fault, "ulimit -n");
	}
	*ret = TAKE_PTR(backend);
	return 0;
}

int backend_start(sd_event *event, const BackendConfig *config, int listener_fd,
		  const BackendHandler *handler, Backend **ret, Fault *fault)
{
	_cleanup_(backend_free_p) Backend *backend = NULL;
	int r = backend_prepare(event, config, listener_fd, handler, &backend, fault);

	if (r < 0 || !backend)
		return r;
	r = backend_spawn(backend, fault);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(backend);
	return 0;
}

/* The process has no listener that we could take, and the VMM may come back at any time. Without one, it is awaited. */
static int adopt_connection(Backend *backend, const StateProcess *process, Fault *fault)
{
	int r = 0;

	backend->served = process->pid > 0;
	if (process->pid == 0)
		return backend_spawn(backend, fault);
	if (backend->listener_fd < 0)
		r = backend_listen(&backend->config, &backend->listener_fd, fault);
	return r;
}

int backend_adopt(sd_event *event, const BackendConfig *config, const StateProcess *process,
		  const BackendHandler *handler, Backend **ret, Fault *fault)
{
	ChildHandler child_handler = { .on_exit = backend_on_exit, .on_line = backend_on_line };
	_cleanup_(backend_free_p) Backend *backend = NULL;
	int r = backend_prepare(event, config, find_listener(config, process), handler, &backend,
				fault);

	if (r < 0 || !backend)
		return r;
	if (backend_serves_a_connection(config->backend)) {
		r = adopt_connection(backend, process, fault);
		if (r < 0)
			return r;
		if (process->pid == 0) {
			*ret = TAKE_PTR(backend);
			return 0;
		}
	}
	child_handler.userdata = backend;
	oom_kills_read(&backend->oom_kills);
	backend->started_usec = now_usec();
	r = child_adopt(event, &(ChildConfig){ backend->label, backend->output, NULL }, process,
			&child_handler, &backend->child);
	if (r == -ESRCH)
		backend_wait(backend, BACKEND_MISSED, 0);
	else if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "backend-start",
				 "cannot take over %s, pid %d: %m", backend->label, process->pid);
	*ret = TAKE_PTR(backend);
	return 0;
}

void backend_let_go(Backend *backend)
{
	if (backend->child)
		child_let_go(backend->child);
	backend->child = child_free(backend->child);
	(void) sd_event_source_set_enabled(backend->timer, SD_EVENT_OFF);
	backend->client_source = sd_event_source_disable_unref(backend->client_source);
	backend->listener_fd = close_fd(backend->listener_fd);
	backend->state = BACKEND_GONE;
}

void backend_stop(Backend *backend)
{
	if (backend->state == BACKEND_STOPPING)
		return;

	backend->state = BACKEND_STOPPING;
	close_listener(backend);
	(void) sd_event_source_set_enabled(backend->timer, SD_EVENT_OFF);
	if (backend->child)
		child_stop(backend->child, BACKEND_STOP_GRACE_USEC);
	else
		(void) sd_event_source_set_enabled(backend->stopped_source, SD_EVENT_ONESHOT);
}

const PlanBackend *backend_plan(const Backend *backend)
{
	return backend->config.backend;
}

pid_t backend_pid(const Backend *backend)
{
	return backend->child ? child_pid(backend->child) : 0;
}

unsigned backend_restarts(const Backend *backend)
{
	return backend->restarts;
}

Backend *backend_free(Backend *backend)
{
	if (!backend)
		return NULL;

	backend->child = child_free(backend->child);
	backend->timer = sd_event_source_disable_unref(backend->timer);
	backend->client_source = sd_event_source_disable_unref(backend->client_source);
	backend->stopped_source = sd_event_source_disable_unref(backend->stopped_source);
	backend->event = sd_event_unref(backend->event);
	(void) close_fd(backend->listener_fd);
	str_list_done(&backend->args);
	fault_done(&backend->left);
	free(backend->label);
	free(backend->output);
	free(backend);
	return NULL;
}
