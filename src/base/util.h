/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* Cleanup on scope exit, and the words for handing a thing over before that happens. */
#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_	    _cleanup_(free_p)
#define _cleanup_close_	    _cleanup_(close_p)
#define _printf_(at, first) __attribute__((format(printf, at, first)))
#define _unused_	    __attribute__((unused))

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

#define TAKE_PTR(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) *_take_from = &(pointer);                                      \
		__typeof__(pointer) _taken = *_take_from;                                          \
		*_take_from = NULL;                                                                \
		_taken;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *_take_from = &(fd);                                                           \
		int _taken = *_take_from;                                                          \
		*_take_from = -EBADF;                                                              \
		_taken;                                                                            \
	})

/* Defines function_p() for _cleanup_(): calls function(*p) where *p is set. */
#define DEFINE_CLEANUP(type, function)                                                             \
	_unused_ static inline void function##_p(type(*p))                                         \
	{                                                                                          \
		if (*p)                                                                            \
			(void) function(*p);                                                       \
	}

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

/* Frees what *p points to; for _cleanup_free_. Keeps errno. */
void free_p(void *p);

/* Wipes a string, then frees it. Keeps errno. */
void secret_free(char *text);
DEFINE_CLEANUP(char *, secret_free)

/* Closes fd where it is one, keeps errno. Returns -EBADF, to be assigned to the variable. */
int close_fd(int fd);

/* Makes a directory with this mode, whatever the umask. 1: made; 0: there was one, which keeps its own; or -errno. */
int directory_make(int at, const char *path, mode_t mode);
void close_p(const int *fd);

/*
 * A new descriptor for what fd writes to, which does not block where that is a pipe or a terminal.
 * O_NONBLOCK belongs to the open file description, which others may have as well (a shell its terminal), so
 * that one is left as it is. Returns the new fd or -errno.
 */
int fd_open_nonblocking(int fd);

/* True where both are NULL, or both are set and equal. */
bool streq_null(const char *a, const char *b);

/* Most words differ in their first letter: that is seen without a call. */
static inline bool streq(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

/* Formats into a new string; the caller frees it. NULL: out of memory. */
char *str_printf(const char *format, ...) _printf_(1, 2);

/* Replaces *p by a copy of text (NULL: by NULL). Returns 0 or -ENOMEM, then *p is as before. */
int str_set(char **p, const char *text);

/*
 * A string that grows. Zero-initialise it; an allocation that fails is remembered in 'failed', further
 * additions do nothing, and str_buf_take() reports it: so callers check once, at the end.
 */
typedef struct StrBuf {
	char *text;
	size_t length;
	size_t allocated;
	bool failed;
} StrBuf;

void str_buf_add(StrBuf *buf, const char *format, ...) _printf_(2, 3);
void str_buf_add_bytes(StrBuf *buf, const void *bytes, size_t n);

/* Hands the string over ("" where nothing was added) and empties buf. Returns 0 or -ENOMEM. */
int str_buf_take(StrBuf *buf, char **ret);
void str_buf_done(StrBuf *buf);

/*
 * A NULL-terminated list of strings that owns them: argument vectors, name lists. Zero-initialise.
 * As StrBuf it remembers a failed allocation in 'failed'.
 */
typedef struct StrList {
	char **items;
	size_t n;
	bool failed;
} StrList;

void str_list_add(StrList *list, const char *format, ...) _printf_(2, 3);
bool str_list_contains(const StrList *list, const char *text);
void str_list_done(StrList *list);

/* Makes room for one more element of 'size' bytes behind the n that *array holds. 0 or -ENOMEM. */
int array_grow(void *array, size_t n, size_t size);

/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): the hash of derived names. */
uint64_t fnv1a64(const char *text);

/*
 * The number of edits between two words of at most 63 bytes: a letter more, less, another, or two neighbours that have
 * changed places (Damerau-Levenshtein, each part of a word changed once).
 */
size_t edit_distance(const char *a, const char *b);

/*
 * The nearest of n names to word, for "did you mean": NULL where none is near enough (more than a third
 * of the word's letters would have to change, at least one and at most three may).
 */
const char *nearest_name(const char *word, const char *const *names, size_t n);

/* CLOCK_MONOTONIC and CLOCK_REALTIME in microseconds. */
uint64_t now_usec(void);
uint64_t realtime_usec(void);

/*
 * "512MiB", "30s": the shortest exact text of a size in bytes or of a duration, in the units that the
 * spec takes. The result lies in buffer, which holds FORMAT_MAX bytes.
 */
#define FORMAT_MAX 32
const char *format_size(char buffer[FORMAT_MAX], uint64_t bytes);
const char *format_duration(char buffer[FORMAT_MAX], uint64_t usec);
const char *format_rate(char buffer[FORMAT_MAX], uint64_t bits); /* "100Mbit", a second */

/* "345ms", "4.7s", "47s", "3min 5s", "2h 10min", "3d 4h": a duration that was measured, as exact as a person wants it. */
const char *format_rough_duration(char buffer[FORMAT_MAX], uint64_t usec);

/* Reads a decimal number that fills the whole text. 0, -EINVAL (no number) or -ERANGE (over max). */
int parse_u64(const char *text, uint64_t max, uint64_t *ret);
