/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first-byte COMMAND...
 *
 * Prints how many nanoseconds pass from the start of the command to the first byte of its stdout; then
 * lets it end. Fails where there is no such byte or the command fails.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stamp.h"

/* A guest that hangs hangs for ever. */
#define LIMIT_SEC 30

_Noreturn static void run(char **argv, int output)
{
	(void) dup2(output, STDOUT_FILENO);
	(void) alarm(LIMIT_SEC);
	(void) execvp(argv[0], argv);
	perror(argv[0]);
	_exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	unsigned long long began, first;
	char buffer[4096];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (argc < 2 || pipe(fds) < 0)
		return EXIT_FAILURE;
	began = monotonic_nsec();
	pid = fork();
	if (pid == 0)
		run(argv + 1, fds[1]);
	(void) close(fds[1]);

	n = read(fds[0], buffer, 1);
	first = monotonic_nsec();
	while (read(fds[0], buffer, sizeof(buffer)) > 0)
		;
	if (waitpid(pid, &status, 0) < 0 || status != 0 || n != 1) {
		(void) fprintf(stderr, "%s: %s, wait status %d\n", argv[1],
			       n == 1 ? "failed" : "not one byte", status);
		return EXIT_FAILURE;
	}
	(void) printf("%llu\n", first - began);
	return EXIT_SUCCESS;
}
