/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this level share: a network namespace of their own, and ip(8) as the other hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

#define NOBODY 65534

#define OUTPUT_BYTES_MAX 16384

_unused_ static char said[OUTPUT_BYTES_MAX];

/* Enters a new namespace. False, with the reason printed for TAP: the program has to skip all. */
_unused_ static bool network_enter(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return true;
	printf("1..0 # SKIP needs root for a network namespace of its own: %s\n", strerror(errno));
	return false;
}

/* False, with the reason printed for TAP: the program has to skip all. */
_unused_ static bool network_has_taps(void)
{
	if (access("/dev/net/tun", F_OK) == 0)
		return true;
	printf("1..0 # SKIP there is no /dev/net/tun here\n");
	return false;
}

/* Runs a shell's one line of ip(8), without a shell; the test fails where ip does. */
_printf_(1, 2) _unused_ static void ip(const char *format, ...)
{
	char line[256], program[] = "ip", *words[32] = { program }, *rest = line;
	size_t n = 1;
	va_list arguments;
	int status;
	pid_t pid;

	va_start(arguments, format);
	(void) vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	while (n < ELEMENTSOF(words) - 1 && (words[n] = strsep(&rest, " ")))
		n++;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void) !freopen("/dev/null", "w", stdout);
		(void) execvp(program, words);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The same with many lines for ip -batch. */
_unused_ static void ip_batch(const char *lines)
{
	char path[] = "/tmp/mvmd-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), (ssize_t) strlen(lines));
	assert_int_equal(close(fd), 0);
	ip("-batch %s", path);
	assert_int_equal(unlink(path), 0);
}

/* Runs function in a child process; what it returns (0-255). */
_unused_ static int in_child(int (*function)(void *data), void *data)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(function(data));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

_unused_ static bool become_nobody(void)
{
	return setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

/* said: what a command without quotes says; the test fails where it does. */
_printf_(1, 2) _unused_ static void run_command(const char *format, ...)
{
	char line[256];
	va_list arguments;
	size_t n;
	FILE *pipe;

	va_start(arguments, format);
	(void) vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	pipe = popen(line, "re");
	assert_non_null(pipe);
	n = fread(said, 1, OUTPUT_BYTES_MAX - 1, pipe);
	said[n] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

_unused_ static void assert_says(const char *text, const char *words)
{
	if (!text || !strstr(text, words))
		print_error("# \"%s\" does not say \"%s\"\n", text ?: "(nothing)", words);
	assert_true(text && strstr(text, words));
}
