/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/journal.h"

#define JOURNAL_SOCKET	"/run/systemd/journal/socket"
#define CGROUP_FILE_MAX 4096

typedef struct Waiting {
	char *bytes;
	size_t n;
	struct Waiting *next;
} Waiting;

static int journal_socket = -EBADF;
static bool stderr_was_asked, stderr_is_journal;
static bool unit_was_asked;
static char *unit_field;
static Waiting *first, **end = &first;
static size_t n_waiting_bytes;
static unsigned n_lost;
static JournalWaits on_waiting;
static void *on_waiting_userdata;

/* "DEVICE:INODE" of the stream that systemd made; who gave us another stderr left the variable as it was. */
static bool look_at_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char wanted[2 * sizeof("18446744073709551615")];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void) snprintf(wanted, sizeof(wanted), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t) st.st_dev,
			(uintmax_t) st.st_ino);
	return streq(stream, wanted);
}

bool journal_is_stderr(void)
{
	if (!stderr_was_asked)
		stderr_is_journal = look_at_stderr();
	stderr_was_asked = true;
	return stderr_is_journal;
}

bool journal_is_stdout(void)
{
	struct stat out, err;

	return journal_is_stderr() && fstat(STDOUT_FILENO, &out) == 0 &&
	       fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
	       out.st_ino == err.st_ino;
}

static bool ends_in(const char *text, const char *suffix)
{
	size_t length = strlen(text), n = strlen(suffix);

	return length > n && streq(text + length - n, suffix);
}

/*
 * The unit in "/mvmd.slice/mvmd@web1.service", and in what a user's systemd has below "user@1000.service" his own.
 * sd_pid_get_unit(3) does the same with a call of the kernel for each character.
 */
static char *unit_field_of_path(char *path)
{
	const char *name = "OBJECT_SYSTEMD_UNIT", *found = NULL;
	char *part;

	while (!found && (part = strsep(&path, "/")))
		if (strncmp(part, "user@", strlen("user@")) == 0)
			name = "OBJECT_SYSTEMD_USER_UNIT";
		else if (ends_in(part, ".service") || ends_in(part, ".scope"))
			found = part;
	return found ? str_printf("%s=%s", name, found) : NULL;
}

/* What is systemd's in a line of /proc/self/cgroup: the one hierarchy of version 2, or its own of version 1. */
static char *path_of_systemd(char *line)
{
	static const char unified[] = "0::", named[] = ":name=systemd:";
	char *at = strstr(line, named);

	if (strncmp(line, unified, strlen(unified)) == 0)
		return line + strlen(unified);
	return at ? at + strlen(named) : NULL;
}

/* A host may have both, cgroups(7), and only one of them names the unit, whichever it is. */
char *journal_unit_field(const char *cgroups)
{
	_cleanup_free_ char *copy = strdup(cgroups);
	char *rest = copy, *line, *path, *field = NULL;

	while (!field && (line = strsep(&rest, "\n")))
		if ((path = path_of_systemd(line)))
			field = unit_field_of_path(path);
	return field;
}

static char *look_for_unit(void)
{
	char text[CGROUP_FILE_MAX + 1];
	_cleanup_close_ int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, CGROUP_FILE_MAX);

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return journal_unit_field(text);
}

void journal_add_unit(StrBuf *entry)
{
	if (!unit_was_asked)
		unit_field = look_for_unit();
	unit_was_asked = true;
	if (unit_field)
		str_buf_add(entry, "%s\n", unit_field);
}

void journal_use(int fd)
{
	journal_socket = fd;
	stderr_was_asked = stderr_is_journal = true;
}

int journal_fd(void)
{
	return journal_socket;
}

static int connect_socket(void)
{
	const struct sockaddr_un journald = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *) &journald, sizeof(journald)) < 0)
		return -errno;
	journal_socket = TAKE_FD(fd);
	return 0;
}

void journal_add(StrBuf *entry, const char *name, const char *value)
{
	size_t length = strlen(value);
	uint64_t length_le = htole64(length);

	if (!memchr(value, '\n', length)) {
		str_buf_add(entry, "%s=%s\n", name, value);
		return;
	}
	str_buf_add(entry, "%s\n", name);
	str_buf_add_bytes(entry, &length_le, sizeof(length_le));
	str_buf_add_bytes(entry, value, length);
	str_buf_add(entry, "\n");
}

/* 0, -EAGAIN (no room now) or what keeps it from ever going. */
static int send_bytes(const char *bytes, size_t n)
{
	for (int attempts = 0; attempts < 2; attempts++) {
		int r = journal_socket >= 0 ? 0 : connect_socket();

		if (r < 0)
			return r;
		if (send(journal_socket, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
			return -errno;
		/* systemd-journald.socket was made anew. */
		journal_socket = close_fd(journal_socket);
	}
	return -ECONNREFUSED;
}

static void drop_first(void)
{
	Waiting *entry = first;

	first = entry->next;
	if (!first)
		end = &first;
	n_waiting_bytes -= entry->n;
	free(entry->bytes);
	free(entry);
}

static void keep(StrBuf *entry)
{
	Waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting) {
		n_lost++;
		return;
	}
	waiting->n = entry->length;
	waiting->bytes = TAKE_PTR(entry->text);
	n_waiting_bytes += waiting->n;
	*end = waiting;
	end = &waiting->next;
	while (n_waiting_bytes > JOURNAL_WAITING_MAX_BYTES) {
		drop_first();
		n_lost++;
	}
	if (on_waiting && first == waiting)
		on_waiting(on_waiting_userdata);
}

bool journal_flush(void)
{
	while (first) {
		int r = send_bytes(first->bytes, first->n);

		if (r == -EAGAIN)
			return false;
		if (r < 0)
			n_lost++;
		drop_first();
	}
	return true;
}

bool journal_send(StrBuf *entry)
{
	int r = entry->failed ? -ENOMEM : 0;

	if (r == 0)
		r = journal_flush() ? send_bytes(entry->text, entry->length) : -EAGAIN;
	if (r == -EAGAIN)
		keep(entry);
	str_buf_done(entry);
	return r == 0 || r == -EAGAIN;
}

void journal_flush_within(uint64_t usec)
{
	uint64_t now = now_usec(), until = now + usec;

	while (!journal_flush() && now < until) {
		struct pollfd room = { .fd = journal_socket, .events = POLLOUT };

		if (poll(&room, 1, (int) ((until - now) / USEC_PER_MSEC) + 1) < 0 && errno != EINTR)
			return;
		now = now_usec();
	}
}

unsigned journal_take_lost(void)
{
	unsigned lost = n_lost;

	n_lost = 0;
	return lost;
}

void journal_on_waiting(JournalWaits waits, void *userdata)
{
	on_waiting = waits;
	on_waiting_userdata = userdata;
}
