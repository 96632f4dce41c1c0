/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "mvmd/exit-codes.h"

#define CONSOLE_BYTES 4096
#define ESCAPE_BYTE   0x1d /* Ctrl-], as telnet and virsh have it */

typedef enum ConsoleEnd {
	CONSOLE_GOES_ON,
	CONSOLE_ESCAPED,
	CONSOLE_VM_GONE,
	CONSOLE_INPUT_ENDED,
} ConsoleEnd;

static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno == EAGAIN) {
			struct pollfd out = { .fd = fd, .events = POLLOUT };

			(void) poll(&out, 1, -1);
			continue;
		}
		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			bytes += written;
			n -= (size_t) written;
		}
	}
	return true;
}

static ConsoleEnd pass_output(int fd)
{
	char bytes[CONSOLE_BYTES];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CONSOLE_GOES_ON;
	if (n <= 0)
		return CONSOLE_VM_GONE;
	return write_all(STDOUT_FILENO, bytes, (size_t) n) ? CONSOLE_GOES_ON : CONSOLE_ESCAPED;
}

static ConsoleEnd pass_input(int fd)
{
	char bytes[CONSOLE_BYTES], *escape;
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CONSOLE_GOES_ON;
	if (n <= 0)
		return CONSOLE_INPUT_ENDED;
	escape = memchr(bytes, ESCAPE_BYTE, (size_t) n);
	if (escape)
		n = escape - bytes;
	if (!write_all(fd, bytes, (size_t) n))
		return CONSOLE_VM_GONE;
	return escape ? CONSOLE_ESCAPED : CONSOLE_GOES_ON;
}

/* Input that ended (a pipe's) is no reason to leave: what the guest answers is still wanted. */
static ConsoleEnd pass_bytes(int fd)
{
	struct pollfd ends[] = { { .fd = fd, .events = POLLIN },
				 { .fd = STDIN_FILENO, .events = POLLIN } };
	ConsoleEnd end = CONSOLE_GOES_ON;

	while (end == CONSOLE_GOES_ON) {
		if (poll(ends, ELEMENTSOF(ends), -1) < 0)
			continue;
		if (ends[1].revents)
			end = pass_input(fd);
		if (end == CONSOLE_INPUT_ENDED) {
			ends[1].fd = -1;
			end = CONSOLE_GOES_ON;
		}
		if (end == CONSOLE_GOES_ON && ends[0].revents)
			end = pass_output(fd);
	}
	return end;
}

static ConsoleEnd pass_bytes_raw(const char *name, int fd)
{
	struct termios before, raw;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	ConsoleEnd end;

	if (terminal) {
		log_line(LOG_LEVEL_INFO, "console of %s; Ctrl-] leaves it", name);
		raw = before;
		cfmakeraw(&raw);
		(void) tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	end = pass_bytes(fd);
	if (terminal)
		(void) tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return end;
}

int cmd_console(const Places *places, int argc, char **argv)
{
	_cleanup_close_ int fd = -EBADF;
	int r, exit_code = MVMD_EXIT_OK;
	json_t *reply = NULL;
	Fault fault = { 0 };
	VmFound found = { 0 };

	if (options_parse(argc, argv, NULL, 0, 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	r = client_find(places, argv[1], &found, &fault);
	if (r == 0 && found.presence != VM_PRESENCE_RUNNING) {
		exit_code = client_say_absent(&found);
		vm_found_done(&found);
		return exit_code;
	}
	if (r == 0)
		r = client_call(&found, "io.mvmd.vm.Console", NULL, &reply, &fd, &fault);
	json_decref(reply);
	if (r < 0) {
		if (found.places.name)
			(void) fault_prefix(&fault, "%s", found.places.name);
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
	} else if (pass_bytes_raw(found.places.name, fd) == CONSOLE_VM_GONE) {
		log_line(LOG_LEVEL_INFO, "%s is gone", found.places.name);
	}
	vm_found_done(&found);
	fault_done(&fault);
	return exit_code;
}
