/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/memory-file.h"
#include "run/qemu-kept.h"

#define MONITOR_NAME "vmm-monitor"
#define STATE_NAME   "vmm-monitor-state"

int qemu_kept_pass_on(QemuKept *qemu, Kept *kept, const QmpRest *rest, const QemuReboot *reboot)
{
	/* A line of JSON has no NUL; one with a NUL is cut there, and was none anyway. */
	_cleanup_free_ char *text = str_printf("%d %" PRIu64 " %" PRIu64 " %s\n%.*s", reboot->known,
					       reboot->usec, reboot->bytes, rest->version,
					       (int) rest->length, rest->length ? rest->line : "");
	int fd = text ? memory_file(text) : -ENOMEM;

	if (fd < 0)
		return fd;
	qemu->state_fd = fd;
	kept_add_for_reload(kept, STATE_NAME, fd);
	kept_add_for_reload(kept, MONITOR_NAME, rest->fd);
	return 0;
}

void qemu_kept_take_back(QemuKept *qemu, Kept *kept)
{
	kept_remove(kept, MONITOR_NAME);
	kept_remove(kept, STATE_NAME);
	qemu->state_fd = close_fd(qemu->state_fd);
}

/* It is the caller's alone, and would be passed on by its number at the next reload. */
static int take(Kept *kept, const char *name)
{
	int fd = kept_take(kept, name);

	kept_remove(kept, name);
	return fd;
}

/* The whole of a file in memory: a new string or NULL. */
static char *read_all(int fd, size_t *ret_length)
{
	struct stat status;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	text = malloc((size_t) status.st_size + 1);
	n = text ? pread(fd, text, (size_t) status.st_size, 0) : -1;
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*ret_length = (size_t) n;
	return text;
}

/* A number and the space behind it. */
static uint64_t read_number(char **text)
{
	uint64_t number = strtoull(*text, text, 10);

	*text += **text == ' ';
	return number;
}

int qemu_kept_take(Kept *kept, sd_event *event, const QmpHandler *handler, Qmp **ret,
		   QemuReboot *ret_reboot)
{
	_cleanup_close_ int fd = take(kept, MONITOR_NAME), state_fd = take(kept, STATE_NAME);
	size_t length = 0;
	_cleanup_free_ char *text = read_all(state_fd, &length);
	char *end = text ? strchr(text, '\n') : NULL, *word = text;
	QemuReboot reboot;
	QmpRest rest;
	int r;

	if (fd < 0)
		return 0;
	if (!end)
		return -EBADMSG;
	*end = '\0';
	reboot.known = read_number(&word) > 0;
	reboot.usec = read_number(&word);
	reboot.bytes = read_number(&word);
	rest = (QmpRest){ .version = word,
			  .line = end + 1,
			  .length = length - (size_t) (end + 1 - text),
			  .fd = TAKE_FD(fd) };
	r = qmp_resume(event, &rest, handler, ret);
	if (r < 0)
		return r;
	*ret_reboot = reboot;
	return 1;
}
