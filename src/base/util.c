/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define WORD_MAX    64
#define FD_PATH_MAX 32

void free_p(void *p)
{
	int saved_errno = errno;

	free(*(void **) p);
	errno = saved_errno;
}

void secret_free(char *text)
{
	int saved_errno = errno;

	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	errno = saved_errno;
}

int close_fd(int fd)
{
	int saved_errno = errno;

	if (fd >= 0)
		(void) close(fd);
	errno = saved_errno;
	return -EBADF;
}

int directory_make(int at, const char *path, mode_t mode)
{
	if (mkdirat(at, path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	return fchmodat(at, path, mode, 0) < 0 ? -errno : 1;
}

void close_p(const int *fd)
{
	(void) close_fd(*fd);
}

int fd_open_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL), opened = -1;
	char path[FD_PATH_MAX];
	struct stat st;

	/* What is non-blocking already is not opened anew: of a pty's master that would be another one. */
	if (flags >= 0 && !(flags & O_NONBLOCK) && fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
		(void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		opened = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (opened < 0)
		opened = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return opened < 0 ? -errno : opened;
}

bool streq_null(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return streq(a, b);
}

char *str_printf(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	return n < 0 ? NULL : text;
}

int str_set(char **p, const char *text)
{
	char *copy = NULL;

	if (text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*p);
	*p = copy;
	return 0;
}

void str_buf_add_bytes(StrBuf *buf, const void *bytes, size_t n)
{
	if (buf->failed)
		return;

	if (!buf->text || buf->length + n + 1 > buf->allocated) {
		size_t wanted = (buf->length + n + 1) * 2;
		char *text = realloc(buf->text, wanted);

		if (!text) {
			buf->failed = true;
			return;
		}
		buf->text = text;
		buf->allocated = wanted;
	}

	memcpy(buf->text + buf->length, bytes, n);
	buf->length += n;
	buf->text[buf->length] = '\0';
}

void str_buf_add(StrBuf *buf, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		buf->failed = true;
		return;
	}
	str_buf_add_bytes(buf, text, (size_t) n);
}

int str_buf_take(StrBuf *buf, char **ret)
{
	if (!buf->text)
		str_buf_add_bytes(buf, "", 0);
	if (buf->failed) {
		str_buf_done(buf);
		return -ENOMEM;
	}
	*ret = TAKE_PTR(buf->text);
	*buf = (StrBuf){ 0 };
	return 0;
}

void str_buf_done(StrBuf *buf)
{
	free(buf->text);
	*buf = (StrBuf){ 0 };
}

void str_list_add(StrList *list, const char *format, ...)
{
	char **items, *text = NULL;
	va_list arguments;
	int n;

	if (list->failed)
		return;

	items = realloc(list->items, (list->n + 2) * sizeof(*items));
	if (!items) {
		list->failed = true;
		return;
	}
	list->items = items;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		list->failed = true;
	}

	list->items[list->n] = text;
	if (text)
		list->items[++list->n] = NULL;
}

bool str_list_contains(const StrList *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (streq(list->items[i], text))
			return true;
	return false;
}

void str_list_done(StrList *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (StrList){ 0 };
}

int array_grow(void *array, size_t n, size_t size)
{
	void **p = array;
	void *grown;

	/* Powers of two only, so that the capacity need not be stored. */
	if (n > 0 && (n & (n - 1)) != 0)
		return 0;

	grown = realloc(*p, (n ? n * 2 : 1) * size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	return 0;
}

uint64_t fnv1a64(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const unsigned char *c = (const unsigned char *) text; *c; c++) {
		hash ^= *c;
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX], length_a = strnlen(a, WORD_MAX), length_b = strnlen(b, WORD_MAX);

	if (length_a >= WORD_MAX || length_b >= WORD_MAX)
		return WORD_MAX;

	for (size_t j = 0; j <= length_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			row[j] = min3(above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), above[j] + 1,
				      row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return rows[length_a % 3][length_b];
}

const char *nearest_name(const char *word, const char *const *names, size_t n)
{
	size_t limit = strlen(word) / 3, best = SIZE_MAX;
	const char *nearest = NULL;

	if (limit < 1)
		limit = 1;
	if (limit > 3)
		limit = 3;

	for (size_t i = 0; i < n; i++) {
		size_t distance = edit_distance(word, names[i]);

		if (distance <= limit && distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}

static uint64_t clock_usec(clockid_t clock)
{
	struct timespec now = { 0 };

	(void) clock_gettime(clock, &now);
	return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

uint64_t now_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

uint64_t realtime_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}

typedef struct UnitName {
	const char *suffix;
	uint64_t factor;
} UnitName;

/* Writes value in the largest unit that divides it; the last unit has the factor 1. */
static const char *format_in_units(char buffer[FORMAT_MAX], uint64_t value, const UnitName *units)
{
	while (units->factor > 1 && (value == 0 || value % units->factor != 0))
		units++;
	(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "%s", value / units->factor, units->suffix);
	return buffer;
}

const char *format_size(char buffer[FORMAT_MAX], uint64_t bytes)
{
	static const UnitName units[] = {
		{ "TiB", GIB * 1024 }, { "GiB", GIB }, { "MiB", MIB }, { "KiB", KIB }, { "B", 1 },
	};

	return format_in_units(buffer, bytes, units);
}

const char *format_rate(char buffer[FORMAT_MAX], uint64_t bits)
{
	static const UnitName units[] = {
		{ "Gbit", UINT64_C(1000000000) },
		{ "Mbit", 1000000 },
		{ "kbit", 1000 },
		{ "bit", 1 },
	};

	return format_in_units(buffer, bits, units);
}

const char *format_duration(char buffer[FORMAT_MAX], uint64_t usec)
{
	static const UnitName units[] = {
		{ "h", 3600 * USEC_PER_SEC },
		{ "min", 60 * USEC_PER_SEC },
		{ "s", USEC_PER_SEC },
		{ "ms", USEC_PER_MSEC },
		{ "us", 1 },
	};

	if (usec == 0) {
		(void) snprintf(buffer, FORMAT_MAX, "0s");
		return buffer;
	}
	return format_in_units(buffer, usec, units);
}

const char *format_rough_duration(char buffer[FORMAT_MAX], uint64_t usec)
{
	uint64_t sec = usec / USEC_PER_SEC, tenths = usec % USEC_PER_SEC / (USEC_PER_SEC / 10);

	if (usec < USEC_PER_SEC)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
	else if (sec < 10 && tenths > 0)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 "s", sec, tenths);
	else if (sec < 60)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "s", sec);
	else if (sec < 3600)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "min %" PRIu64 "s", sec / 60,
				sec % 60);
	else if (sec < 86400)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "h %" PRIu64 "min", sec / 3600,
				sec % 3600 / 60);
	else
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "d %" PRIu64 "h", sec / 86400,
				sec % 86400 / 3600);
	return buffer;
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		unsigned digit = (unsigned) *c - '0';

		if (digit > 9)
			return -EINVAL;
		if (value > (max - digit) / 10 && (value > max / 10 || value * 10 > max - digit))
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}
