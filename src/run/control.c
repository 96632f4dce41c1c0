/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/sock.h"
#include "model/fault-json.h"
#include "mvmd/exit-codes.h"
#include "run/control.h"
#include "run/output.h"

/* No call of the interface is larger than a few words. */
#define CONTROL_MESSAGE_MAX_BYTES 4096
#define CONTROL_CONNECTIONS_MAX	  64
#define CONTROL_GROUPS_MAX	  256

static const char interface_text[] =
#include "varlink-interface.h"
	;

typedef struct Connection {
	Control *control;
	sd_event_source *source;
	Output *output;
	int fd;
	struct ucred peer;
	bool allowed;
	char input[CONTROL_MESSAGE_MAX_BYTES];
	size_t n_input;
} Connection;

struct Control {
	sd_event *event;
	sd_event_source *source;
	int fd;
	uid_t *users;
	size_t n_users;
	gid_t *groups;
	size_t n_groups;
	Connection *connections[CONTROL_CONNECTIONS_MAX];
	size_t n_connections;
	ControlHandler handler;
};

static Connection *connection_free(Connection *connection)
{
	if (!connection)
		return NULL;
	(void) sd_event_source_disable_unref(connection->source);
	(void) output_free(connection->output);
	(void) close_fd(connection->fd);
	free(connection);
	return NULL;
}
DEFINE_CLEANUP(Connection *, connection_free)

static void connection_leave(Connection *connection)
{
	Control *control = connection->control;

	for (size_t i = 0; i < control->n_connections; i++)
		if (control->connections[i] == connection) {
			control->connections[i] = control->connections[--control->n_connections];
			break;
		}
	(void) connection_free(connection);
}

static bool is_owner_group(const Control *control, gid_t gid)
{
	for (size_t i = 0; i < control->n_groups; i++)
		if (control->groups[i] == gid)
			return true;
	return false;
}

static bool is_allowed(const Control *control, int fd, const struct ucred *peer)
{
	gid_t groups[CONTROL_GROUPS_MAX];
	socklen_t length = sizeof(groups);

	if (peer->uid == 0 || peer->uid == getuid() || is_owner_group(control, peer->gid))
		return true;
	for (size_t i = 0; i < control->n_users; i++)
		if (control->users[i] == peer->uid)
			return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
		return false;
	for (size_t i = 0; i < length / sizeof(groups[0]); i++)
		if (is_owner_group(control, groups[i]))
			return true;
	return false;
}

/* Takes message; out of memory ends the connection, which the caller notices. */
static void send_message(Connection *connection, json_t *message)
{
	_cleanup_free_ char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	if (text)
		output_write(connection->output, text, strlen(text) + 1);
}

static void reply(Connection *connection, json_t *parameters)
{
	send_message(connection, json_pack("{s:o}", "parameters", parameters));
}

static void reply_error(Connection *connection, const char *error, json_t *parameters)
{
	send_message(connection, json_pack("{s:s, s:o}", "error", error, "parameters", parameters));
}

static json_t *reload_refused(const Fault *fault)
{
	return json_pack("{s:s, s:{s:o}}", "error", "io.mvmd.vm.ReloadFailed", "parameters",
			 "finding", fault_to_json(fault));
}

void control_answer(int fd, const Fault *fault)
{
	json_t *message = fault ? reload_refused(fault) : json_pack("{s:{}}", "parameters");
	_cleanup_free_ char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	/* A socket that was empty takes so little at once; who has left needs no answer. */
	if (text)
		(void) send(fd, text, strlen(text) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	json_decref(message);
	(void) close_fd(fd);
}

/* Returns false where the connection is another's now. */
static bool call_console(Connection *connection, json_t *parameters)
{
	Control *control = connection->control;
	int fd;

	/* The answer goes out first, on a socket that is empty so far: then the bytes belong to the console. */
	fd = control->handler.console_is_ready(control->handler.userdata) ?
		     fcntl(connection->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) :
		     -EBADF;
	if (fd < 0) {
		reply_error(connection, "io.mvmd.vm.NoConsole", json_object());
		return true;
	}
	reply(connection, json_object());
	control->handler.console(fd, control->handler.userdata);
	connection_leave(connection);
	return false;
}

static bool call_status(Connection *connection, json_t *parameters)
{
	const ControlHandler *handler = &connection->control->handler;

	reply(connection, handler->get_status(handler->userdata));
	return true;
}

static bool call_stop(Connection *connection, json_t *parameters)
{
	const ControlHandler *handler = &connection->control->handler;
	bool force = json_is_true(json_object_get(parameters, "force"));
	uint64_t timeout_usec = handler->stop(force, handler->userdata);

	reply(connection, json_pack("{s:I}", "timeout_usec", (json_int_t) timeout_usec));
	return true;
}

/* The answer is the next image's, which has but the descriptor. */
static bool call_reload(Connection *connection, json_t *parameters)
{
	const ControlHandler *handler = &connection->control->handler;
	int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	Fault fault = { 0 };

	if (fd < 0)
		(void) fault_oom(&fault);
	if (fd >= 0 && handler->reload(fd, handler->userdata, &fault) == 0)
		return true;
	(void) close_fd(fd);
	send_message(connection, reload_refused(&fault));
	fault_done(&fault);
	return true;
}

static bool call_get_info(Connection *connection, json_t *parameters)
{
	reply(connection, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "mvmd", "product",
				    "mvmd", "version", MVMD_VERSION, "url", "", "interfaces",
				    "org.varlink.service", "io.mvmd.vm"));
	return true;
}

static bool call_get_description(Connection *connection, json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));

	if (name && streq(name, "io.mvmd.vm"))
		reply(connection, json_pack("{s:s}", "description", interface_text));
	else
		reply_error(connection, "org.varlink.service.InterfaceNotFound",
			    json_pack("{s:s}", "interface", name ?: ""));
	return true;
}

typedef struct Method {
	const char *name;
	bool open_to_all; /* tells nothing of this VM */
	bool (*call)(Connection *connection, json_t *parameters);
} Method;

static const Method methods[] = {
	{ "org.varlink.service.GetInfo", true, call_get_info },
	{ "org.varlink.service.GetInterfaceDescription", true, call_get_description },
	{ "io.mvmd.vm.GetStatus", false, call_status },
	{ "io.mvmd.vm.Stop", false, call_stop },
	{ "io.mvmd.vm.Console", false, call_console },
	{ "io.mvmd.vm.Reload", false, call_reload },
};

static bool dispatch(Connection *connection, const char *name, json_t *parameters)
{
	for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
		if (!streq(methods[i].name, name))
			continue;
		if (methods[i].open_to_all || connection->allowed)
			return methods[i].call(connection, parameters);
		reply_error(connection, "io.mvmd.vm.PermissionDenied",
			    json_pack("{s:I}", "uid", (json_int_t) connection->peer.uid));
		return true;
	}
	reply_error(connection, "org.varlink.service.MethodNotFound",
		    json_pack("{s:s}", "method", name));
	return true;
}

/* Returns false where the connection is gone. */
static bool take_message(Connection *connection, const char *text, size_t length)
{
	json_t *message = json_loadb(text, length, 0, NULL);
	const char *method = json_string_value(json_object_get(message, "method"));
	bool stays = true;

	if (!method) {
		json_decref(message);
		connection_leave(connection);
		return false;
	}
	stays = dispatch(connection, method, json_object_get(message, "parameters"));
	json_decref(message);
	return stays;
}

static bool take_messages(Connection *connection)
{
	char *end;

	while ((end = memchr(connection->input, '\0', connection->n_input))) {
		size_t length = (size_t) (end - connection->input);

		if (!take_message(connection, connection->input, length))
			return false;
		connection->n_input -= length + 1;
		memmove(connection->input, end + 1, connection->n_input);
	}
	return true;
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Connection *connection = userdata;
	size_t room = sizeof(connection->input) - connection->n_input;
	ssize_t n;

	if (room == 0) {
		connection_leave(connection); /* no call is that long */
		return 0;
	}
	n = recv(fd, connection->input + connection->n_input, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		connection_leave(connection);
		return 0;
	}
	connection->n_input += (size_t) n;
	(void) take_messages(connection);
	return 0;
}

static void on_broken(Output *output, void *userdata)
{
	/* The input side sees the end too, and is the one to free the connection. */
}

static int connection_add(Control *control, int fd)
{
	_cleanup_(connection_free_p) Connection *connection = calloc(1, sizeof(*connection));
	socklen_t length = sizeof(connection->peer);
	int r;

	if (!connection) {
		(void) close_fd(fd);
		return -ENOMEM;
	}
	connection->control = control;
	connection->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &connection->peer, &length) < 0)
		return -errno;
	connection->allowed = is_allowed(control, fd, &connection->peer);
	r = output_new(control->event, fd, on_broken, connection, &connection->output);
	if (r == 0)
		r = sd_event_add_io(control->event, &connection->source, fd, EPOLLIN, on_input,
				    connection);
	if (r < 0)
		return r;
	control->connections[control->n_connections++] = TAKE_PTR(connection);
	return 0;
}

/* Strangers, who may connect and ask nothing, must not keep those out who may ask. */
static void control_make_room(Control *control)
{
	if (control->n_connections < CONTROL_CONNECTIONS_MAX)
		return;
	for (size_t i = 0; i < control->n_connections; i++)
		if (!control->connections[i]->allowed) {
			connection_leave(control->connections[i]);
			return;
		}
}

static int on_connection(sd_event_source *source, int listener, uint32_t revents, void *userdata)
{
	Control *control = userdata;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return 0;
	control_make_room(control);
	if (control->n_connections == CONTROL_CONNECTIONS_MAX)
		(void) close_fd(fd);
	else
		(void) connection_add(control, fd);
	return 0;
}

static int fault_unknown_owner(const char *kind, const char *name, Fault *fault)
{
	(void) fault_set(fault, -ESRCH, MVMD_EXIT_UNAVAILABLE, "owner-missing",
			 "there is no %s \"%s\" on this host, and \"owners\" names it", kind, name);
	(void) fault_evidence(fault, "owner", "%s", name);
	return fault_remedy(fault, "%sadd %s, or take it out of \"owners\"", kind, name);
}

static int control_add_owners(Control *control, const Spec *spec, Fault *fault)
{
	control->users = calloc(spec->n_owners ?: 1, sizeof(*control->users));
	control->groups = calloc(spec->n_owners ?: 1, sizeof(*control->groups));
	if (!control->users || !control->groups)
		return fault_oom(fault);

	for (size_t i = 0; i < spec->n_owners; i++) {
		const SpecOwner *owner = &spec->owners[i];
		const struct passwd *user = owner->user ? getpwnam(owner->user) : NULL;
		const struct group *group = owner->group ? getgrnam(owner->group) : NULL;

		if (owner->user && !user)
			return fault_unknown_owner("user", owner->user, fault);
		if (owner->group && !group)
			return fault_unknown_owner("group", owner->group, fault);
		if (user)
			control->users[control->n_users++] = user->pw_uid;
		if (group)
			control->groups[control->n_groups++] = group->gr_gid;
	}
	return 0;
}

int control_new(sd_event *event, const char *path, const Spec *spec, const ControlHandler *handler,
		Control **ret, Fault *fault)
{
	/* Anybody may connect; what they may do is decided by who they are. */
	static const SockAccess open_to_all = { .mode = 0666, .user = (uid_t) -1 };
	_cleanup_(control_free_p) Control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return fault_oom(fault);
	control->fd = -EBADF;
	control->handler = *handler;
	control->event = sd_event_ref(event);

	r = control_add_owners(control, spec, fault);
	if (r < 0)
		return r;
	r = sock_listen(path, &open_to_all, &control->fd);
	if (r == 0)
		r = sd_event_add_io(event, &control->source, control->fd, EPOLLIN, on_connection,
				    control);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "control-socket",
				 "cannot listen on %s: %m", path);
		(void) fault_evidence(fault, "path", "%s", path);
		return fault_remedy(fault, "ulimit -n; namei -l %s", path);
	}
	*ret = TAKE_PTR(control);
	return 0;
}

Control *control_free(Control *control)
{
	if (!control)
		return NULL;
	while (control->n_connections > 0)
		(void) connection_free(control->connections[--control->n_connections]);
	(void) sd_event_source_disable_unref(control->source);
	(void) close_fd(control->fd);
	(void) sd_event_unref(control->event);
	free(control->users);
	free(control->groups);
	free(control);
	return NULL;
}
