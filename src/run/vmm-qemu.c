/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/memory-file.h"
#include "host/vhost.h"
#include "model/qemu-args.h"
#include "mvmd/exit-codes.h"
#include "run/connector.h"
#include "run/qemu-kept.h"
#include "run/qemu-mtus.h"
#include "run/qmp.h"
#include "run/vmm-internal.h"

/* Whoever serves a share and was seen a moment ago is back in as short a time, or in seconds. */
static const Backoff share_backoff = { 5 * USEC_PER_MSEC, 1 * USEC_PER_SEC };

typedef struct QemuVmm {
	Qmp *qmp;
	/* Until the process is there: */
	int listener, connection; /* of its monitor */
	int *shares; /* a connection per share */
	size_t n_shares; /* connected so far */
	Connector *connector; /* the next share is awaited */
	int console_fd; /* then ours */
	int *vhost_fds; /* as many as qemu_n_vhosts(); NULL: none is open */
	int *smbios_fds; /* per string of the guest's SMBIOS tables; NULL: none is made */
	/* Afterwards: */
	QemuReboot reboot; /* the last one */
	QemuKept kept;
} QemuVmm;

static bool is_guest_reset(const json_t *data)
{
	return json_is_true(json_object_get(data, "guest"));
}

static void on_reset(Vmm *vmm, const QmpEvent *event)
{
	const VmmResources *resources = &vmm->resources;
	QemuVmm *qemu = vmm->state;
	uint64_t bytes = 0;

	if (!is_guest_reset(event->data))
		return;
	if (resources->console_bytes)
		bytes = resources->console_bytes(resources->userdata);
	if (!qemu_reboot_begins(&qemu->reboot, event->time_usec, bytes))
		return;
	vmm_tell(vmm, VMM_REBOOTING, NULL);
	vmm_tell(vmm, VMM_REBOOTED, NULL);
}

/* Of the reasons only this one is the guest's own wish; the others are followed by QEMU's exit. */
static bool is_guest_shutdown(const json_t *data)
{
	return streq_null(json_string_value(json_object_get(data, "reason")), "guest-shutdown");
}

static void on_qmp_event(Qmp *qmp, const QmpEvent *event, void *userdata)
{
	Vmm *vmm = userdata;

	if (streq(event->name, "RESET"))
		on_reset(vmm, event);
	else if (streq(event->name, "SHUTDOWN") && is_guest_shutdown(event->data))
		vmm_tell(vmm, VMM_GUEST_OFF, NULL);
	else if (streq(event->name, "GUEST_PANICKED"))
		vmm_tell(vmm, VMM_GUEST_PANIC, NULL);
}

/* A command that fails because the connection ended is not told here: on_qmp_closed() comes next. */
static void tell_command_failed(Vmm *vmm, const Fault *fault)
{
	if (fault->error == -EREMOTEIO || fault->error == -ETIMEDOUT)
		vmm_tell_failed(vmm, fault);
}

/* qapi/run-state.json: RunState. */
static VmmFound found_of(const char *status)
{
	static const char *const states[_VMM_FOUND_MAX] = {
		[VMM_FOUND_RUNNING] = "running",    [VMM_FOUND_PAUSED] = "paused",
		[VMM_FOUND_OFF] = "shutdown",	    [VMM_FOUND_PANIC] = "guest-panicked",
		[VMM_FOUND_NO_GUEST] = "prelaunch",
	};

	for (size_t i = 0; i < ELEMENTSOF(states); i++)
		if (streq_null(status, states[i]))
			return (VmmFound) i;
	return VMM_FOUND_RUNNING;
}

static void on_status(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata)
{
	Vmm *vmm = userdata;
	const char *status = json_string_value(json_object_get(result, "status"));
	Fault wrong = { 0 };

	if (fault) {
		tell_command_failed(vmm, fault);
		return;
	}
	if (vmm->adopted) {
		vmm->found = found_of(status);
		vmm_tell(vmm, VMM_READY, NULL);
		return;
	}
	if (streq_null(status, "prelaunch")) {
		vmm_tell(vmm, VMM_READY, NULL);
		return;
	}
	(void) fault_set(&wrong, -EPROTO, MVMD_EXIT_VMM, "vmm-protocol",
			 "QEMU should wait for us before it starts the guest, but is \"%s\"",
			 status ?: "?");
	vmm_tell_failed(vmm, &wrong);
	fault_done(&wrong);
}

static int command(Vmm *vmm, const char *name, QmpReply on_reply)
{
	const QemuVmm *qemu = vmm->state;
	const QmpCall call = { .command = name, .on_reply = on_reply, .userdata = vmm };

	return qemu->qmp ? qmp_call(qemu->qmp, &call) : -ENOTCONN;
}

static int ask_status(Vmm *vmm)
{
	const QemuVmm *qemu = vmm->state;
	int r = vmm_set_version(vmm, qmp_version(qemu->qmp));

	return r < 0 ? r : command(vmm, "query-status", on_status);
}

static void on_qmp_ready(Qmp *qmp, void *userdata)
{
	Vmm *vmm = userdata;
	int r = ask_status(vmm);

	if (r < 0)
		vmm_tell_error(vmm, r);
}

static void on_qmp_closed(Qmp *qmp, const Fault *fault, void *userdata)
{
	Vmm *vmm = userdata;
	QemuVmm *qemu = vmm->state;

	qemu->qmp = qmp_free(qemu->qmp);
	if (fault->error == -ECONNRESET || fault->error == -EPIPE)
		vmm_expect_exit(vmm);
	else
		vmm_tell_failed(vmm, fault);
}

/* All of the configuration was on the command line. The event must not come from within vmm_create(). */
static void on_still_there(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata)
{
	Vmm *vmm = userdata;

	if (fault)
		tell_command_failed(vmm, fault);
	else
		vmm_tell(vmm, VMM_CREATED, NULL);
}

static int qemu_create(Vmm *vmm)
{
	return command(vmm, "query-status", on_still_there);
}

static void on_continued(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata)
{
	Vmm *vmm = userdata;

	if (fault)
		tell_command_failed(vmm, fault);
	else
		vmm_tell(vmm, VMM_BOOTED, NULL);
}

static int qemu_boot(Vmm *vmm)
{
	return command(vmm, "cont", on_continued);
}

static void on_power_button(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata)
{
	vmm_take_power_button_reply(userdata, fault);
}

static int qemu_power_button(Vmm *vmm)
{
	const QemuVmm *qemu = vmm->state;
	const QmpCall call = { .command = "system_powerdown",
			       .timeout_usec = POWER_BUTTON_TIMEOUT_USEC,
			       .on_reply = on_power_button,
			       .userdata = vmm };

	return qemu->qmp ? qmp_call(qemu->qmp, &call) : -ENOTCONN;
}

static int qemu_quit(Vmm *vmm)
{
	return command(vmm, "quit", NULL);
}

static bool qemu_is_busy(const Vmm *vmm)
{
	const QemuVmm *qemu = vmm->state;

	return !qemu->qmp || qmp_is_busy(qemu->qmp);
}

static const char *share_socket(const Plan *plan, const SpecShare *share)
{
	for (size_t i = 0; i < plan->n_backends; i++)
		if (plan->backends[i].share == share)
			return plan->backends[i].socket;
	return NULL;
}

/*
 * A share's connection is made by us, so that QEMU needs no right on the path. Of a backend of mvmd's own it
 * cannot be refused, for we hold the listener; somebody else's was seen a moment ago and may be gone, or have
 * a queue that is full.
 */
static int attempt_share(AttemptResult *ret, void *userdata)
{
	const Vmm *vmm = userdata;
	QemuVmm *qemu = vmm->state;
	const char *path = share_socket(vmm->plan, &vmm->plan->spec->shares[qemu->n_shares]);
	int r = attempt_connect(path, &qemu->shares[qemu->n_shares], ret);

	if (r > 0)
		qemu->n_shares++;
	return r;
}

/* attempts: NULL where the first try has failed for good */
static int share_fault(const Vmm *vmm, int error, const Attempts *attempts, Fault *fault)
{
	const QemuVmm *qemu = vmm->state;
	const SpecShare *share = &vmm->plan->spec->shares[qemu->n_shares];
	const char *path = share_socket(vmm->plan, share);

	(void) fault_set(fault, error, MVMD_EXIT_BACKEND, "share-connect",
			 "cannot connect to share \"%s\" at %s: %m", share->id, path);
	(void) fault_evidence(fault, "device", "share:%s", share->id);
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_remedy(
		fault, "ss -xlp src %s tells who listens; look at its log, start it anew", path);
	return attempts ? attempts_tell(attempts, "tried", fault) : fault->error;
}

static int connect_and_go_on(Vmm *vmm, Fault *fault);

static void on_share(int error, const Attempts *attempts, void *userdata)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	Vmm *vmm = userdata;
	QemuVmm *qemu = vmm->state;
	int r = error;

	if (error < 0)
		(void) share_fault(vmm, error, attempts, &fault);
	qemu->connector = connector_free(qemu->connector);
	if (error == 0)
		r = connect_and_go_on(vmm, &fault);
	if (r < 0)
		vmm_tell_failed(vmm, &fault);
	else if (vmm->child && vmm->resources.on_started)
		vmm->resources.on_started(vmm->resources.userdata);
}

/* The start waits here; what the caller lends for vmm_start() alone is needed longer then. */
static int await_share(Vmm *vmm, Fault *fault)
{
	const SpecTimeouts *timeouts = &vmm->plan->spec->timeouts;
	QemuVmm *qemu = vmm->state;
	const ConnectorConfig config = {
		.backoff = share_backoff,
		.timeout_usec = timeouts->backend_usec < timeouts->boot_usec ?
					timeouts->backend_usec :
					timeouts->boot_usec / 2,
		.attempt = attempt_share,
		.on_end = on_share,
		.userdata = vmm,
	};
	int r = 0;

	if (qemu->console_fd < 0) {
		qemu->console_fd = fcntl(vmm->resources.console_fd, F_DUPFD_CLOEXEC, 0);
		vmm->resources.console_fd = qemu->console_fd;
		r = qemu->console_fd < 0 ? -errno : 0;
	}
	if (r == 0)
		r = connector_start(vmm->event, &config, &qemu->connector);
	return r < 0 ? share_fault(vmm, r, NULL, fault) : 0;
}

/* In the order that model/qemu-args.h lays down. */
static int collect_fds(const Vmm *vmm, int listener, SpawnFd **ret, size_t *ret_n)
{
	const Plan *plan = vmm->plan;
	const QemuVmm *qemu = vmm->state;
	SpawnFd *fds = calloc(qemu_n_fds(plan), sizeof(*fds));
	size_t n = 0;

	if (!fds)
		return -ENOMEM;
	fds[n++].fd = listener;
	fds[n++].fd = vmm->resources.console_fd;
	for (size_t i = 0; i < plan->n_nics; i++)
		for (size_t queue = 0; queue < vmm->resources.taps[i].n_fds; queue++)
			fds[n++].fd = vmm->resources.taps[i].fds[queue];
	for (size_t i = 0; i < qemu->n_shares; i++)
		fds[n++].fd = qemu->shares[i];
	for (size_t i = 0; i < plan->n_smbios_strings; i++)
		fds[n++].fd = qemu->smbios_fds[i];
	for (size_t i = 0; i < qemu_n_vhosts(plan); i++)
		fds[n++].fd = qemu->vhost_fds[i];
	for (size_t i = 0; i < n; i++)
		fds[i].number = QEMU_FIRST_FD + (int) i;

	*ret = fds;
	*ret_n = n;
	return 0;
}

static int make_args(const Plan *plan, const Tap *taps, StrList *ret)
{
	uint32_t *mtus = NULL;
	int r;

	r = qemu_mtus(plan, taps, &mtus);
	if (r == 0)
		r = qemu_args(plan, mtus, ret);
	free(mtus);
	return r;
}

static void close_vhost_fds(Vmm *vmm)
{
	QemuVmm *qemu = vmm->state;

	for (size_t i = 0; qemu->vhost_fds && i < qemu_n_vhosts(vmm->plan); i++)
		(void) close_fd(qemu->vhost_fds[i]);
	free(TAKE_PTR(qemu->vhost_fds));
}

static int open_vhost_fds(Vmm *vmm, Fault *fault)
{
	_cleanup_free_ int *fds = calloc(qemu_n_vhosts(vmm->plan) + 1, sizeof(*fds));
	QemuVmm *qemu = vmm->state;
	int r;

	if (!fds)
		return fault_oom(fault);
	r = vhost_net_open(qemu_n_vhosts(vmm->plan), fds);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_UNAVAILABLE, "vhost-net", "cannot open %s: %m",
				 VHOST_NET_DEVICE);
		(void) fault_why(fault, "a moment ago it could be opened");
		return fault_remedy(fault,
				    "ls -l %s; ulimit -n; without that device QEMU moves "
				    "the frames itself",
				    VHOST_NET_DEVICE);
	}
	qemu->vhost_fds = TAKE_PTR(fds);
	return 0;
}

static void close_smbios_fds(Vmm *vmm)
{
	QemuVmm *qemu = vmm->state;

	for (size_t i = 0; qemu->smbios_fds && i < vmm->plan->n_smbios_strings; i++)
		(void) close_fd(qemu->smbios_fds[i]);
	free(TAKE_PTR(qemu->smbios_fds));
}

/* In memory, with no name that anybody could open. */
static int make_smbios_fds(Vmm *vmm)
{
	const SmbiosStrings *strings = vmm->resources.smbios;
	size_t n = vmm->plan->n_smbios_strings;
	QemuVmm *qemu = vmm->state;

	qemu->smbios_fds = calloc(n ?: 1, sizeof(*qemu->smbios_fds));
	if (!qemu->smbios_fds)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		qemu->smbios_fds[i] = -EBADF;
	for (size_t i = 0; i < n; i++) {
		qemu->smbios_fds[i] = memory_file(strings->items[i]);
		if (qemu->smbios_fds[i] < 0)
			return qemu->smbios_fds[i];
	}
	smbios_strings_done(vmm->resources.smbios);
	return 0;
}

static int spawn_qemu(Vmm *vmm, int listener, Fault *fault)
{
	StrList args = { 0 };
	SpawnFd *fds = NULL;
	size_t n_fds;
	int r;

	r = make_smbios_fds(vmm);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "vmm-socket",
				 "cannot make the files of the credentials for QEMU: %m");
	r = open_vhost_fds(vmm, fault);
	if (r < 0)
		return r;
	if (make_args(vmm->plan, vmm->resources.taps, &args) < 0 ||
	    collect_fds(vmm, listener, &fds, &n_fds) < 0)
		r = fault_oom(fault);
	else
		r = vmm_spawn(vmm, &args, fds, n_fds, fault);
	free(fds);
	str_list_done(&args);
	return r;
}

/* The process is started, and knows all that it was started with. */
static void close_given(Vmm *vmm)
{
	QemuVmm *qemu = vmm->state;

	for (size_t i = 0; i < qemu->n_shares; i++)
		qemu->shares[i] = close_fd(qemu->shares[i]);
	qemu->n_shares = 0;
	qemu->listener = close_fd(qemu->listener);
	qemu->console_fd = close_fd(qemu->console_fd);
	close_smbios_fds(vmm);
	close_vhost_fds(vmm);
}

static int cannot_talk(int error, Fault *fault)
{
	return fault_set(fault, error, MVMD_EXIT_SYSTEM, "vmm-socket", "cannot talk to QEMU: %m");
}

static QmpHandler handler_of(Vmm *vmm)
{
	return (QmpHandler){ on_qmp_ready, on_qmp_event, on_qmp_closed, vmm };
}

static int begin_to_talk(Vmm *vmm, Fault *fault)
{
	const QmpHandler handler = handler_of(vmm);
	QemuVmm *qemu = vmm->state;
	int r = qmp_new(vmm->event, TAKE_FD(qemu->connection), &handler, &qemu->qmp);

	return r < 0 ? cannot_talk(r, fault) : 0;
}

/* Connects the shares that are not yet, one after the other, and starts QEMU with them. */
static int connect_and_go_on(Vmm *vmm, Fault *fault)
{
	QemuVmm *qemu = vmm->state;
	int r;

	while (qemu->n_shares < vmm->plan->spec->n_shares) {
		AttemptResult result;

		r = attempt_share(&result, vmm);
		if (r < 0)
			return share_fault(vmm, r, NULL, fault);
		if (r == 0)
			return await_share(vmm, fault);
	}
	r = spawn_qemu(vmm, qemu->listener, fault);
	if (r < 0)
		return r;
	close_given(vmm);
	return begin_to_talk(vmm, fault);
}

/* The driver's own, with nothing open: qemu_free() frees it. 0 or -ENOMEM with fault. */
static int qemu_new(Vmm *vmm, Fault *fault)
{
	QemuVmm *qemu = calloc(1, sizeof(*qemu));

	if (!qemu)
		return fault_oom(fault);
	qemu->listener = qemu->connection = qemu->console_fd = qemu->kept.state_fd = -EBADF;
	vmm->state = qemu;
	return 0;
}

static int qemu_start(Vmm *vmm, Fault *fault)
{
	QemuVmm *qemu;
	int r = qemu_new(vmm, fault);

	if (r < 0)
		return r;
	qemu = vmm->state;
	qemu->shares = calloc(vmm->plan->spec->n_shares ?: 1, sizeof(*qemu->shares));
	if (!qemu->shares)
		return fault_oom(fault);

	r = vmm_open_socket(vmm, &qemu->listener, &qemu->connection, fault);
	return r < 0 ? r : connect_and_go_on(vmm, fault);
}

/* Whose connection is gone, QEMU takes the next one's (chardev server). */
static int qemu_adopt(Vmm *vmm, Fault *fault)
{
	const QmpHandler handler = handler_of(vmm);
	QemuVmm *qemu;
	int r = qemu_new(vmm, fault);

	if (r < 0)
		return r;
	qemu = vmm->state;
	if (vmm->resources.kept && qemu_kept_take(vmm->resources.kept, vmm->event, &handler,
						  &qemu->qmp, &qemu->reboot) > 0) {
		r = ask_status(vmm);
		return r < 0 ? cannot_talk(r, fault) : 0;
	}
	r = vmm_connect(vmm, &qemu->connection, fault);
	return r < 0 ? r : begin_to_talk(vmm, fault);
}

static int qemu_pass_on(Vmm *vmm, Kept *kept)
{
	QemuVmm *qemu = vmm->state;
	QmpRest rest;

	qmp_rest(qemu->qmp, &rest);
	return qemu_kept_pass_on(&qemu->kept, kept, &rest, &qemu->reboot);
}

static void qemu_take_back(Vmm *vmm, Kept *kept)
{
	QemuVmm *qemu = vmm->state;

	qemu_kept_take_back(&qemu->kept, kept);
}

static void qemu_on_exit(Vmm *vmm)
{
	QemuVmm *qemu = vmm->state;

	qemu->connector = connector_free(qemu->connector);
	qemu->qmp = qmp_free(qemu->qmp);
}

static void qemu_free(Vmm *vmm)
{
	QemuVmm *qemu = vmm->state;

	if (!qemu)
		return;
	qemu->connector = connector_free(qemu->connector);
	close_given(vmm);
	(void) close_fd(qemu->connection);
	free(qemu->shares);
	qemu->qmp = qmp_free(qemu->qmp);
	free(qemu);
	vmm->state = NULL;
}

const VmmDriver vmm_driver_qemu = {
	.name = "QEMU",
	.start = qemu_start,
	.adopt = qemu_adopt,
	.create = qemu_create,
	.boot = qemu_boot,
	.power_button = qemu_power_button,
	.quit = qemu_quit,
	.is_busy = qemu_is_busy,
	.pass_on = qemu_pass_on,
	.take_back = qemu_take_back,
	.on_exit = qemu_on_exit,
	.free = qemu_free,
};
