/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/util.h"
#include "host/bridge-acl.h"
#include "host/helper-probe.h"

static const char *const places[] = {
	"/usr/lib/qemu/qemu-bridge-helper", /* Debian, Ubuntu, Arch */
	"/usr/libexec/qemu-bridge-helper", /* Fedora, QEMU's own */
};

static bool is_wanted(const Spec *spec)
{
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (spec_attach(&spec->interfaces[i]) == ATTACH_HELPER)
			return true;
	return false;
}

/* One that we may not execute is found, too. */
static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *find_program(const HostConf *conf)
{
	const char *configured = conf ? conf->helper.program : NULL;

	if (configured)
		return configured;
	for (size_t i = 0; i < ELEMENTSOF(places); i++)
		if (is_file(places[i]))
			return places[i];
	return NULL;
}

/* capabilities(7), "File capabilities": the kernel takes them up by itself only where the file has "effective". */
static bool gives_net_admin(const char *path)
{
	struct vfs_ns_cap_data data = { 0 };
	ssize_t n = getxattr(path, XATTR_NAME_CAPS, &data, sizeof(data));
	const uint32_t bit = 1U << CAP_NET_ADMIN;

	if (n < (ssize_t) XATTR_CAPS_SZ_1)
		return false;
	return (le32toh(data.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE) &&
	       (le32toh(data.data[0].permitted) & bit);
}

FileRights helper_rights(const char *path)
{
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) < 0)
		return FILE_RIGHTS_NONE;
	if (!(st.st_uid == 0 && (st.st_mode & S_ISUID)) && !gives_net_admin(path))
		return FILE_RIGHTS_NONE;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1)
		return FILE_RIGHTS_NO_NEW_PRIVS;
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return FILE_RIGHTS_NOSUID;
	return FILE_RIGHTS_COUNT;
}

static int probe_program(const char *path, HelperFact *helper)
{
	if (str_set(&helper->program.path, path) < 0)
		return -ENOMEM;
	helper->program.uid = geteuid();
	helper->program.error = access(path, X_OK) < 0 ? -errno : 0;
	helper->rights = helper_rights(path);
	return 0;
}

int helper_probe(const Spec *spec, const HostConf *conf, HelperFact *ret)
{
	const char *path = find_program(conf);
	int r = 0;

	if (!is_wanted(spec))
		return 0;
	ret->acls = calloc(spec->n_interfaces, sizeof(*ret->acls));
	if (!ret->acls)
		return -ENOMEM;
	ret->n_acls = spec->n_interfaces;
	if (path)
		r = probe_program(path, ret);
	for (size_t i = 0; r == 0 && i < spec->n_interfaces; i++)
		if (spec_attach(&spec->interfaces[i]) == ATTACH_HELPER)
			r = bridge_acl_look(BRIDGE_ACL_FILE, spec->interfaces[i].bridge,
					    &ret->acls[i]);
	return r;
}
