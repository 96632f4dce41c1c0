/* SPDX-License-Identifier: Apache-2.0 */
/*
 * always-there UID SOCKET COMMAND-FILE
 *
 * The least that keeps a backend there: one listener for all of its lives, and a new one as soon as the last one
 * has left. Goes on until a signal ends it, or the backend fails.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "backend-start.h"

int main(int argc, char **argv)
{
	static Command command;
	int listener, status = 0;
	uid_t uid;

	if (argc != 4 || !command_read(argv[3], &command))
		return EXIT_FAILURE;
	uid = (uid_t) strtoul(argv[1], NULL, 10);
	listener = command_listen(argv[2]);
	while (listener >= 0 && status == 0) {
		pid_t pid = command_start(&command, uid, listener);

		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			break;
	}
	return EXIT_FAILURE;
}
