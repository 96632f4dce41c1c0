/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "mvmd/exit-codes.h"
#include "run/connector.h"
#include "run/socket-wait.h"

/* The first look after something stirred, and the longest pause between two looks. */
static const Backoff look_backoff = { 5 * USEC_PER_MSEC, 1 * USEC_PER_SEC };

/* Whatever can put a socket at its path, or take away the directory that is watched. */
#define SOCKET_WATCH_EVENTS                                                                        \
	(IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct SocketWait {
	char *path;
	uint64_t timeout_usec;
	SockState state; /* as the last look saw it */
	sd_event *event;
	Connector *looks;
	sd_event_source *watch; /* NULL: no directory can be watched */
	char *watched; /* the nearest directory that exists; a prefix of path, "/" or "." */
	SocketWaitHandler handler;
	void *userdata;
};

SocketWait *socket_wait_free(SocketWait *wait)
{
	if (!wait)
		return NULL;
	(void) connector_free(wait->looks);
	(void) sd_event_source_disable_unref(wait->watch);
	(void) sd_event_unref(wait->event);
	free(wait->watched);
	free(wait->path);
	free(wait);
	return NULL;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The nearest directory above path that exists, a new string; at last "/" or ".". */
static char *nearest_directory(const char *path)
{
	const char *end = strrchr(path, '/');

	while (end && end > path) {
		char *directory = str_printf("%.*s", (int) (end - path), path);

		if (!directory || is_directory(directory))
			return directory;
		end = memrchr(path, '/', (size_t) (end - path));
		free(directory);
	}
	return str_printf(end ? "/" : ".");
}

static const char *file_kind(mode_t mode)
{
	if (S_ISREG(mode))
		return "a regular file";
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a named pipe";
	return "a device";
}

static void explain_absent(const SocketWait *wait, Fault *fault)
{
	_cleanup_free_ char *directory = nearest_directory(wait->path);
	const char *last = strrchr(wait->path, '/');

	if (directory && last && (size_t) (last - wait->path) > strlen(directory))
		(void) fault_why(fault,
				 "there is no such file, nor its directory: of the path only %s "
				 "exists",
				 directory);
	else
		(void) fault_why(fault, "there is no such file");
	(void) fault_remedy(fault, "start the program that serves it, or correct \"socket\" in the "
				   "spec");
}

static void explain_stale(const SocketWait *wait, Fault *fault)
{
	struct stat status;
	struct tm when;
	char since[sizeof("2026-01-01 00:00:00")];

	if (stat(wait->path, &status) == 0 && localtime_r(&status.st_ctime, &when) &&
	    strftime(since, sizeof(since), "%F %T", &when) > 0)
		(void) fault_why(fault,
				 "there is a socket file since %s, but nobody listens on it in "
				 "this network namespace: the program that made it has ended, "
				 "or has not got that far",
				 since);
	else
		(void) fault_why(fault, "there is a socket file, but nobody listens on it");
	(void) fault_remedy(fault, "start the program that serves it; who listens where: ss -xlp");
}

static int deadline_fault(const SocketWait *wait, const Attempts *looks, Fault *fault)
{
	char duration[FORMAT_MAX];
	struct stat status;

	(void) fault_set(fault, -ETIMEDOUT,
			 wait->state == SOCK_FORBIDDEN ? MVMD_EXIT_PERMISSION :
							 MVMD_EXIT_UNAVAILABLE,
			 "socket-not-listening", "nobody listened on %s within %s", wait->path,
			 format_duration(duration, wait->timeout_usec));
	(void) fault_evidence(fault, "socket", "%s", wait->path);
	(void) fault_evidence(fault, "seen", "%s", sock_state_to_string(wait->state));
	switch (wait->state) {
	case SOCK_ABSENT:
		explain_absent(wait, fault);
		break;
	case SOCK_STALE:
		explain_stale(wait, fault);
		break;
	case SOCK_NOT_SOCKET:
		(void) fault_why(fault, "it is %s, not a socket",
				 stat(wait->path, &status) == 0 ? file_kind(status.st_mode) :
								  "a file");
		(void) fault_remedy(fault, "correct \"socket\" in the spec");
		break;
	case SOCK_FORBIDDEN:
		(void) fault_why(fault, "permission denied: mvmd may not go through to it, or not "
					"write to it");
		(void) fault_remedy(fault, "namei -l %s", wait->path);
		break;
	case SOCK_LISTENING:
	case _SOCK_STATE_MAX:
		break;
	}
	return attempts_tell(looks, "looked", fault);
}

static int look_fault(const SocketWait *wait, int error, Fault *fault)
{
	if (error == -ENOENT) {
		(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "unix-diag-missing",
				 "cannot see whether anybody listens on %s: the kernel has no "
				 "unix_diag",
				 wait->path);
		return fault_remedy(fault, "modprobe unix_diag");
	}
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "socket-look",
			 "cannot see whether anybody listens on %s: %m", wait->path);
	(void) fault_evidence(fault, "socket", "%s", wait->path);
	return fault_remedy(fault, "ss -xlp; namei -l %s", wait->path);
}

/* Does an event in the watched directory concern the path? */
static bool concerns_path(const SocketWait *wait, const struct inotify_event *event)
{
	const char *part = wait->path;
	size_t length;

	if (event->len == 0 || !wait->watched) /* the directory itself is what changed */
		return true;
	if (!streq(wait->watched, "."))
		part += strlen(wait->watched);
	part += strspn(part, "/");
	length = strcspn(part, "/");
	return strlen(event->name) == length && memcmp(event->name, part, length) == 0;
}

static int on_change(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	SocketWait *wait = userdata;

	if (!concerns_path(wait, event))
		return 0;
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		free(wait->watched);
		wait->watched = NULL;
	}
	/* What stirred goes on stirring: listen(2) follows bind(2), which is all that is seen here. */
	connector_stir(wait->looks);
	return 0;
}

/*
 * Watches the nearest directory that exists, until no nearer one came while that was set up. A directory
 * that may not be watched is no error: the looks go on without.
 */
static int watch_nearest(SocketWait *wait)
{
	for (;;) {
		char *directory = nearest_directory(wait->path);

		if (!directory)
			return -ENOMEM;
		if (streq_null(directory, wait->watched)) {
			free(directory);
			return 0;
		}
		free(wait->watched);
		wait->watched = directory;
		wait->watch = sd_event_source_disable_unref(wait->watch);
		(void) sd_event_add_inotify(wait->event, &wait->watch, directory,
					    SOCKET_WATCH_EVENTS, on_change, wait);
	}
}

/* First the watch, then the look: what comes after the look is an event. */
static int socket_wait_look(AttemptResult *ret, void *userdata)
{
	static const int errors[_SOCK_STATE_MAX] = {
		[SOCK_ABSENT] = -ENOENT,
		[SOCK_NOT_SOCKET] = -ENOTSOCK,
		[SOCK_STALE] = -ECONNREFUSED,
		[SOCK_FORBIDDEN] = -EACCES,
	};
	SocketWait *wait = userdata;
	int r;

	r = watch_nearest(wait);
	if (r < 0)
		return r;
	r = sock_look(wait->path, &wait->state);
	if (r < 0)
		return r;
	*ret = (AttemptResult){ errors[wait->state], sock_state_to_string(wait->state) };
	return wait->state == SOCK_LISTENING;
}

/* Tells the end, once; the handler may free the wait, so nothing may follow. */
static void on_looked(int error, const Attempts *attempts, void *userdata)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	SocketWait *wait = userdata;

	/* Not only switched off: sd-event 252 then turns for ever over the next event of that directory. */
	wait->watch = sd_event_source_disable_unref(wait->watch);
	if (error == -ETIMEDOUT)
		(void) deadline_fault(wait, attempts, &fault);
	else if (error < 0)
		(void) look_fault(wait, error, &fault);
	wait->handler(error < 0 ? &fault : NULL, wait->userdata);
}

int socket_wait_start(sd_event *event, const char *path, uint64_t timeout_usec,
		      SocketWaitHandler handler, void *userdata, SocketWait **ret, Fault *fault)
{
	_cleanup_(socket_wait_free_p) SocketWait *wait = calloc(1, sizeof(*wait));
	const ConnectorConfig looks = { .backoff = look_backoff,
					.timeout_usec = timeout_usec,
					.attempt = socket_wait_look,
					.on_end = on_looked,
					.userdata = wait };
	int r;

	if (!wait || str_set(&wait->path, path) < 0)
		return fault_oom(fault);
	wait->timeout_usec = timeout_usec;
	wait->event = sd_event_ref(event);
	wait->handler = handler;
	wait->userdata = userdata;

	r = connector_start(event, &looks, &wait->looks);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "socket-wait",
				 "cannot wait for %s: %m", path);
		(void) fault_evidence(fault, "socket", "%s", path);
		return fault_remedy(fault, "ulimit -n; sysctl fs.inotify");
	}
	*ret = TAKE_PTR(wait);
	return 0;
}
