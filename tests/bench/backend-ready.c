/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend-ready UID DIRECTORY COMMAND-FILE...
 *
 * Backends by themselves: prints how many nanoseconds pass from before their start, on listeners that
 * they inherit as mvmd's backends do, to the first answer of the last of them. A COMMAND-FILE holds
 * the words of one as /proc/PID/cmdline shows them, each with a NUL byte at its end. The sockets are
 * made in DIRECTORY.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend-start.h"
#include "stamp.h"
#include "vhost-user.h"

#define BACKENDS_MAX 4
#define SOCKET_MAX   100 /* sun_path has 108 bytes */

typedef struct Backend {
	Command command;
	char socket[SOCKET_MAX];
	pid_t pid;
} Backend;

/* Prepares nothing that the clock would not see: the socket is part of the start. */
static bool backend_start(Backend *backend, const char *directory, size_t number, uid_t uid)
{
	int listener;

	(void) snprintf(backend->socket, sizeof(backend->socket), "%s/%zu.sock", directory, number);
	listener = command_listen(backend->socket);
	if (listener < 0)
		return false;
	backend->pid = command_start(&backend->command, uid, listener);
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
