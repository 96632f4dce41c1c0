/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host/slots.h"
#include "model/spec.h"
#include "mvmd/exit-codes.h"

#define SLOTS_FOLDER ".slots"
#define FOLDER_MODE  0755
#define SLOT_MODE    0600
#define NUMBER_MAX   12

static int fault_slots(const char *path, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_OK, "start-slots",
			 "cannot use the start slots in %s: %m", path);
	(void) fault_why(fault, "the VM starts without one, however many others start now");
	(void) fault_remedy(fault, "df %s; ls -ld %s", path, path);
	(void) fault_evidence(fault, "path", "%s", path);
	return error;
}

/* The folder of the slots, made where it is missing. Returns its fd or -errno with fault. */
static int folder_open(const char *runtime_directory, Fault *fault)
{
	_cleanup_free_ char *path = str_printf("%s/" SLOTS_FOLDER, runtime_directory);
	int fd, r;

	if (!path)
		return fault_oom(fault);
	r = directory_make(AT_FDCWD, runtime_directory, FOLDER_MODE);
	if (r >= 0)
		r = directory_make(AT_FDCWD, path, FOLDER_MODE);
	if (r < 0)
		return fault_slots(path, r, fault);
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fault_slots(path, -errno, fault) : fd;
}

static int slot_open(int folder, unsigned number, int flags)
{
	char name[NUMBER_MAX];
	int fd;

	(void) snprintf(name, sizeof(name), "%u", number);
	fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, SLOT_MODE);
	return fd < 0 ? -errno : fd;
}

/* Without a descriptor for writing: to close one is the sign of a slot that is freed. */
static bool slot_is_free(int folder, unsigned number)
{
	_cleanup_close_ int fd = slot_open(folder, number, O_RDONLY);

	return fd == -ENOENT || (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0);
}

/* Returns the locked fd, -EAGAIN where somebody else was faster, or another -errno. */
static int slot_lock(int folder, unsigned number, const char *vm)
{
	_cleanup_close_ int fd = slot_open(folder, number, O_RDWR | O_CREAT);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	/* Only for people: a full disk is no reason not to start. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, vm, strlen(vm), 0) < 0)
		errno = 0;
	return TAKE_FD(fd);
}

int slot_take(const char *runtime_directory, unsigned n, const char *vm, int *ret, Fault *fault)
{
	_cleanup_close_ int folder = folder_open(runtime_directory, fault);

	if (folder < 0)
		return folder;
	for (unsigned i = 0; i < n; i++) {
		int fd = slot_is_free(folder, i) ? slot_lock(folder, i, vm) : -EAGAIN;

		if (fd < 0 && fd != -EAGAIN)
			return fault_slots(runtime_directory, fd, fault);
		if (fd >= 0) {
			*ret = fd;
			return 0;
		}
	}
	return -EAGAIN;
}

void slot_free(int *fd)
{
	if (*fd < 0)
		return;
	/* Who is woken by the close is to find it free. */
	(void) flock(*fd, LOCK_UN);
	*fd = close_fd(*fd);
}

void slot_holders(const char *runtime_directory, unsigned n, StrList *ret)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_close_ int folder = folder_open(runtime_directory, &fault);

	for (unsigned i = 0; folder >= 0 && i < n; i++) {
		_cleanup_close_ int fd = slot_open(folder, i, O_RDONLY);
		char name[VM_NAME_MAX + 1] = { 0 };

		if (fd < 0 || slot_is_free(folder, i))
			continue;
		if (pread(fd, name, VM_NAME_MAX, 0) > 0 && vm_name_is_valid(name))
			str_list_add(ret, "%s", name);
	}
}

int slot_watch(const char *runtime_directory, Fault *fault)
{
	_cleanup_free_ char *path = str_printf("%s/" SLOTS_FOLDER, runtime_directory);
	_cleanup_close_ int folder = folder_open(runtime_directory, fault), fd = -EBADF;

	if (folder < 0)
		return folder;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!path || fd < 0 || inotify_add_watch(fd, path, IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
		return fault_slots(runtime_directory, path ? -errno : -ENOMEM, fault);
	return TAKE_FD(fd);
}
