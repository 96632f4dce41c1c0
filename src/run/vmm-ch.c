/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "host/fifo.h"
#include "model/ch-config.h"
#include "model/ch-events.h"
#include "mvmd/exit-codes.h"
#include "run/ch-api.h"
#include "run/vmm-internal.h"

/* Under these numbers cloud-hypervisor gets its two descriptors. */
#define API_FD	  3
#define EVENTS_FD 4
_Static_assert(VMM_HELD_FD == EVENTS_FD + 1, "the held ones are behind these");

/*
 * What does not fit into the pipe is lost, so it holds far more than a guest causes between two turns of
 * our loop (/proc/sys/fs/pipe-max-size is 1 MiB unless the host says otherwise).
 */
#define EVENTS_PIPE_BYTES (1024 * 1024)
#define EVENTS_READ_BYTES 8192

/* cloud-hypervisor refuses to start with less (vmm/src/landlock.rs of v53: ABI::V3, a hard requirement). */
#define LANDLOCK_ABI_MIN 3

typedef struct ChVmm {
	ChApi *api;
	int events_fd;
	sd_event_source *events_source;
	ChEventReader reader;
	size_t next_nic; /* of vmm_create() */
	bool booted; /* VMM_BOOTED was told */
	bool deleted; /* the VM is gone for good: no power-off of the guest */
} ChVmm;

static int too_old(const Vmm *vmm, const char *version, Fault *fault)
{
	(void) fault_set(fault, -EPROTONOSUPPORT, MVMD_EXIT_UNAVAILABLE, "vmm-too-old",
			 "cloud-hypervisor %s at %s is too old", version,
			 vmm->plan->vmm_program->path);
	(void) fault_why(fault,
			 "mvmd needs v%d: older ones cannot tell a guest's power-off from a crash "
			 "and end when a backend is lost",
			 CLOUD_HYPERVISOR_MAJOR_MIN);
	(void) fault_remedy(fault,
			    "install cloud-hypervisor v%d or newer, or set \"vmm\": \"qemu\"",
			    CLOUD_HYPERVISOR_MAJOR_MIN);
	return -EPROTONOSUPPORT;
}

/* tap: whose descriptors go with the call; NULL: none */
static int api_call(Vmm *vmm, const char *endpoint, const char *body, const Tap *tap,
		    ChApiReply on_reply)
{
	ChVmm *ch = vmm->state;
	const ChApiCall call = {
		.method = "PUT",
		.endpoint = endpoint,
		.body = body,
		.fds = tap ? tap->fds : NULL,
		.n_fds = tap ? tap->n_fds : 0,
		.on_reply = on_reply,
		.userdata = vmm,
	};

	return ch->api ? ch_api_call(ch->api, &call) : -ENOTCONN;
}

static int get(Vmm *vmm, const char *endpoint, ChApiReply on_reply)
{
	ChVmm *ch = vmm->state;
	const ChApiCall call = {
		.method = "GET",
		.endpoint = endpoint,
		.on_reply = on_reply,
		.userdata = vmm,
	};

	return ch->api ? ch_api_call(ch->api, &call) : -ENOTCONN;
}

/*
 * A guest that powers off leaves "shutdown" as the last event (--no-shutdown); when cloud-hypervisor itself
 * gives up, "deleted" follows and the process ends. Which of the two it is, is known once its VMM thread is
 * back in its loop: it then answers a ping (vmm/src/lib.rs of v53: control_loop, vmm_shutdown).
 */
static void on_ping_after_shutdown(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	Vmm *vmm = userdata;
	ChVmm *ch = vmm->state;

	if (!fault && !ch->deleted)
		vmm_tell(vmm, VMM_GUEST_OFF, NULL);
}

/* By its reply or by its event, whichever is read first: what happens in the guest comes after both. */
static void tell_booted(Vmm *vmm)
{
	ChVmm *ch = vmm->state;

	if (ch->booted)
		return;
	ch->booted = true;
	vmm_tell(vmm, VMM_BOOTED, NULL);
}

static void on_ch_event(const ChEvent *event, void *userdata)
{
	Vmm *vmm = userdata;
	ChVmm *ch = vmm->state;

	switch (event->kind) {
	case CH_EVENT_BOOTED:
		tell_booted(vmm);
		break;
	case CH_EVENT_REBOOTING:
		vmm_tell(vmm, VMM_REBOOTING, NULL);
		break;
	case CH_EVENT_REBOOTED:
		vmm_tell(vmm, VMM_REBOOTED, NULL);
		break;
	case CH_EVENT_SHUTDOWN:
		if (!vmm->quitting)
			(void) get(vmm, "vmm.ping", on_ping_after_shutdown);
		break;
	case CH_EVENT_DELETED:
		ch->deleted = true;
		break;
	case CH_EVENT_ACTIVATED:
		vmm_tell(vmm, VMM_ACTIVATED, event->device);
		break;
	case CH_EVENT_PANIC:
		vmm_tell(vmm, VMM_GUEST_PANIC, NULL);
		break;
	case CH_EVENT_OTHER:
	case _CH_EVENT_MAX:
		break;
	}
}

/* Returns 1 after data, 0 where there is none now, or -errno; -EPIPE at the end. */
static int read_events(Vmm *vmm)
{
	ChVmm *ch = vmm->state;
	char buffer[EVENTS_READ_BYTES];
	ssize_t n = read(ch->events_fd, buffer, sizeof(buffer));
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	r = ch_event_reader_feed(&ch->reader, buffer, (size_t) n, on_ch_event, vmm);
	return r < 0 ? r : 1;
}

static void close_events(ChVmm *ch)
{
	ch->events_source = sd_event_source_disable_unref(ch->events_source);
	ch->events_fd = close_fd(ch->events_fd);
}

static int on_events_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Vmm *vmm = userdata;
	int r = read_events(vmm);

	if (r >= 0)
		return 0;
	close_events(vmm->state);
	if (r == -EPIPE)
		vmm_expect_exit(vmm);
	else
		vmm_tell_error(vmm, r);
	return 0;
}

/*
 * A call that fails because the connection ended is not told here: on_api_closed() comes next and sees to it.
 */
static void tell_call_failed(Vmm *vmm, const Fault *fault)
{
	if (fault->error == -EREMOTEIO || fault->error == -ETIMEDOUT)
		vmm_tell_failed(vmm, fault);
}

/* Reads the reply of vmm.ping. */
static int take_version(Vmm *vmm, const char *body, Fault *fault)
{
	json_t *reply = json_loads(body, 0, NULL);
	const char *version = json_string_value(json_object_get(reply, "version"));
	char *end = NULL;
	unsigned long major = version ? strtoul(version, &end, 10) : 0;
	int r = 0;

	if (!end || *end != '.')
		r = fault_set(fault, -EBADMSG, MVMD_EXIT_VMM, "vmm-protocol",
			      "cloud-hypervisor does not tell its version");
	else if (major < CLOUD_HYPERVISOR_MAJOR_MIN)
		r = too_old(vmm, version, fault);
	else if (vmm_set_version(vmm, version) < 0)
		r = fault_oom(fault);
	json_decref(reply);
	return r;
}

/* vmm/src/vm.rs of v53: enum VmState; an error where there is no VM yet. */
static VmmFound found_of(const char *state)
{
	static const char *const states[_VMM_FOUND_MAX] = {
		[VMM_FOUND_RUNNING] = "Running",
		[VMM_FOUND_PAUSED] = "Paused",
		[VMM_FOUND_OFF] = "Shutdown",
		[VMM_FOUND_NO_GUEST] = "Created",
	};

	for (size_t i = 0; i < ELEMENTSOF(states); i++)
		if (states[i] && streq_null(state, states[i]))
			return (VmmFound) i;
	return VMM_FOUND_RUNNING; /* "BreakPoint": a debugger holds it */
}

static void on_info(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	Vmm *vmm = userdata;
	ChVmm *ch = vmm->state;
	json_t *info;

	if (fault && fault->error != -EREMOTEIO) {
		tell_call_failed(vmm, fault);
		return;
	}
	info = fault ? NULL : json_loads(body, 0, NULL);
	vmm->found = fault ? VMM_FOUND_NO_GUEST :
			     found_of(json_string_value(json_object_get(info, "state")));
	json_decref(info);
	ch->booted = vmm->found != VMM_FOUND_NO_GUEST;
	vmm_tell(vmm, VMM_READY, NULL);
}

static void on_ping(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	Vmm *vmm = userdata;
	Fault version_fault = { 0 };

	if (fault)
		tell_call_failed(vmm, fault);
	else if (take_version(vmm, body, &version_fault) < 0)
		vmm_tell_failed(vmm, &version_fault);
	else if (!vmm->adopted)
		vmm_tell(vmm, VMM_READY, NULL);
	else if (get(vmm, "vm.info", on_info) < 0)
		vmm_tell_error(vmm, -ENOMEM);
	fault_done(&version_fault);
}

static void on_api_closed(ChApi *api, const Fault *fault, void *userdata)
{
	Vmm *vmm = userdata;
	ChVmm *ch = vmm->state;

	ch->api = ch_api_free(ch->api);
	if (fault->error == -ECONNRESET || fault->error == -EPIPE)
		vmm_expect_exit(vmm);
	else
		vmm_tell_failed(vmm, fault);
}

static int add_next_nic(Vmm *vmm);

static void on_created(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	Vmm *vmm = userdata;
	ChVmm *ch = vmm->state;
	int r;

	if (fault) {
		tell_call_failed(vmm, fault);
		return;
	}
	if (ch->next_nic == vmm->plan->n_nics) {
		vmm_tell(vmm, VMM_CREATED, NULL);
		return;
	}
	r = add_next_nic(vmm);
	if (r < 0)
		vmm_tell_error(vmm, r);
}

/* Descriptors do not go with vm.create, but with vm.add-net, which only amends the configuration here. */
static int add_next_nic(Vmm *vmm)
{
	ChVmm *ch = vmm->state;
	_cleanup_free_ char *body = NULL;
	size_t i = ch->next_nic++;
	int r;

	r = ch_config_nic(vmm->plan, &vmm->plan->nics[i], &body);
	return r < 0 ? r : api_call(vmm, "vm.add-net", body, &vmm->resources.taps[i], on_created);
}

static void add_directory_of(const char *file, StrList *list)
{
	_cleanup_free_ char *resolved = file ? realpath(file, NULL) : NULL;
	char *slash = resolved ? strrchr(resolved, '/') : NULL;

	if (!slash)
		return; /* the boot will say what is wrong with it */
	if (slash == resolved)
		slash++;
	*slash = '\0';
	if (!str_list_contains(list, resolved))
		str_list_add(list, "%s", resolved);
}

/*
 * cloud-hypervisor opens kernel, initramfs and firmware anew at every guest reboot, but its rules are for the
 * files that were there at vm.create: a kernel that a package update replaced would end the VM at its
 * next reboot. So their directories are readable.
 */
static int make_config(const Plan *plan, const SmbiosStrings *strings, char **ret)
{
	bool landlock = plan->facts->landlock_abi >= LANDLOCK_ABI_MIN;
	StrList readable = { 0 };
	int r;

	add_directory_of(plan->spec->boot.kernel, &readable);
	add_directory_of(plan->spec->boot.initramfs, &readable);
	add_directory_of(plan->spec->boot.firmware, &readable);
	r = readable.failed ? -ENOMEM :
			      ch_config_vm(plan, landlock ? &readable : NULL, strings, ret);
	str_list_done(&readable);
	return r;
}

static int ch_create(Vmm *vmm)
{
	ChVmm *ch = vmm->state;
	_cleanup_(secret_free_p) char *body = NULL;
	int r;

	r = make_config(vmm->plan, vmm->resources.smbios, &body);
	if (r < 0)
		return r;
	smbios_strings_done(vmm->resources.smbios);
	ch->next_nic = 0;
	return api_call(vmm, "vm.create", body, NULL, on_created);
}

static void on_booted(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	Vmm *vmm = userdata;

	if (!fault)
		tell_booted(vmm);
	else
		tell_call_failed(vmm, fault);
}

static int ch_boot(Vmm *vmm)
{
	return api_call(vmm, "vm.boot", NULL, NULL, on_booted);
}

static void on_power_button(ChApi *api, const Fault *fault, const char *body, void *userdata)
{
	vmm_take_power_button_reply(userdata, fault);
}

static int ch_power_button(Vmm *vmm)
{
	ChVmm *ch = vmm->state;
	const ChApiCall call = {
		.method = "PUT",
		.endpoint = "vm.power-button",
		.timeout_usec = POWER_BUTTON_TIMEOUT_USEC,
		.on_reply = on_power_button,
		.userdata = vmm,
	};

	return ch->api ? ch_api_call(ch->api, &call) : -ENOTCONN;
}

/* While vm.boot waits for a backend nothing else is answered: then only a signal is left. */
static int ch_quit(Vmm *vmm)
{
	const ChVmm *ch = vmm->state;

	if (!ch->api || ch_api_is_busy(ch->api))
		return -EBUSY;
	return api_call(vmm, "vmm.shutdown", NULL, NULL, NULL);
}

static bool ch_is_busy(const Vmm *vmm)
{
	const ChVmm *ch = vmm->state;

	return !ch->api || ch_api_is_busy(ch->api);
}

/*
 * The pipe may still hold what it said last: no more than fits into it, for a process of its own that keeps
 * the other end could fill it for ever.
 */
static void ch_on_exit(Vmm *vmm)
{
	ChVmm *ch = vmm->state;

	for (size_t left = EVENTS_PIPE_BYTES / EVENTS_READ_BYTES; left > 0; left--)
		if (ch->events_fd < 0 || read_events(vmm) <= 0)
			break;
	close_events(ch);
	ch->api = ch_api_free(ch->api);
}

static char *events_path(const Vmm *vmm)
{
	return str_printf("%s.events", vmm->plan->vmm_socket);
}

/* A FIFO: cloud-hypervisor's events, too, wait for the next supervisor. */
static int open_events(const Vmm *vmm, int *ret_reader, int *ret_writer)
{
	_cleanup_free_ char *path = events_path(vmm);
	int r = path ? fifo_make(path, ret_reader, ret_writer) : -ENOMEM;

	/* A smaller pipe is worse, not wrong: an unprivileged user's are limited. */
	if (r == 0)
		(void) fcntl(*ret_writer, F_SETPIPE_SZ, EVENTS_PIPE_BYTES);
	return r;
}

/*
 * The guest's serial line is stdin and stdout, the same open description: cloud-hypervisor makes it
 * non-blocking through stdin, so that an unread console cannot stop the guest.
 */
static int spawn_ch(Vmm *vmm, int listener, int events, Fault *fault)
{
	const SpawnFd fds[] = {
		{ vmm->resources.console_fd, STDIN_FILENO },
		{ vmm->resources.console_fd, STDOUT_FILENO },
		{ listener, API_FD },
		{ events, EVENTS_FD },
	};
	StrList args = { 0 };
	int r;

	str_list_add(&args, "%s", vmm->plan->vmm_program->path);
	str_list_add(&args, "--api-socket");
	str_list_add(&args, "fd=%d", API_FD);
	str_list_add(&args, "--event-monitor");
	str_list_add(&args, "fd=%d", EVENTS_FD);
	str_list_add(&args, "--no-shutdown");
	r = args.failed ? fault_oom(fault) : vmm_spawn(vmm, &args, fds, ELEMENTSOF(fds), fault);
	str_list_done(&args);
	return r;
}

/* Takes ownership of both. The first request waits in the socket until the process is there to read it. */
static int begin_to_talk(Vmm *vmm, int connection, int events, Fault *fault)
{
	ChVmm *ch = vmm->state;
	const ChApiHandler handler = { on_api_closed, vmm };
	int r;

	ch->events_fd = events;
	r = ch_api_new(vmm->event, connection, &handler, &ch->api);
	if (r == 0)
		r = sd_event_add_io(vmm->event, &ch->events_source, events, EPOLLIN, on_events_io,
				    vmm);
	if (r >= 0)
		r = get(vmm, "vmm.ping", on_ping);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "vmm-socket",
				 "cannot talk to cloud-hypervisor: %m");
	return 0;
}

static int fault_vsock_taken(const char *path, int error, Fault *fault)
{
	(void) fault_set(
		fault, error, MVMD_EXIT_BUSY, "vsock-path-taken",
		"something that is no socket of the VM's lies at %s, where its vsock is to "
		"be: %m",
		path);
	(void) fault_evidence(fault, "path", "%s", path);
	return fault_remedy(fault, "ls -ld %s; remove it", path);
}

static int ch_start(Vmm *vmm, Fault *fault)
{
	const Program *program = vmm->plan->vmm_program;
	const char *vsock = vmm->plan->vsock_socket;
	_cleanup_close_ int listener = -EBADF, connection = -EBADF, reader = -EBADF,
			    writer = -EBADF;
	ChVmm *ch;
	int r;

	if (program->version && program->major < CLOUD_HYPERVISOR_MAJOR_MIN)
		return too_old(vmm, program->version, fault);
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return fault_oom(fault);
	ch->events_fd = -EBADF;
	vmm->state = ch;

	/* cloud-hypervisor binds it at vm.boot and does not replace a stale one. */
	if (vsock && unlink(vsock) < 0 && errno != ENOENT)
		return fault_vsock_taken(vsock, -errno, fault);
	r = vmm_open_socket(vmm, &listener, &connection, fault);
	if (r < 0)
		return r;
	r = open_events(vmm, &reader, &writer);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "vmm-socket",
				 "cannot make the event pipe of cloud-hypervisor: %m");

	r = spawn_ch(vmm, listener, writer, fault);
	if (r < 0)
		return r;
	return begin_to_talk(vmm, TAKE_FD(connection), TAKE_FD(reader), fault);
}

static int ch_adopt(Vmm *vmm, Fault *fault)
{
	_cleanup_close_ int connection = -EBADF, reader = -EBADF;
	_cleanup_free_ char *path = events_path(vmm);
	ChVmm *ch = calloc(1, sizeof(*ch));
	int r;

	vmm->state = ch;
	if (!ch || !path)
		return fault_oom(fault);
	ch->events_fd = -EBADF;

	r = vmm_connect(vmm, &connection, fault);
	if (r < 0)
		return r;
	r = fifo_open(path, &reader);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_VMM, "vmm-socket",
				 "cannot open the event pipe of cloud-hypervisor, %s: %m", path);
		(void) fault_evidence(fault, "path", "%s", path);
		return fault_remedy(fault, "ls -l %s", path);
	}
	return begin_to_talk(vmm, TAKE_FD(connection), TAKE_FD(reader), fault);
}

static void ch_free(Vmm *vmm)
{
	ChVmm *ch = vmm->state;

	if (!ch)
		return;
	close_events(ch);
	ch->api = ch_api_free(ch->api);
	ch_event_reader_done(&ch->reader);
	free(ch);
	vmm->state = NULL;
}

const VmmDriver vmm_driver_ch = {
	.name = "cloud-hypervisor",
	.start = ch_start,
	.adopt = ch_adopt,
	.create = ch_create,
	.boot = ch_boot,
	.power_button = ch_power_button,
	.quit = ch_quit,
	.is_busy = ch_is_busy,
	.on_exit = ch_on_exit,
	.free = ch_free,
};
