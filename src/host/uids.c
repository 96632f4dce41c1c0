/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/record.h"
#include "host/uids.h"
#include "mvmd/exit-codes.h"

#define TABLE_FILE	".uids.json"
#define LOCK_FILE	".uids.lock"
#define TEMPORARY_FILE	".uids.json.new"
#define TABLE_VERSION	1
#define NSS_BUFFER_SIZE 16384

/* Frees a value whatever its kind; NULL-safe. */
static void json_unref_p(json_t **json)
{
	json_decref(*json);
}

static int system_fault(Fault *fault, int error, const char *what, const char *directory)
{
	bool denied = error == -EACCES || error == -EPERM || error == -EROFS;

	(void) fault_set(fault, error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_SYSTEM,
			 "uid-table", "cannot %s the table of uids in %s: %m", what, directory);
	(void) fault_evidence(fault, "path", "%s/" TABLE_FILE, directory);
	if (error == -EROFS || error == -ENOSPC)
		return fault_remedy(fault, "df %s; mount it writable, and make room", directory);
	if (denied)
		return fault_remedy(fault, "run mvmd as root, or give a --state-dir of your own");
	return fault_remedy(fault, "ls -ld %s; give another --state-dir", directory);
}

static int damaged_fault(Fault *fault, const char *directory, const char *why)
{
	(void) fault_set(fault, -EUCLEAN, MVMD_EXIT_SYSTEM, "uid-table-damaged",
			 "the table of uids %s/" TABLE_FILE " is damaged", directory);
	(void) fault_why(fault, "%s", why);
	(void) fault_evidence(fault, "path", "%s/" TABLE_FILE, directory);
	(void) fault_remedy(fault,
			    "restore it from a backup, or correct it by hand: a VM that gets "
			    "another uid cannot open its files any more");
	return -EUCLEAN;
}

/*
 * {"version": 1, "uids": {"web1": 400000}}. NULL: it is that; else what is wrong. Two rows of one number
 * are not looked for: find_free() never makes them, and who writes them by hand may mean it.
 */
static const char *table_complain(json_t *table)
{
	json_t *uids = json_object_get(table, "uids"), *uid;
	const char *name;

	if (json_integer_value(json_object_get(table, "version")) != TABLE_VERSION)
		return "it has no \"version\": 1";
	if (!json_is_object(uids))
		return "it has no object \"uids\"";
	json_object_foreach(uids, name, uid)
		if (json_integer_value(uid) <= 0 || json_integer_value(uid) >= UINT32_MAX)
			return "one of its uids is no number of a user";
	return NULL;
}

/* *ret is a new reference; an empty table where there is no file. */
static int table_read(const char *directory, json_t **ret, Fault *fault)
{
	_cleanup_free_ char *path = str_printf("%s/" TABLE_FILE, directory);
	_cleanup_(json_unref_p) json_t *table = NULL;
	const char *complaint;
	json_error_t error;
	FILE *file;

	if (!path)
		return fault_oom(fault);
	file = fopen(path, "re");
	if (!file && errno == ENOENT) {
		*ret = json_pack("{s:i, s:{}}", "version", TABLE_VERSION, "uids");
		return *ret ? 0 : fault_oom(fault);
	}
	if (!file)
		return system_fault(fault, -errno, "read", directory);

	/* Not json_loadfd(): that makes a system call for each byte. */
	table = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	(void) fclose(file);
	if (!table)
		return damaged_fault(fault, directory, error.text);
	complaint = table_complain(table);
	if (complaint)
		return damaged_fault(fault, directory, complaint);
	*ret = TAKE_PTR(table);
	return 0;
}

/* Writes and syncs the temporary file. */
static int table_write_temporary(int directory_fd, const json_t *table)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	fd = openat(directory_fd, TEMPORARY_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return -errno;
	r = json_write_fd(fd, table, JSON_SORT_KEYS);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

/* The table is there as a whole or not at all, after a power failure too. */
static int table_write(int directory_fd, const json_t *table)
{
	int r = table_write_temporary(directory_fd, table);

	if (r == 0 && renameat(directory_fd, TEMPORARY_FILE, directory_fd, TABLE_FILE) < 0)
		r = -errno;
	if (r == 0 && fsync(directory_fd) < 0)
		r = -errno;
	if (r < 0)
		(void) unlinkat(directory_fd, TEMPORARY_FILE, 0);
	return r;
}

/* As a user, or as a group, whose files the VM would get with its gid. */
static bool nss_has(id_t number)
{
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	char *buffer = malloc(NSS_BUFFER_SIZE);
	int user_error, group_error;

	if (!buffer)
		return true;
	user_error = getpwuid_r(number, &user, buffer, NSS_BUFFER_SIZE, &found_user);
	group_error = getgrgid_r(number, &group, buffer, NSS_BUFFER_SIZE, &found_group);
	free(buffer);
	/* An entry that does not fit is one, too. */
	return found_user || found_group || user_error == ERANGE || group_error == ERANGE;
}

static int compare_uids(const void *a, const void *b)
{
	uid_t x = *(const uid_t *) a, y = *(const uid_t *) b;

	return x < y ? -1 : x > y;
}

/* The uids of all rows, in their order, in a new array; NULL: out of memory. */
static uid_t *uids_sorted(json_t *uids)
{
	uid_t *sorted = calloc(json_object_size(uids) + 1, sizeof(*sorted));
	const char *name;
	json_t *value;
	size_t n = 0;

	if (!sorted)
		return NULL;
	json_object_foreach(uids, name, value)
		sorted[n++] = (uid_t) json_integer_value(value);
	qsort(sorted, n, sizeof(*sorted), compare_uids);
	return sorted;
}

/* The first number of the range that has neither a row nor a user or group. 0, -ENOSPC or -ENOMEM. */
static int find_free(json_t *uids, const UidRange *range, uid_t *ret)
{
	_cleanup_free_ uid_t *taken = uids_sorted(uids);
	size_t n = json_object_size(uids), i = 0;

	if (!taken)
		return -ENOMEM;
	for (uint64_t uid = range->first; uid < range->first + range->count; uid++) {
		while (i < n && taken[i] < uid)
			i++;
		if ((i < n && taken[i] == uid) || nss_has((id_t) uid))
			continue;
		*ret = (uid_t) uid;
		return 0;
	}
	return -ENOSPC;
}

static int full_fault(Fault *fault, const UidRange *range)
{
	(void) fault_set(fault, -ENOSPC, MVMD_EXIT_SYSTEM, "uid-range-full",
			 "all uids from %" PRIu64 " to %" PRIu64 " are taken", range->first,
			 range->first + range->count - 1);
	(void) fault_evidence(fault, "first", "%" PRIu64, range->first);
	(void) fault_evidence(fault, "count", "%" PRIu64, range->count);
	(void) fault_remedy(fault, "give \"uid_range\" in host.conf a larger \"count\" or another "
				   "\"first\", take VMs that are no more out of " TABLE_FILE
				   " in the state directory, or set \"user\" in the spec");
	return -ENOSPC;
}

/* Looks the row up, or picks the number that a new one would have. */
static int row_find(const char *directory, const UidRange *range, const char *vm,
		    json_t **ret_table, uid_t *ret, bool *ret_is_new, Fault *fault)
{
	_cleanup_(json_unref_p) json_t *table = NULL;
	json_t *uids, *uid;
	int r;

	r = table_read(directory, &table, fault);
	if (r < 0)
		return r;
	uids = json_object_get(table, "uids");
	uid = json_object_get(uids, vm);
	if (uid)
		*ret = (uid_t) json_integer_value(uid);
	else
		r = find_free(uids, range, ret);
	if (r < 0)
		return r == -ENOSPC ? full_fault(fault, range) : fault_oom(fault);
	*ret_is_new = !uid;
	*ret_table = TAKE_PTR(table);
	return 0;
}

/* Reads again under the lock, for somebody else may have written meanwhile. */
static int row_add(const char *directory, const UidRange *range, const char *vm, uid_t *ret,
		   bool *ret_is_new, Fault *fault)
{
	_cleanup_close_ int directory_fd = -EBADF, lock_fd = -EBADF;
	_cleanup_(json_unref_p) json_t *table = NULL;
	int r = directory_make(AT_FDCWD, directory, 0755);

	if (r < 0)
		return system_fault(fault, r, "make", directory);
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return system_fault(fault, -errno, "open", directory);
	lock_fd = openat(directory_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0)
		return system_fault(fault, -errno, "lock", directory);

	r = row_find(directory, range, vm, &table, ret, ret_is_new, fault);
	if (r < 0 || !*ret_is_new)
		return r;
	if (json_object_set_new(json_object_get(table, "uids"), vm, json_integer(*ret)) < 0)
		return fault_oom(fault);
	r = table_write(directory_fd, table);
	return r < 0 ? system_fault(fault, r, "write", directory) : 0;
}

int uids_get(const char *state_directory, const UidRange *range, const char *vm, bool allocate,
	     uid_t *ret, bool *ret_is_new, Fault *fault)
{
	_cleanup_(json_unref_p) json_t *table = NULL;
	bool is_new = false;
	uid_t uid = 0;
	int r;

	r = row_find(state_directory, range, vm, &table, &uid, &is_new, fault);
	if (r == 0 && is_new && allocate)
		r = row_add(state_directory, range, vm, &uid, &is_new, fault);
	if (r < 0)
		return r;
	*ret = uid;
	*ret_is_new = is_new;
	return 0;
}
