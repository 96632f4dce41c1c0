/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend-ready UID SOCKET COMMAND-FILE
 *
 * A backend by itself: prints how many nanoseconds pass from before its start, on a listener that it
 * inherits as mvmd's backends do, to its first answer. COMMAND-FILE holds its words as
 * /proc/PID/cmdline shows them, each with a NUL byte at its end.
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

typedef struct Command {
	char text[COMMAND_BYTES];
	char *words[WORDS_MAX + 1];
} Command;

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

/* True once it answered. */
static bool meet(const char *path)
{
	int fd = vhost_user_connect(path);

	if (fd < 0)
		return false;
	vhost_user_ask_features(fd);
	return vhost_user_read_features(fd);
}

int main(int argc, char **argv)
{
	static Command command;
	unsigned long long began, served;
	bool answered;
	int listener;
	pid_t pid;

	if (argc != 4 || !command_read(argv[3], &command))
		return EXIT_FAILURE;
	began = monotonic_nsec();
	listener = listen_on(argv[2]);
	if (listener < 0)
		return EXIT_FAILURE;
	pid = fork();
	if (pid == 0)
		run(&command, (uid_t) strtoul(argv[1], NULL, 10), listener);
	(void) close(listener);

	answered = meet(argv[2]);
	served = monotonic_nsec();
	(void) kill(pid, SIGKILL);
	(void) waitpid(pid, NULL, 0);
	if (!answered) {
		(void) fprintf(stderr, "%s did not answer\n", command.words[0]);
		return EXIT_FAILURE;
	}
	(void) printf("%llu\n", served - began);
	return EXIT_SUCCESS;
}
