/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend-ready UID DIRECTORY COMMAND-FILE...
 *
 * Backends by themselves: prints how many nanoseconds pass from before their start, on listeners that
 * they inherit as mvmd's backends do, to the first answer of the last of them. A COMMAND-FILE holds
 * the words of one as /proc/PID/cmdline shows them, each with a NUL byte at its end. The sockets are
 * made in DIRECTORY.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stamp.h"
#include "vhost-user.h"

#define LISTENER_FD   3 /* BACKEND_LISTENER_FD of src/model/backend-args.h */
#define WORDS_MAX     32
#define COMMAND_BYTES 8192
#define BACKENDS_MAX  4
#define SOCKET_MAX    100 /* sun_path has 108 bytes */

typedef struct Command {
	char text[COMMAND_BYTES];
	char *words[WORDS_MAX + 1];
} Command;

typedef struct Backend {
	Command command;
	char socket[SOCKET_MAX];
	pid_t pid;
} Backend;

static bool command_read(const char *path, Command *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, ret->text, sizeof(ret->text) - 1);
	size_t n = 0;

	(void) close(fd);
	if (length <= 0)
		return false;
	for (char *at = ret->text; at < ret->text + length && n < WORDS_MAX; at += strlen(at) + 1)
		ret->words[n++] = at;
	return true;
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	(void) unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return -1;
	return fd;
}

_Noreturn static void run(const Command *command, uid_t uid, int listener)
{
	if (dup2(listener, LISTENER_FD) < 0 || setsid() < 0 ||
	    syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, uid, uid, uid) < 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		_exit(EXIT_FAILURE);
	(void) execv(command->words[0], command->words);
	_exit(EXIT_FAILURE);
}

/* Prepares nothing that the clock would not see: the socket is part of the start. */
static bool backend_start(Backend *backend, const char *directory, size_t number, uid_t uid)
{
	int listener;

	(void) snprintf(backend->socket, sizeof(backend->socket), "%s/%zu.sock", directory, number);
	listener = listen_on(backend->socket);
	if (listener < 0)
		return false;
	backend->pid = fork();
	if (backend->pid == 0)
		run(&backend->command, uid, listener);
	(void) close(listener);
	return backend->pid > 0;
}

/* All are asked before the first answer is awaited. */
static bool meet_all(const Backend *backends, size_t n)
{
	int fds[BACKENDS_MAX];

	for (size_t i = 0; i < n; i++) {
		fds[i] = vhost_user_connect(backends[i].socket);
		if (fds[i] < 0)
			return false;
		vhost_user_ask_features(fds[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (!vhost_user_read_features(fds[i]))
			return false;
	return true;
}

static void stop_all(const Backend *backends, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (backends[i].pid > 0) {
			(void) kill(backends[i].pid, SIGKILL);
			(void) waitpid(backends[i].pid, NULL, 0);
		}
}

int main(int argc, char **argv)
{
	static Backend backends[BACKENDS_MAX];
	size_t n = argc < 4 ? 0 : (size_t) argc - 3;
	unsigned long long began, served;
	bool answered = true;
	uid_t uid;

	if (n == 0 || n > BACKENDS_MAX)
		return EXIT_FAILURE;
	uid = (uid_t) strtoul(argv[1], NULL, 10);
	for (size_t i = 0; i < n; i++)
		if (!command_read(argv[3 + i], &backends[i].command))
			return EXIT_FAILURE;

	began = monotonic_nsec();
	for (size_t i = 0; answered && i < n; i++)
		answered = backend_start(&backends[i], argv[2], i, uid);
	answered = answered && meet_all(backends, n);
	served = monotonic_nsec();
	stop_all(backends, n);
	if (!answered) {
		(void) fprintf(stderr, "no answer\n");
		return EXIT_FAILURE;
	}
	(void) printf("%llu\n", served - began);
	return EXIT_SUCCESS;
}
