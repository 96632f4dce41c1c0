/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/access.h"
#include "host/acl.h"
#include "host/become.h"
#include "host/strays.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"

#define PID_TEXT_MAX 16

/* As model/places.c calls them. */
#define VMM_DIRECTORY "vmm"
#define STATE_FILE    "state.json"
/* As run/step.c does. */
#define CONSOLE_HISTORY "console.history"
/* The VMM holds a lock on it as long as it lives. */
#define VMM_ALIVE "vmm.alive"

/* Each pass takes a level of directories away; who goes on filling one is not waited for. */
#define EMPTY_PASSES_MAX 10000
#define NUMBER_NAME_MAX	 16

/*
 * Who makes, looks into or removes the directory of all VMs holds this file's lock. Only its owner can open it,
 * so that nobody else can hold a start up. It has a byte in it where we made the directory: only then the last
 * VM removes it.
 */
#define RUNTIME_LOCK ".lock"

/* A lock of the open file, not of the process (fcntl(2), F_OFD_SETLK): who only looks takes none. */
static int lock_whole_file(int fd, int command)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, command, &whole) < 0)
		return -errno;
	return command == F_OFD_GETLK && whole.l_type != F_UNLCK ? -EAGAIN : 0;
}

/* True where the file that fd has open is still the one at path: somebody may have removed it since. */
static bool is_same_file(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

/* Makes the directory of all VMs where it is missing, and locks it. Returns the lock's fd or -errno. */
static int lock_runtime_directory(const char *directory)
{
	_cleanup_free_ char *path = str_printf("%s/" RUNTIME_LOCK, directory);

	if (!path)
		return -ENOMEM;
	for (;;) {
		/* The users of all VMs pass through it to what is theirs. */
		int made = directory_make(AT_FDCWD, directory, 0755);
		_cleanup_close_ int fd = -EBADF;

		if (made < 0)
			return made;
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && (made || errno != ENOENT))
			return -errno;
		if (fd < 0 || lock_whole_file(fd, F_OFD_SETLKW) < 0 || !is_same_file(fd, path))
			continue;
		if (made && write(fd, "m", 1) < 0)
			return -errno;
		return TAKE_FD(fd);
	}
}

static bool has_only_the_lock(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool only = directory != NULL;

	while (only && (entry = readdir(directory)))
		only = streq(entry->d_name, ".") || streq(entry->d_name, "..") ||
		       streq(entry->d_name, RUNTIME_LOCK);
	if (directory)
		(void) closedir(directory);
	return only;
}

/* The lock goes with whoever leaves; where we made the directory, it stays with the last one, as the sign. */
static void leave_runtime_directory(const char *directory)
{
	_cleanup_free_ char *path = str_printf("%s/" RUNTIME_LOCK, directory);
	_cleanup_close_ int fd = lock_runtime_directory(directory);
	struct stat lock;
	bool made;

	if (!path || fd < 0 || fstat(fd, &lock) < 0)
		return;
	made = lock.st_size > 0;
	if (made && !has_only_the_lock(directory))
		return;
	(void) unlink(path);
	if (made)
		(void) rmdir(directory);
}

static pid_t read_pid(int fd)
{
	char text[PID_TEXT_MAX] = { 0 };
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? (pid_t) strtol(text, NULL, 10) : 0;
}

static int write_pid(int fd)
{
	char text[PID_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t) n, 0) < 0)
		return -errno;
	return 0;
}

pid_t vm_lock_holder(const char *lock_file)
{
	_cleanup_close_ int fd = open(lock_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == EACCES ? -EACCES : 0;
	return lock_whole_file(fd, F_OFD_GETLK) == -EAGAIN ? read_pid(fd) : 0;
}

bool vm_is_others(const char *lock_file)
{
	pid_t holder = vm_lock_holder(lock_file);

	return holder != 0 && holder != getpid();
}

char *vm_name_of_pid(const char *runtime_directory, pid_t pid)
{
	DIR *directory = opendir(runtime_directory);
	const struct dirent *entry;
	char *name = NULL;

	while (directory && !name && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);
		_cleanup_free_ char *path = NULL;

		/* ".NAME.lock": model/places.c. The folder's own lock has no name. */
		if (length <= strlen("." RUNTIME_LOCK) || entry->d_name[0] != '.' ||
		    !streq(entry->d_name + length - strlen(RUNTIME_LOCK), RUNTIME_LOCK))
			continue;
		path = str_printf("%s/%s", runtime_directory, entry->d_name);
		if (path && vm_lock_holder(path) == pid)
			name = strndup(entry->d_name + 1, length - 1 - strlen(RUNTIME_LOCK));
	}
	if (directory)
		(void) closedir(directory);
	return name;
}

static int fault_already_running(const VmPlaces *places, int fd, Fault *fault)
{
	const char *name = places->name;
	pid_t pid = read_pid(fd);
	_cleanup_free_ char *program = process_name(pid);

	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "already-running",
			 "%s is already running: pid %d (%s)", name, pid, program ?: "gone by now");
	(void) fault_evidence(fault, "pid", "%d", pid);
	return fault_remedy(fault, "mvmd status %s, mvmd stop %s", name, name);
}

static int lock_fault(const VmPlaces *places, int error, const char *what, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "vm-lock",
			 "cannot %s the lock file %s: %m", what, places->lock_file);
	(void) fault_evidence(fault, "path", "%s", places->lock_file);
	return fault_remedy(fault, "ls -l %s; df %s; or give another --runtime-dir",
			    places->lock_file, places->runtime_directory);
}

static int open_lock_file(const VmPlaces *places, int *ret, Fault *fault)
{
	int r;
	_cleanup_close_ int fd =
		open(places->lock_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return lock_fault(places, -errno, "open", fault);
	if (lock_whole_file(fd, F_OFD_SETLK) < 0)
		return fault_already_running(places, fd, fault);
	r = write_pid(fd);
	if (r < 0)
		return lock_fault(places, r, "write", fault);
	*ret = TAKE_FD(fd);
	return 0;
}

static int directory_fault(const char *path, int error, const char *what, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "runtime-directory",
			 "cannot %s the directory %s: %m", what, path);
	(void) fault_evidence(fault, "path", "%s", path);
	return fault_remedy(fault, "namei -l %s; df %s; or give another --runtime-dir", path, path);
}

int vm_lock(const VmPlaces *places, int *ret, Fault *fault)
{
	_cleanup_close_ int directory = lock_runtime_directory(places->runtime_directory);
	int r = directory;

	if (directory < 0)
		(void) directory_fault(places->runtime_directory, r, "use", fault);
	else
		r = open_lock_file(places, ret, fault);
	if (r == -EACCES || r == -EPERM) {
		fault->exit_code = MVMD_EXIT_PERMISSION;
		(void) fault_remedy(fault, "run mvmd as root, or give a --runtime-dir of your own");
	}
	return r;
}

void vm_unlock(const VmPlaces *places, int fd)
{
	(void) unlink(places->lock_file);
	(void) close_fd(fd);
	leave_runtime_directory(places->runtime_directory);
}

/* Moves an entry to 'to'. A directory's owner may have closed it to himself, and then cannot move it either. */
static int move_entry(int from, const char *name, int to, const char *new_name)
{
	for (bool opened = false;; opened = true) {
		if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0 || errno == EEXIST)
			return 0;
		if (errno != EACCES || opened || fchmodat(from, name, 0700, 0) < 0)
			return -errno;
	}
}

/* As its owner: no capability of ours opens what is closed to us. */
static int open_directory(int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = openat(parent, name, flags);
	return fd < 0 ? -errno : fd;
}

/*
 * Moves all that is in the directory 'name' of 'parent' to parent itself, under numbers; then the directory
 * can go. A link is no directory, wherever it leads.
 */
static int empty_upwards(int parent, const char *name, unsigned *counter)
{
	int fd = open_directory(parent, name), r = fd < 0 ? fd : 0;
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!directory) {
		r = r ?: -errno;
		(void) close_fd(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(directory))) {
		char number[NUMBER_NAME_MAX];

		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		(void) snprintf(number, sizeof(number), ".%u", (*counter)++);
		r = move_entry(fd, entry->d_name, parent, number);
	}
	(void) closedir(directory);
	return r;
}

static int empty_upwards_as_owner(int parent, const char *name, unsigned *counter)
{
	Identity owner = { 0 };
	struct stat st;
	Before before;
	int r;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	owner.uid = st.st_uid;
	owner.gid = st.st_gid;
	r = become(&owner, &before);
	if (r < 0)
		return r;
	r = empty_upwards(parent, name, counter);
	become_ourselves(&before);
	return r;
}

/* Removes one entry, or makes a directory flatter by one level. */
static int remove_entry(int parent, const char *name, unsigned *counter)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY ? empty_upwards_as_owner(parent, name, counter) : -errno;
}

/* One pass over all entries. Returns how many there were, or -errno. */
static int remove_entries(DIR *directory, unsigned *counter)
{
	const struct dirent *entry;
	int n = 0;

	rewinddir(directory);
	while ((entry = readdir(directory))) {
		int r;

		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		r = remove_entry(dirfd(directory), entry->d_name, counter);
		if (r < 0)
			return r;
		n++;
	}
	return n;
}

/*
 * What a VMM that its guest has taken over made in its own directory must not keep the VM from its next start:
 * so directories go too, however deep. Without recursion, and without a path that somebody could bend.
 */
static int empty_directory(const char *path)
{
	DIR *directory = opendir(path);
	unsigned counter = 0;
	int n = 1;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	for (unsigned i = 0; n > 0 && i < EMPTY_PASSES_MAX; i++)
		n = remove_entries(directory, &counter);
	(void) closedir(directory);
	return n < 0 ? n : 0;
}

int vm_directory_remove(const VmPlaces *places)
{
	const char *const directories[] = { places->vmm_directory, places->directory };

	for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
		int r = empty_directory(directories[i]);

		if (r < 0)
			return r;
		if (rmdir(directories[i]) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int vm_directory_make(const VmPlaces *places, const Identity *vm, Fault *fault)
{
	int r;

	/* Others may pass through to the control socket, which judges them by itself, but not look. */
	if (mkdir(places->directory, 0711) < 0 || chmod(places->directory, 0711) < 0)
		return directory_fault(places->directory, -errno, "make", fault);
	if (mkdir(places->vmm_directory, 0700) < 0)
		return directory_fault(places->vmm_directory, -errno, "make", fault);
	r = file_let_in(places->vmm_directory, 0700, vm->uid);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "runtime-directory",
				 "cannot let uid %u into %s: %m", vm->uid, places->vmm_directory);
	return 0;
}

static int refuse_living_vmm(const VmPlaces *places, const StateProcess *vmm, Fault *fault)
{
	const char *name = places->name;

	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "vmm-outlived-supervisor",
			 "%s is still running: its VMM (%s, pid %d) outlived its supervisor", name,
			 vmm->label, vmm->pid);
	(void) fault_evidence(fault, "pid", "%d", vmm->pid);
	(void) fault_evidence(fault, "process", "%s", vmm->label);
	(void) fault_why(fault, "the mvmd that had started it was killed");
	return fault_remedy(
		fault, "mvmd stop --force %s ends it at once; after that it can be started anew",
		name);
}

/* flock(2) needs no right to write: whoever holds it can do no more with it than that. */
int vm_alive_lock(const VmPlaces *places, int *ret)
{
	_cleanup_free_ char *path = str_printf("%s/" VMM_ALIVE, places->directory);
	_cleanup_close_ int fd = -EBADF;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static bool is_alive(const VmPlaces *places)
{
	_cleanup_free_ char *path = str_printf("%s/" VMM_ALIVE, places->directory);
	_cleanup_close_ int fd =
		path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -EBADF;

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Its record does not know it; but the lock that it holds does. */
static int refuse_unknown_vmm(const VmPlaces *places, Fault *fault)
{
	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "vmm-outlived-supervisor",
			 "%s is still running: a VMM holds %s/" VMM_ALIVE, places->name,
			 places->directory);
	(void) fault_evidence(fault, "path", "%s/" VMM_ALIVE, places->directory);
	(void) fault_why(fault,
			 "the mvmd that had started it is gone, and its record %s is "
			 "missing or damaged",
			 places->state_file);
	return fault_remedy(fault,
			    "fuser -v %s/" VMM_ALIVE " tells its pid; power the guest off from "
			    "within, or kill that process",
			    places->directory);
}

/* Whether mvmd makes such an entry in a VM's directory. */
static bool is_entry_of_ours(int directory, const char *name)
{
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	if (S_ISDIR(st.st_mode))
		return streq(name, ".") || streq(name, "..") || streq(name, VMM_DIRECTORY);
	return S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) || streq(name, CONSOLE_HISTORY) ||
	       streq(name, VMM_ALIVE) || streq(name, STATE_FILE) || streq(name, STATE_FILE ".new");
}

static int leftover_fault(const char *path, int error, const char *what, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "leftover-files",
			 "cannot %s %s of an earlier run: %m", what, path);
	(void) fault_evidence(fault, "path", "%s", path);
	return fault_remedy(fault, "rm -r %s, as root; or give another --runtime-dir", path);
}

/*
 * A folder that only happens to have the VM's name (--runtime-dir=/home/me, and a VM called "music") is no
 * leftover: nothing in there is touched.
 */
static int refuse_strangers(const char *path, Fault *fault)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!directory)
		return leftover_fault(path, -errno, "look into", fault);
	while (r == 0 && (entry = readdir(directory)))
		if (!is_entry_of_ours(dirfd(directory), entry->d_name)) {
			(void) fault_set(fault, -EEXIST, MVMD_EXIT_BUSY, "leftover-strange",
					 "%s is in the way: %s in there is not mvmd's", path,
					 entry->d_name);
			(void) fault_evidence(fault, "path", "%s/%s", path, entry->d_name);
			r = fault_remedy(fault, "move it, or give another --runtime-dir");
		}
	(void) closedir(directory);
	return r;
}

/* A record that is damaged or missing names no process; the files go all the same. */
static int end_recorded(const VmPlaces *places, bool replace, StrBuf *found, Fault *fault)
{
	StateFile state = { 0 };
	int r = state_file_read(places->state_file, &state);

	if (r == -EPROTONOSUPPORT)
		return state_file_fault(places->state_file, r, fault);
	if (state_process_is_alive(&state.vmm))
		r = replace ? leftover_end(&state.vmm, 0, found, fault) :
			      refuse_living_vmm(places, &state.vmm, fault);
	else if (is_alive(places))
		r = refuse_unknown_vmm(places, fault);
	else
		r = 0;
	for (size_t i = 0; r == 0 && i < state.n_backends; i++)
		r = leftover_end(&state.backends[i].process, 0, found, fault);
	state_file_done(&state);
	return r;
}

static int remove_leftovers(const VmPlaces *places, bool replace, StrBuf *found, Fault *fault)
{
	struct stat there;
	bool exists = lstat(places->directory, &there) == 0;
	int r = exists ? refuse_strangers(places->directory, fault) : 0;

	if (r == 0 && exists)
		r = end_recorded(places, replace, found, fault);
	if (r == 0)
		r = strays_end(places->name, NULL, found, fault);
	if (r < 0 || !exists)
		return r;
	r = vm_directory_remove(places);
	if (r < 0)
		return leftover_fault(places->directory, r, "remove", fault);
	found_add(found, "%s", places->directory);
	return 0;
}

int vm_leftovers_clean(const VmPlaces *places, bool replace, char **ret_found, Fault *fault)
{
	StrBuf found = { 0 };
	int r = remove_leftovers(places, replace, &found, fault);

	*ret_found = NULL;
	if (r < 0 || found.length == 0) {
		str_buf_done(&found);
		return r;
	}
	return str_buf_take(&found, ret_found);
}
