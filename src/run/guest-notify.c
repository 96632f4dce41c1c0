/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "host/sock.h"
#include "mvmd/exit-codes.h"
#include "run/guest-notify.h"

/* A systemd that boots sends some twenty messages; this many a second cost a few per cent of a CPU. */
#define CONNECTIONS_A_SECOND 1000
/* Connections that have said nothing yet: of more the oldest is closed. */
#define MUTE_MAX 8
/* How long one may say nothing: systemd sends as soon as it is connected. */
#define MUTE_USEC (2 * USEC_PER_SEC)

/* A connection that has said nothing yet. */
typedef struct Mute {
	GuestNotify *notify;
	int fd; /* -EBADF: none */
	sd_event_source *source, *timer;
	uint64_t number; /* the lower, the older */
} Mute;

struct GuestNotify {
	sd_event *event;
	GuestNotifyHandler handler;
	uint32_t cid; /* who is heard of those that connect by vsock; 0: all, it is a UNIX socket */
	int fd;
	sd_event_source *source;
	Mute mutes[MUTE_MAX];
	uint64_t n_connections;
};

static void mute_done(Mute *mute)
{
	mute->source = sd_event_source_disable_unref(mute->source);
	mute->timer = sd_event_source_disable_unref(mute->timer);
	mute->fd = close_fd(mute->fd);
}

/*
 * What is there now is the message: who waits for the end of the stream waits for ever where the VMM does not pass on
 * that the guest has closed its half (cloud-hypervisor up to v52). Returns its length; 0 where nothing is there yet;
 * -EPIPE at the end, or another -errno.
 */
static ssize_t read_message(int fd, char message[GUEST_MESSAGE_MAX_BYTES])
{
	size_t length = 0;

	while (length < GUEST_MESSAGE_MAX_BYTES) {
		ssize_t n =
			recv(fd, message + length, GUEST_MESSAGE_MAX_BYTES - length, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && length == 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0 && length == 0)
			return -EPIPE;
		if (n <= 0)
			break;
		length += (size_t) n;
	}
	return (ssize_t) length;
}

static int on_mute_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Mute *mute = userdata;
	GuestNotify *notify = mute->notify;
	char message[GUEST_MESSAGE_MAX_BYTES];
	ssize_t n = read_message(fd, message);

	if (n == 0)
		return 0;
	mute_done(mute);
	if (n > 0)
		notify->handler.on_message(message, (size_t) n, notify->handler.userdata);
	return 0;
}

static int on_mute_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	mute_done(userdata);
	return 0;
}

/* A free place, or that of the oldest. */
static Mute *mute_place(GuestNotify *notify)
{
	Mute *oldest = &notify->mutes[0];

	for (size_t i = 0; i < MUTE_MAX; i++) {
		Mute *mute = &notify->mutes[i];

		if (mute->fd < 0)
			return mute;
		if (mute->number < oldest->number)
			oldest = mute;
	}
	mute_done(oldest);
	return oldest;
}

/* Takes ownership of fd. What cannot be waited for is closed, as a message that nobody sent. */
static void await_message(GuestNotify *notify, int fd)
{
	Mute *mute = mute_place(notify);
	int r;

	*mute = (Mute){ .notify = notify, .fd = fd, .number = notify->n_connections };
	r = sd_event_add_io(notify->event, &mute->source, fd, EPOLLIN, on_mute_io, mute);
	if (r >= 0)
		r = sd_event_add_time_relative(notify->event, &mute->timer, CLOCK_MONOTONIC,
					       MUTE_USEC, 0, on_mute_time, mute);
	if (r < 0)
		mute_done(mute);
}

/* A connection of this VM's guest, or -errno; -EPERM: of another one. */
static int accept_guest(const GuestNotify *notify)
{
	struct sockaddr_vm peer = { 0 };
	socklen_t length = sizeof(peer);
	_cleanup_close_ int fd =
		accept4(notify->fd, notify->cid > 0 ? (void *) &peer : NULL,
			notify->cid > 0 ? &length : NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (notify->cid > 0 && (peer.svm_family != AF_VSOCK || peer.svm_cid != notify->cid))
		return -EPERM;
	return TAKE_FD(fd);
}

/* One a turn, so that nothing else waits for a guest that does not stop. */
static int on_connection(sd_event_source *source, int listener, uint32_t revents, void *userdata)
{
	GuestNotify *notify = userdata;
	char message[GUEST_MESSAGE_MAX_BYTES];
	int fd = accept_guest(notify);
	ssize_t n;

	if (fd < 0)
		return 0;
	notify->n_connections++;
	n = read_message(fd, message);
	if (n == 0) {
		await_message(notify, fd);
		return 0;
	}
	(void) close_fd(fd);
	if (n > 0)
		notify->handler.on_message(message, (size_t) n, notify->handler.userdata);
	return 0;
}

static int listen_on_vsock(const Plan *plan, int *ret, Fault *fault)
{
	int r = sock_listen_vsock(plan->notify.port, ret);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, r == -EADDRINUSE ? MVMD_EXIT_BUSY : MVMD_EXIT_UNAVAILABLE,
			 "vsock-listener", "cannot listen on port %u of the host's vsock: %m",
			 plan->notify.port);
	(void) fault_evidence(fault, "port", "%u", plan->notify.port);
	if (r == -EADDRINUSE)
		return fault_remedy(fault, "ss -l --vsock tells who has the port; another \"cid\" "
					   "of \"vsock\" gives the VM another one");
	(void) fault_why(fault,
			 "on it the guest is to say that it is ready; the host has no vsock, "
			 "or the unit forbids it (RestrictAddressFamilies=)");
	return fault_remedy(fault,
			    "modprobe vhost_vsock; systemctl daemon-reload brings the unit up to "
			    "date; or set \"ready\": \"vmm\" in %s",
			    plan->spec->file);
}

static int listen_on_socket(const Plan *plan, int *ret, Fault *fault)
{
	const SockAccess access = { .mode = 0600, .user = plan->facts->vm.uid };
	int r = sock_listen(plan->notify.socket, &access, ret);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "listener", "cannot listen on %s: %m",
			 plan->notify.socket);
	(void) fault_evidence(fault, "path", "%s", plan->notify.socket);
	return fault_remedy(fault, "ulimit -n; namei -l %s", plan->notify.socket);
}

static GuestNotify *notify_new(sd_event *event, const GuestNotifyHandler *handler)
{
	GuestNotify *notify = calloc(1, sizeof(*notify));

	if (!notify)
		return NULL;
	notify->event = sd_event_ref(event);
	notify->handler = *handler;
	notify->fd = -EBADF;
	for (size_t i = 0; i < MUTE_MAX; i++)
		notify->mutes[i].fd = -EBADF;
	return notify;
}

int guest_notify_new(sd_event *event, const Plan *plan, const GuestNotifyHandler *handler,
		     GuestNotify **ret, Fault *fault)
{
	_cleanup_(guest_notify_free_p) GuestNotify *notify = notify_new(event, handler);
	int r;

	if (!notify)
		return fault_oom(fault);
	if (plan->notify.socket) {
		r = listen_on_socket(plan, &notify->fd, fault);
	} else {
		notify->cid = plan->cid;
		r = listen_on_vsock(plan, &notify->fd, fault);
	}
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &notify->source, notify->fd, EPOLLIN, on_connection, notify);
	if (r >= 0)
		r = sd_event_source_set_ratelimit(notify->source, USEC_PER_SEC,
						  CONNECTIONS_A_SECOND);
	if (r < 0)
		return fault_oom(fault);
	*ret = TAKE_PTR(notify);
	return 0;
}

GuestNotify *guest_notify_free(GuestNotify *notify)
{
	if (!notify)
		return NULL;
	for (size_t i = 0; i < MUTE_MAX; i++)
		mute_done(&notify->mutes[i]);
	notify->source = sd_event_source_disable_unref(notify->source);
	notify->fd = close_fd(notify->fd);
	notify->event = sd_event_unref(notify->event);
	free(notify);
	return NULL;
}
