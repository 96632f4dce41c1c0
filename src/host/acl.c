/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/util.h"
#include "host/acl.h"

#define ACL_ATTRIBUTE "system.posix_acl_access" /* xattr(7) */
#define RWX	      07U
#define FD_PATH_MAX   32
#define MODE_BITS     07777U

/* As include/uapi/linux/posix_acl_xattr.h has it, in the order that fs/posix_acl.c: posix_acl_valid() wants. */
typedef struct AclText {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[5];
} AclText;

static struct posix_acl_xattr_entry acl_entry(unsigned tag, unsigned rights, uint32_t id)
{
	return (struct posix_acl_xattr_entry){ htole16((uint16_t) tag), htole16((uint16_t) rights),
					       htole32(id) };
}

static int acl_set(const char *path, mode_t mode, uid_t user)
{
	const unsigned owner = mode >> 6 & RWX, group = mode >> 3 & RWX, other = mode & RWX;
	const AclText text = {
		.header.a_version = htole32(POSIX_ACL_XATTR_VERSION),
		.entries = { acl_entry(ACL_USER_OBJ, owner, (uint32_t) ACL_UNDEFINED_ID),
			     acl_entry(ACL_USER, owner, user),
			     acl_entry(ACL_GROUP_OBJ, group, (uint32_t) ACL_UNDEFINED_ID),
			     acl_entry(ACL_MASK, owner | group, (uint32_t) ACL_UNDEFINED_ID),
			     acl_entry(ACL_OTHER, other, (uint32_t) ACL_UNDEFINED_ID) },
	};

	return setxattr(path, ACL_ATTRIBUTE, &text, sizeof(text), 0) < 0 ? -errno : 0;
}

int file_let_in(const char *path, mode_t mode, uid_t user)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char held[FD_PATH_MAX];
	struct stat st;
	int r;

	/* Who may write to the folder may put another file there at any time: from here on it is this one. */
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) || st.st_uid != geteuid())
		return -EPERM;
	(void) snprintf(held, sizeof(held), "/proc/self/fd/%d", fd);

	/* First: a mode that is set on a list is its mask. */
	if ((st.st_mode & MODE_BITS) != mode && chmod(held, mode) < 0)
		return -errno;
	if (user == (uid_t) -1 || user == geteuid())
		return 0;
	r = acl_set(held, mode, user);
	if (r == -EOPNOTSUPP)
		r = chown(held, user, (gid_t) -1) < 0 ? -errno : 0;
	return r;
}
