/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend-start.h"

#define LISTENER_FD 3 /* BACKEND_LISTENER_FD of src/model/backend-args.h */

bool command_read(const char *path, Command *ret)
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

int command_listen(const char *path)
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

pid_t command_start(const Command *command, uid_t uid, int listener)
{
	pid_t pid = fork();

	if (pid == 0)
		run(command, uid, listener);
	return pid;
}
