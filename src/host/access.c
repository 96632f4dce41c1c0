/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/access.h"
#include "host/become.h"
#include "mvmd/exit-codes.h"

#define COMM_MAX 64 /* proc(5): 15 characters, a kernel thread's may be longer */

int open_as(const Identity *identity, const char *path, int flags)
{
	Before before;
	int fd, r;

	r = become(identity, &before);
	if (r < 0)
		return r;
	fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = -errno;
	become_ourselves(&before);
	return fd;
}

int access_as(const Identity *identity, const char *path, int mode)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	Before before;
	int r;

	if (fd < 0)
		return -errno;
	r = become(identity, &before);
	if (r < 0)
		return r;
	r = faccessat(fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) < 0 ? -errno : 0;
	become_ourselves(&before);
	return r;
}

int execute_as(const Identity *identity, const char *path)
{
	Before before;
	int r;

	r = become(identity, &before);
	if (r < 0)
		return r;
	r = faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
	become_ourselves(&before);
	return r;
}

/* Whether a directory on the way is what makes error happen. */
static bool directory_refuses(const char *path, int error)
{
	struct stat st;

	if (error == -EACCES)
		return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0;
	if (stat(path, &st) < 0)
		return true;
	return error == -ENOTDIR && !S_ISDIR(st.st_mode);
}

/* The first component of path that refuses; new string, NULL where that is not what error means. */
static char *find_blocked(const char *path, int error)
{
	char *prefix;

	if (error != -EACCES && error != -ENOENT && error != -ENOTDIR)
		return NULL;
	prefix = strdup(path);
	if (!prefix)
		return NULL;
	for (char *slash = prefix; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (directory_refuses(prefix, error))
			return prefix;
		*slash = '/';
	}
	return prefix; /* none but the last one is left */
}

/* Tries what the user of such a file will do with it. */
static int try_use(const char *path, int flags, PathFact *fact, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	uint64_t bytes;

	if (S_ISSOCK(fact->mode)) /* connect(2) writes: unix(7) */
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno : 0;
	if (S_ISDIR(fact->mode))
		return faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
	if (!S_ISREG(fact->mode) && !S_ISBLK(fact->mode))
		return 0; /* a pipe or a terminal: to open it does something; its type is wrong anyway */

	fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (S_ISBLK(fact->mode) && ioctl(fd, BLKGETSIZE64, &bytes) == 0)
		fact->size_bytes = bytes;
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}

void path_probe(const Identity *identity, int flags, PathFact *fact, int *ret_fd)
{
	Before before;
	struct stat st;

	if (ret_fd)
		*ret_fd = -EBADF;
	fact->error = become(identity, &before);
	if (fact->error < 0)
		return;

	if (stat(fact->path, &st) < 0) {
		fact->error = -errno;
	} else {
		fact->mode = st.st_mode;
		fact->size_bytes = (uint64_t) st.st_size;
		fact->dev = st.st_dev;
		fact->ino = st.st_ino;
		fact->error = try_use(fact->path, flags, fact, ret_fd);
	}
	if (fact->error < 0)
		fact->blocked_at = find_blocked(fact->path, fact->error);
	become_ourselves(&before);
}

char *process_name(pid_t pid)
{
	_cleanup_free_ char *path = str_printf("/proc/%d/comm", (int) pid);
	_cleanup_close_ int fd = -EBADF;
	char name[COMM_MAX];
	ssize_t n;

	if (!path)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, sizeof(name));
	if (n <= 1)
		return NULL;
	return strndup(name, (size_t) n - 1); /* less the newline */
}

/*
 * Whether a line of /proc/locks is a flock on this file that bars ours; device numbers are in hexadecimal
 * (proc(5)). The line of one that waits has "->" before FLOCK and does not match.
 */
static bool lock_line_matches(const char *line, const struct stat *st, bool readonly, pid_t *ret)
{
	unsigned device_major, device_minor;
	uint64_t inode;
	char kind[8];
	int pid;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote these numbers */
	return sscanf(line, "%*u: FLOCK %*s %7s %d %x:%x:%" SCNu64, kind, &pid, &device_major,
		      &device_minor, &inode) == 5 &&
	       device_major == major(st->st_dev) && device_minor == minor(st->st_dev) &&
	       inode == st->st_ino && !(readonly && streq(kind, "READ")) && (*ret = pid) > 0;
}

/* Who holds a flock on this file that bars ours: 0 where none shows (another pid namespace, btrfs). */
static pid_t lock_holder(const struct stat *st, bool readonly)
{
	FILE *file = fopen("/proc/locks", "re");
	char line[LINE_MAX];
	pid_t pid = 0;

	if (!file)
		return 0;
	while (pid <= 0 && fgets(line, sizeof(line), file))
		if (!lock_line_matches(line, st, readonly, &pid))
			pid = 0;
	(void) fclose(file);
	return pid;
}

/* pid 0: unknown. */
static int busy_fault(const char *path, pid_t pid, Fault *fault)
{
	_cleanup_free_ char *name = NULL;

	if (pid <= 0) {
		(void) fault_set(fault, -EWOULDBLOCK, MVMD_EXIT_BUSY, "disk-busy",
				 "disk %s is in use: somebody holds a lock on it", path);
		(void) fault_evidence(fault, "path", "%s", path);
		(void) fault_remedy(fault, "lslocks shows who holds which lock");
		return -EWOULDBLOCK;
	}
	name = process_name(pid);
	(void) fault_set(fault, -EWOULDBLOCK, MVMD_EXIT_BUSY, "disk-busy",
			 "disk %s is in use: pid %d (%s) holds a lock on it", path, (int) pid,
			 name ?: "?");
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_evidence(fault, "holder_pid", "%d", (int) pid);
	(void) fault_evidence(fault, "holder", "%s", name ?: "?");
	(void) fault_remedy(fault, "end pid %d, or let both have the disk with \"readonly\": true",
			    (int) pid);
	return -EWOULDBLOCK;
}

int disk_lock(const Identity *identity, const char *path, bool readonly, int *ret, Fault *fault)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	fd = open_as(identity, path, readonly ? O_RDONLY : O_RDWR);
	if (fd < 0) {
		bool denied = fd == -EACCES || fd == -EPERM;

		(void) fault_set(fault, fd, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
				 denied ? "path-denied" : "path-unusable",
				 "cannot open disk %s: %m", path);
		return fault_evidence(fault, "path", "%s", path);
	}
	if (flock(fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return busy_fault(
				path, fstat(fd, &st) == 0 ? lock_holder(&st, readonly) : 0, fault);
		(void) fault_set(fault, -errno, MVMD_EXIT_SYSTEM, "disk-lock",
				 "cannot lock disk %s: %m", path);
		(void) fault_evidence(fault, "path", "%s", path);
		(void) fault_why(fault,
				 "the file system below it may not know locks, as some network "
				 "file systems do not");
		return fault_remedy(fault,
				    "df -T %s; put it on another file system, or mount this one "
				    "with locks",
				    path);
	}
	*ret = TAKE_FD(fd);
	return 0;
}

int disk_look(const char *path, bool readonly, Fault *fault)
{
	struct stat st;
	pid_t pid;

	if (stat(path, &st) < 0)
		return 0;
	pid = lock_holder(&st, readonly);
	return pid > 0 ? busy_fault(path, pid, fault) : 0;
}
