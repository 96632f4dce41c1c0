/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/client.h"
#include "host/record-series.h"
#include "host/sock.h"
#include "host/vm-dir.h"
#include "model/fault-json.h"
#include "model/spec.h"
#include "mvmd/exit-codes.h"
#include "run/connector.h"

#define CLIENT_READ_BYTES 4096

/* A supervisor that starts has its socket some milliseconds after its lock. */
static const Backoff control_backoff = { 2 * USEC_PER_MSEC, 250 * USEC_PER_MSEC };

/* Waits until fd is ready for events. 0, -ETIMEDOUT or -errno. */
static int wait_for(int fd, short events, uint64_t until_usec)
{
	struct pollfd ready = { .fd = fd, .events = events };
	uint64_t now = now_usec();
	int r;

	if (now >= until_usec)
		return -ETIMEDOUT;
	r = poll(&ready, 1, (int) ((until_usec - now) / USEC_PER_MSEC) + 1);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int send_all(int fd, const char *bytes, size_t n, uint64_t until_usec)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		int r = 0;

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent < 0) {
			r = wait_for(fd, POLLOUT, until_usec);
			sent = 0;
		}
		if (r < 0)
			return r;
		bytes += sent;
		n -= (size_t) sent;
	}
	return 0;
}

/* Reads up to the NUL and not one byte further: what follows may be the console's. */
static int read_message(int fd, StrBuf *message, uint64_t until_usec)
{
	char bytes[CLIENT_READ_BYTES], *end = NULL;

	while (!end) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0) {
			int r = errno == EAGAIN || errno == EINTR ?
					wait_for(fd, POLLIN, until_usec) :
					-errno;

			if (r < 0)
				return r;
			continue;
		}
		end = memchr(bytes, '\0', (size_t) n);
		if (end)
			n = end - bytes + 1;
		if (recv(fd, bytes, (size_t) n, 0) != n)
			return -EIO;
		str_buf_add_bytes(message, bytes, (size_t) n);
	}
	return message->failed ? -ENOMEM : 0;
}

static int fault_other_version(Fault *fault)
{
	return fault_remedy(fault, "it is perhaps of another version: mvmd --version; start the VM "
				   "anew with this one");
}

static int fault_from_reply(const char *error, json_t *parameters, Fault *fault)
{
	if (streq(error, "io.mvmd.vm.PermissionDenied")) {
		(void) fault_set(fault, -EPERM, MVMD_EXIT_PERMISSION, "not-an-owner",
				 "uid %d may not: it is neither root nor an owner of this VM",
				 (int) json_integer_value(json_object_get(parameters, "uid")));
		(void) fault_evidence(fault, "uid", "%d",
				      (int) json_integer_value(json_object_get(parameters, "uid")));
		return fault_remedy(fault, "sudo, or \"owners\" in the spec");
	}
	if (streq(error, "io.mvmd.vm.NoConsole")) {
		(void) fault_set(fault, -EAGAIN, MVMD_EXIT_NOT_RUNNING, "no-console",
				 "its console cannot be had now: it is not that far yet, or "
				 "too many read it already");
		return fault_remedy(fault, "mvmd status tells how far it is; try again");
	}
	if (streq(error, "io.mvmd.vm.ReloadFailed") &&
	    fault_from_json(json_object_get(parameters, "finding"), fault) == 0) {
		fault->error = -EBUSY;
		fault->exit_code = MVMD_EXIT_SYSTEM;
		return fault->error;
	}
	(void) fault_set(fault, -EPROTO, MVMD_EXIT_SYSTEM, "control-error",
			 "its supervisor answered %s", error);
	(void) fault_evidence(fault, "answer", "%s", error);
	return fault_other_version(fault);
}

static int parse_reply(const char *text, json_t **ret, Fault *fault)
{
	json_t *reply = json_loads(text, 0, NULL);
	json_t *parameters = json_object_get(reply, "parameters");
	const char *error = json_string_value(json_object_get(reply, "error"));
	int r = 0;

	if (!reply) {
		(void) fault_set(fault, -EPROTO, MVMD_EXIT_SYSTEM, "control-error",
				 "its supervisor's answer is no JSON");
		r = fault_other_version(fault);
	} else if (error)
		r = fault_from_reply(error, parameters, fault);
	else
		*ret = json_incref(parameters ?: json_null());
	json_decref(reply);
	return r;
}

static int fault_no_answer(const char *socket_path, int error, Fault *fault)
{
	(void) fault_set(fault, error, error == -EACCES ? MVMD_EXIT_PERMISSION : MVMD_EXIT_SYSTEM,
			 "control-socket", "no answer from its supervisor at %s: %m", socket_path);
	(void) fault_evidence(fault, "path", "%s", socket_path);
	if (error != -ETIMEDOUT)
		return fault_remedy(fault, "namei -l %s; ps -o pid,stat,wchan,args -C mvmd",
				    socket_path);
	(void) fault_why(fault, "it has the call, and acts on it as soon as it can: it is stopped "
				"(SIGSTOP, a debugger), or hangs");
	return fault_remedy(fault, "ps -o pid,stat,wchan,args -C mvmd; fg or kill -CONT where its "
				   "state is T");
}

/* A connection that comes about within the time that an answer may take. */
typedef struct ControlConnect {
	const VmFound *found;
	int fd;
} ControlConnect;

/* A socket that is not there yet comes; one whose supervisor has left does not. */
static int attempt_control(AttemptResult *ret, void *userdata)
{
	ControlConnect *control = userdata;
	const VmPlaces *places = &control->found->places;
	int r = attempt_connect(places->control_socket, &control->fd, ret);

	return r == 0 && vm_lock_holder(places->lock_file) == 0 ? -ESRCH : r;
}

static int fault_no_connection(const VmFound *found, int error, const Attempts *attempts,
			       Fault *fault)
{
	const char *path = found->places.control_socket;

	if (error == -ESRCH)
		return fault_set(fault, error, MVMD_EXIT_NOT_RUNNING, "ended-meanwhile",
				 "it is not running any more");
	if (error != -ETIMEDOUT)
		return fault_no_answer(path, error, fault);
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "control-socket",
			 "cannot connect to its supervisor, pid %d, at %s", (int) found->pid, path);
	(void) attempts_tell(attempts, "tried", fault);
	return fault_remedy(fault,
			    "ps -o pid,stat,wchan,args -p %d; it lives, but somebody removed "
			    "its socket, or it takes no calls",
			    (int) found->pid);
}

static int connect_control(const VmFound *found, int *ret, Fault *fault)
{
	ControlConnect control = { found, -EBADF };
	const ConnectorConfig config = { .backoff = control_backoff,
					 .timeout_usec = CLIENT_TIMEOUT_USEC,
					 .attempt = attempt_control,
					 .userdata = &control };
	Attempts attempts;
	int r = connector_wait(&config, &attempts);

	if (r < 0)
		return fault_no_connection(found, r, &attempts, fault);
	*ret = control.fd;
	return 0;
}

/* Sends the text and reads the reply's. *ret is set also on failure. */
static int exchange(int fd, const char *text, StrBuf *ret)
{
	uint64_t until_usec = now_usec() + CLIENT_TIMEOUT_USEC;
	int r = send_all(fd, text, strlen(text) + 1, until_usec);

	return r < 0 ? r : read_message(fd, ret, until_usec);
}

int client_call(const VmFound *found, const char *method, json_t *parameters, json_t **ret,
		int *ret_fd, Fault *fault)
{
	json_t *call = json_pack("{s:s, s:o}", "method", method, "parameters",
				 parameters ?: json_object());
	_cleanup_free_ char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;
	_cleanup_close_ int fd = -EBADF;
	StrBuf message = { 0 };
	int r;

	json_decref(call);
	if (!text)
		return fault_oom(fault);
	r = connect_control(found, &fd, fault);
	if (r < 0)
		return r;
	r = exchange(fd, text, &message);
	if (r < 0)
		(void) fault_no_answer(found->places.control_socket, r, fault);
	else
		r = parse_reply(message.text, ret, fault);
	str_buf_done(&message);
	if (r == 0 && ret_fd)
		*ret_fd = TAKE_FD(fd);
	return r;
}

char *vm_name_of_argument(const char *argument)
{
	const char *slash = strrchr(argument, '/'), *last = slash ? slash + 1 : argument;
	size_t length = strlen(last);

	if (slash && length > strlen(".json") && streq(last + length - strlen(".json"), ".json"))
		length -= strlen(".json");
	return strndup(last, length);
}

static bool spec_exists(const Places *places, const char *argument, const char *name)
{
	_cleanup_free_ char *path = strchr(argument, '/') ?
					    strdup(argument) :
					    str_printf("%s/%s.json", places->spec_directory, name);

	return path && access(path, F_OK) == 0;
}

/* Who is behind a socket that somebody listens on (unix(7), SO_PEERCRED); 0: nobody. */
static pid_t listener_pid(const char *socket_path)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	_cleanup_close_ int fd = -EBADF;

	if (sock_connect(socket_path, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return 0;
	return peer.pid;
}

void client_read_history(const Places *places, const char *name, History *ret)
{
	json_t *json = NULL;

	*ret = (History){ 0 };
	if (record_read(places->state_directory, name, HISTORY_FILE, &json) == 0)
		(void) history_from_json(json, ret);
	json_decref(json);
}

/*
 * Whether the start that has the lock waits, and until when. A history that could not be written any more, on
 * a full disk, tells of a wait that is over: who answers at the socket does not wait.
 */
static bool start_waits(const Places *places, VmFound *found)
{
	History history;

	client_read_history(places, found->places.name, &history);
	if (history.waits_until_usec <= now_usec() ||
	    listener_pid(found->places.control_socket) > 0)
		return false;
	found->waits_until_usec = history.waits_until_usec;
	found->waits_for_slot = history.waits_for_slot;
	return true;
}

int client_find(const Places *places, const char *argument, VmFound *ret, Fault *fault)
{
	_cleanup_free_ char *name = vm_name_of_argument(argument);
	StateFile state = { 0 };
	VmFound found = { 0 };
	bool hidden;
	int r;

	if (!name)
		return fault_oom(fault);
	if (!vm_name_is_valid(name)) {
		(void) fault_set(fault, -EINVAL, MVMD_EXIT_USAGE, "vm-name",
				 "\"%s\" is no name of a VM", name);
		return fault_remedy(fault, "a name begins with a letter or digit and has letters, "
					   "digits, '.' and '-', at most 48 in all");
	}
	r = vm_places_init(places->runtime_directory, name, &found.places);
	if (r < 0)
		return fault_oom(fault);

	found.has_unit = sd_booted() > 0 &&
			 streq(places->runtime_directory, places->units_runtime_directory);
	found.pid = vm_lock_holder(found.places.lock_file);
	hidden = found.pid == -EACCES;
	if (hidden)
		found.pid = listener_pid(found.places.control_socket);
	if (found.pid > 0) {
		found.presence =
			start_waits(places, &found) ? VM_PRESENCE_WAITING : VM_PRESENCE_RUNNING;
	} else if (state_file_read(found.places.state_file, &state) == 0 &&
		   state_process_is_alive(&state.vmm)) {
		found.presence = VM_PRESENCE_ORPHANED;
		found.pid = state.vmm.pid;
	} else if (hidden) {
		found.presence = VM_PRESENCE_HIDDEN;
	} else {
		found.presence = spec_exists(places, argument, name) ? VM_PRESENCE_STOPPED :
								       VM_PRESENCE_UNKNOWN;
	}
	state_file_done(&state);
	*ret = found;
	return 0;
}

void vm_found_done(VmFound *found)
{
	vm_places_done(&found->places);
}

const char *client_start_verb(const VmFound *found)
{
	return found->has_unit ? "start" : "run";
}

int client_say_absent(const VmFound *found)
{
	const char *name = found->places.name;

	switch (found->presence) {
	case VM_PRESENCE_UNKNOWN:
		log_line(LOG_LEVEL_ERROR, "there is no VM \"%s\"; mvmd list shows all", name);
		return MVMD_EXIT_UNKNOWN_VM;
	case VM_PRESENCE_ORPHANED:
		log_line(
			LOG_LEVEL_ERROR,
			"%s has no supervisor: the one that had started it was killed, but its VMM, "
			"pid %d, runs on; mvmd %s %s takes it over, mvmd stop %s stops it",
			name, found->pid, client_start_verb(found), name, name);
		return MVMD_EXIT_NOT_RUNNING;
	case VM_PRESENCE_WAITING:
		log_line(LOG_LEVEL_ERROR,
			 found->waits_for_slot ?
				 "%s waits for a start slot: others start now; mvmd status %s" :
				 "%s waits for its next try; mvmd status %s tells for how long",
			 name, name);
		return MVMD_EXIT_NOT_RUNNING;
	case VM_PRESENCE_HIDDEN:
		log_line(LOG_LEVEL_ERROR,
			 "whether %s starts, waits or was killed is not for uid %u to see; sudo "
			 "mvmd status %s",
			 name, (unsigned) getuid(), name);
		return MVMD_EXIT_PERMISSION;
	case VM_PRESENCE_STOPPED:
	case VM_PRESENCE_RUNNING:
	default:
		log_line(LOG_LEVEL_ERROR, "%s is not running; mvmd %s %s starts it", name,
			 client_start_verb(found), name);
		return MVMD_EXIT_NOT_RUNNING;
	}
}
