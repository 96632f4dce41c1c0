/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "host/sock.h"
#include "mvmd/exit-codes.h"
#include "run/console.h"
#include "run/output.h"

#define CONSOLE_READ_BYTES 4096
/* A drain takes what was there: more than pty or socket hold is still being written, perhaps for ever. */
#define CONSOLE_DRAIN_MAX_BYTES (1 * MIB)
/* What is kept for late readers: a screenful of long lines. */
#define CONSOLE_HISTORY_BYTES 8192
/* Each has a buffer of its own (output.h). */
#define CONSOLE_READERS_MAX 16

typedef struct Reader {
	Console *console;
	sd_event_source *source; /* NULL: it only reads */
	Output *output;
	int fd;
	bool owns_fd;
} Reader;

/* As it lies in the file. All of it may be found in any state: a supervisor was killed while it wrote. */
typedef struct History {
	uint64_t version;
	uint64_t n_bytes; /* written by the guest so far */
	uint64_t n; /* of text */
	char text[CONSOLE_HISTORY_BYTES];
} History;
#define HISTORY_VERSION 1

struct Console {
	sd_event *event;
	sd_event_source *source;
	Output *input; /* towards the guest */
	int fd; /* pty master, or the connection to QEMU; -EBADF: lost */
	bool is_pty;
	int child_fd;
	Reader *readers[CONSOLE_READERS_MAX];
	size_t n_readers;
	History *history; /* allocated, or the file's */
	bool history_is_mapped;
	ConsoleListener listener; /* NULL: none */
	void *userdata;
};

static Reader *reader_free(Reader *reader)
{
	if (!reader)
		return NULL;
	(void) sd_event_source_disable_unref(reader->source);
	(void) output_free(reader->output);
	if (reader->owns_fd)
		(void) close_fd(reader->fd);
	free(reader);
	return NULL;
}
DEFINE_CLEANUP(Reader *, reader_free)

static void reader_leave(Reader *reader)
{
	Console *console = reader->console;

	for (size_t i = 0; i < console->n_readers; i++)
		if (console->readers[i] == reader) {
			console->readers[i] = console->readers[--console->n_readers];
			break;
		}
	(void) reader_free(reader);
}

static void history_add(History *history, const char *bytes, size_t n)
{
	if (n > CONSOLE_HISTORY_BYTES) {
		bytes += n - CONSOLE_HISTORY_BYTES;
		n = CONSOLE_HISTORY_BYTES;
	}
	if (history->n + n > CONSOLE_HISTORY_BYTES) {
		size_t drop = history->n + n - CONSOLE_HISTORY_BYTES;

		history->n -= drop;
		memmove(history->text, history->text + drop, history->n);
	}
	memcpy(history->text + history->n, bytes, n);
	history->n += n;
}

/* Where in the history the last CONSOLE_SCREEN_LINES lines begin. */
static size_t screen_start(const History *history)
{
	size_t at = history->n, lines = 0;

	/* The newline that ends the last line begins no further one. */
	if (at > 0 && history->text[at - 1] == '\n')
		at--;
	while (at > 0) {
		if (history->text[at - 1] == '\n' && ++lines == CONSOLE_SCREEN_LINES)
			break;
		at--;
	}
	return at;
}

static void console_output(Console *console, const char *bytes, size_t n)
{
	console->history->n_bytes += n;
	history_add(console->history, bytes, n);
	if (console->listener)
		console->listener(bytes, n, console->userdata);
	/* Backwards: a reader that broke leaves, and the last one takes its place. */
	for (size_t i = console->n_readers; i-- > 0;)
		output_write(console->readers[i]->output, bytes, n);
}

/* Returns false at the end: EIO is a pty's, all of whose slaves are closed. */
static bool console_read(Console *console)
{
	char bytes[CONSOLE_READ_BYTES];
	ssize_t n = read(console->fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n > 0)
		console_output(console, bytes, (size_t) n);
	return n > 0;
}

static int on_console(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Console *console = userdata;

	if (!console_read(console))
		(void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

void console_drain(Console *console)
{
	const History *history = console->history;
	uint64_t start = history->n_bytes, before;

	do {
		before = history->n_bytes;
		(void) console_read(console);
	} while (history->n_bytes > before && history->n_bytes - start < CONSOLE_DRAIN_MAX_BYTES);
}

/* A guest that reads slowly is typed to slowly: what waits is read from no reader. */
static void console_hear_readers(Console *console, bool hear)
{
	for (size_t i = 0; i < console->n_readers; i++)
		if (console->readers[i]->source)
			(void) sd_event_source_set_enabled(console->readers[i]->source,
							   hear ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void on_input_empty(Output *input, void *userdata)
{
	console_hear_readers(userdata, true);
}

static int console_init(sd_event *event, int fd, Console *console)
{
	int r;

	console->event = sd_event_ref(event);
	r = output_new(event, fd, NULL, console, &console->input);
	if (r < 0)
		return r;
	output_set_on_empty(console->input, on_input_empty);
	return sd_event_add_io(event, &console->source, fd, EPOLLIN, on_console, console);
}

static int open_pty(int *ret_master, int *ret_slave)
{
	_cleanup_close_ int master = -EBADF, slave = -EBADF;
	struct termios raw;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return -errno;
	/* TIOCGPTPEER (linux/tty_ioctl.h) opens the peer without a path, so also across mount namespaces. */
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	if (tcgetattr(slave, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0)
		return -errno;
	*ret_master = TAKE_FD(master);
	*ret_slave = TAKE_FD(slave);
	return 0;
}

static Console *console_alloc(void)
{
	Console *console = calloc(1, sizeof(*console));

	if (!console)
		return NULL;
	console->fd = console->child_fd = -EBADF;
	console->history = calloc(1, sizeof(*console->history));
	return console->history ? console : console_free(console);
}

int console_new_pty(sd_event *event, Console **ret, Fault *fault)
{
	_cleanup_(console_free_p) Console *console = console_alloc();
	int r;

	if (!console)
		return fault_oom(fault);
	r = open_pty(&console->fd, &console->child_fd);
	if (r == 0)
		r = console_init(event, console->fd, console);
	console->is_pty = true;
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "console",
				 "cannot open a pty for the console: %m");
		return fault_remedy(fault, "ls -l /dev/pts /dev/ptmx; sysctl kernel.pty.nr "
					   "kernel.pty.max; ulimit -n");
	}
	*ret = TAKE_PTR(console);
	return 0;
}

int console_new_listener(sd_event *event, const char *path, Console **ret, Fault *fault)
{
	static const SockAccess ours = { .mode = 0600, .user = (uid_t) -1 };
	_cleanup_(console_free_p) Console *console = console_alloc();
	int r;

	if (!console)
		return fault_oom(fault);
	r = sock_listen(path, &ours, &console->child_fd);
	if (r == 0)
		r = sock_connect(path, &console->fd);
	if (r == 0)
		r = console_init(event, console->fd, console);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "console",
				 "cannot listen on %s for the console: %m", path);
		(void) fault_evidence(fault, "path", "%s", path);
		return fault_remedy(fault, "ulimit -n; namei -l %s", path);
	}
	*ret = TAKE_PTR(console);
	return 0;
}

int console_adopt_pty(sd_event *event, int master, Console **ret)
{
	_cleanup_(console_free_p) Console *console = console_alloc();
	int r = 0;

	if (!console) {
		(void) close_fd(master);
		return -ENOMEM;
	}
	console->fd = master;
	console->is_pty = true;
	if (master >= 0)
		r = console_init(event, master, console);
	if (r >= 0)
		*ret = TAKE_PTR(console);
	return r < 0 ? r : 0;
}

int console_adopt_listener(sd_event *event, const char *path, Console **ret)
{
	_cleanup_(console_free_p) Console *console = console_alloc();
	int r;

	if (!console)
		return -ENOMEM;
	r = sock_connect(path, &console->fd);
	if (r == 0)
		r = console_init(event, console->fd, console);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		console->fd = close_fd(console->fd);
	*ret = TAKE_PTR(console);
	return 0;
}

/* The file's, made where it is not there; NULL with errno. All of its blocks are there: a write cannot fail later. */
static History *history_map(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *map;
	int r;

	if (fd < 0)
		return NULL;
	r = posix_fallocate(fd, 0, sizeof(History));
	if (r > 0) {
		errno = r;
		return NULL;
	}
	map = mmap(NULL, sizeof(History), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static void history_free(Console *console)
{
	if (console->history_is_mapped)
		(void) munmap(console->history, sizeof(History));
	else
		free(console->history);
}

/* Its text stays as it is: n says how much of it counts. */
static void history_clear(History *history)
{
	history->version = HISTORY_VERSION;
	history->n_bytes = history->n = 0;
}

int console_keep_history(Console *console, const char *path)
{
	History *history = history_map(path);

	if (!history)
		return -errno;
	if (history->version != HISTORY_VERSION || history->n > CONSOLE_HISTORY_BYTES)
		history_clear(history);
	history_free(console);
	console->history = history;
	console->history_is_mapped = true;
	return 0;
}

void console_count_on(Console *console, uint64_t n_bytes)
{
	if (console->history->n_bytes < n_bytes)
		console->history->n_bytes = n_bytes;
}

int console_master_fd(const Console *console)
{
	return console->is_pty ? console->fd : -EBADF;
}

int console_child_fd(const Console *console)
{
	return console->child_fd;
}

void console_release_child_fd(Console *console)
{
	console->child_fd = close_fd(console->child_fd);
}

void console_set_listener(Console *console, ConsoleListener listener, void *userdata)
{
	console->listener = listener;
	console->userdata = userdata;
}

char *console_tail(const Console *console)
{
	return strndup(console->history->text, console->history->n);
}

uint64_t console_bytes(const Console *console)
{
	return console->history->n_bytes;
}

static void on_reader_broken(Output *output, void *userdata)
{
	reader_leave(userdata);
}

static int on_reader_typed(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Reader *reader = userdata;
	char bytes[CONSOLE_READ_BYTES];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0) {
		Output *input = reader->console->input;

		output_write(input, bytes, (size_t) n);
		if (!output_is_empty(input))
			console_hear_readers(reader->console, false);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		reader_leave(reader);
	}
	return 0;
}

static int reader_add(Console *console, int fd, bool attached)
{
	_cleanup_(reader_free_p) Reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader->console = console;
	reader->fd = fd;
	r = output_new(console->event, fd, on_reader_broken, reader, &reader->output);
	if (r == 0 && attached)
		r = sd_event_add_io(console->event, &reader->source, fd, EPOLLIN, on_reader_typed,
				    reader);
	if (r < 0)
		return r;

	reader->owns_fd = attached;
	console->readers[console->n_readers++] = reader;
	if (attached) {
		const History *history = console->history;
		size_t start = screen_start(history);
		Output *output = reader->output;

		TAKE_PTR(reader); /* a broken socket ends it from within */
		output_write(output, history->text + start, history->n - start);
	}
	(void) TAKE_PTR(reader);
	return 0;
}

bool console_is_connected(const Console *console)
{
	return console->fd >= 0;
}

bool console_has_room(const Console *console)
{
	return console_is_connected(console) && console->n_readers < CONSOLE_READERS_MAX;
}

int console_attach(Console *console, int fd)
{
	int r = console_has_room(console) ? reader_add(console, fd, true) : -EUSERS;

	if (r < 0)
		(void) close_fd(fd);
	return r;
}

int console_add_output(Console *console, int fd)
{
	return console_has_room(console) ? reader_add(console, fd, false) : -EUSERS;
}

Console *console_free(Console *console)
{
	if (!console)
		return NULL;
	while (console->n_readers > 0)
		(void) reader_free(console->readers[--console->n_readers]);
	(void) sd_event_source_disable_unref(console->source);
	(void) output_free(console->input);
	(void) close_fd(console->fd);
	(void) close_fd(console->child_fd);
	(void) sd_event_unref(console->event);
	history_free(console);
	free(console);
	return NULL;
}
