/* SPDX-License-Identifier: Apache-2.0 */
#include "model/unit-dropin.h"
#include "model/unit-view.h"

#define DEVICES "/dev/"
#define SERVICE "[Service]"
#define ROOT	"root"

/*
 * Where a share's unit has a /proc that nothing covers, as ProtectKernelTunables= and others cover its own: only then may
 * a user's namespace mount one (fs/namespace.c: mount_too_revealing()). Nobody but root gets to it, in a folder of 0700.
 */
#define PROC_FOLDER "/run/mvmd-proc"

static bool is_device(const char *path)
{
	return strncmp(path, DEVICES, strlen(DEVICES)) == 0;
}

static void add_order(StrBuf *buf, const OrderVm *vm)
{
	for (size_t i = 0; i < vm->spec->n_after; i++)
		if (!vm->edges[i].left_out)
			str_buf_add(buf, "After=mvmd@%s.service\n", vm->spec->after[i].name);
}

/* Devices lie in /dev, which is there. */
static void add_mount(StrBuf *buf, const char *path)
{
	if (!path || is_device(path) || unit_path_goes_up(path))
		return;
	str_buf_add(buf, "RequiresMountsFor=");
	unit_add_path(buf, path);
	str_buf_add(buf, "\n");
}

static void add_mounts(StrBuf *buf, const Spec *spec)
{
	add_mount(buf, spec->boot.kernel);
	add_mount(buf, spec->boot.initramfs);
	add_mount(buf, spec->boot.firmware);
	for (size_t i = 0; i < spec->n_disks; i++)
		add_mount(buf, spec->disks[i].path);
	for (size_t i = 0; i < spec->n_shares; i++)
		add_mount(buf, spec->shares[i].source);
	for (size_t i = 0; i < spec->n_credentials; i++)
		add_mount(buf, spec->credentials[i].file);
}

/* The path as it is written: systemd follows links when the unit starts (src/core/bpf-devices.c). */
static void add_disks(StrBuf *buf, const Spec *spec)
{
	const char *reason = "# Its disks, and of no other VM.\n";

	for (size_t i = 0; i < spec->n_disks; i++) {
		const SpecDisk *disk = &spec->disks[i];

		if (!disk->path || !is_device(disk->path) || unit_path_goes_up(disk->path))
			continue;
		str_buf_add(buf, "%s", reason);
		reason = "";
		str_buf_add(buf, "DeviceAllow=");
		unit_add_path(buf, disk->path);
		str_buf_add(buf, disk->readonly ? " r\n" : " rw\n");
	}
}

/* Which one it is the kernel decides when it is made (systemd.resource-control(5): "char-" and a name of /proc/devices). */
static void add_macvtap(StrBuf *buf, const Spec *spec)
{
	if (spec_has_attach(spec, ATTACH_MACVTAP))
		str_buf_add(buf, "# The device of its macvtap, /dev/tapN.\n"
				 "DeviceAllow=char-macvtap rw\n");
}

/* The device's name is known to systemd once the module is there, which must be before the unit starts. */
static void add_macvtap_order(StrBuf *buf, const Spec *spec)
{
	if (spec_has_attach(spec, ATTACH_MACVTAP))
		str_buf_add(buf, "Wants=modprobe@macvtap.service\n"
				 "After=modprobe@macvtap.service\n");
}

/* passt's own sandbox, and what it is for: connections of the guest's, made by an ordinary program. */
static void add_passt(StrBuf *buf, const Spec *spec)
{
	if (spec_has_attach(spec, ATTACH_PASST))
		str_buf_add(buf,
			    "# The sandbox of passt: namespaces, in which it sees no file.\n"
			    "RestrictNamespaces=user mnt pid ipc uts\n"
			    "SystemCallFilter=@mount unshare\n"
			    "# It makes the guest's connections, and takes those to its ports.\n"
			    "RestrictAddressFamilies=AF_INET AF_INET6\n"
			    "IPAddressAllow=any\n");
}

/* QEMU's vsock is the kernel's; cloud-hypervisor's is a UNIX socket. */
static void add_vsock(StrBuf *buf, const Spec *spec)
{
	if (spec_needs_vsock(spec) && spec->vmm != VMM_CLOUD_HYPERVISOR)
		str_buf_add(buf, "# QEMU's vsock is a device of the kernel's.\n"
				 "DeviceAllow=/dev/vhost-vsock rw\n");
	if (spec->ready == READY_GUEST && spec->vmm != VMM_CLOUD_HYPERVISOR)
		str_buf_add(buf, "# There mvmd hears the guest say that it is ready.\n"
				 "RestrictAddressFamilies=AF_VSOCK\n");
}

/* A VM that has it can have the kernel move its frames. */
static void add_vhost_net(StrBuf *buf, const Spec *spec)
{
	if (spec->n_interfaces > 0 && spec->vmm != VMM_CLOUD_HYPERVISOR && spec->accel != ACCEL_TCG)
		str_buf_add(buf, "# With QEMU and KVM the kernel moves the frames of taps.\n"
				 "DeviceAllow=/dev/vhost-net rw\n");
}

/* Its ioctls for links go by a socket of IPv4 (QEMU, qemu-bridge-helper.c); it sends nothing. */
static void add_helper(StrBuf *buf, const Spec *spec)
{
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (spec_attach(&spec->interfaces[i]) == ATTACH_HELPER) {
			str_buf_add(buf, "# qemu-bridge-helper sets links up by a socket of IPv4.\n"
					 "RestrictAddressFamilies=AF_INET\n");
			return;
		}
}

/* QEMU without KVM translates the guest's code and runs what it wrote. "auto" never comes to that in the unit. */
static void add_netns(StrBuf *buf, const Spec *spec)
{
	if (spec->netns)
		str_buf_add(
			buf,
			"# The network namespace of VMM and taps; mvmd itself may not enter one.\n"
			"NetworkNamespacePath=/run/netns/%s\n",
			spec->netns);
}

static void add_tcg(StrBuf *buf, const Spec *spec)
{
	if (spec->accel == ACCEL_TCG)
		str_buf_add(buf, "# QEMU without KVM executes what it has just written.\n"
				 "MemoryDenyWriteExecute=no\n");
}

/*
 * virtiofsd's own sandbox: namespaces, for which an ordinary user needs one for users first. One that keeps the owners
 * of files stays root, and takes from itself what it does not need.
 */
static void add_shares(StrBuf *buf, const Spec *spec)
{
	bool by_user = false, by_root = false;

	for (size_t i = 0; i < spec->n_shares; i++) {
		const SpecShare *share = &spec->shares[i];
		bool is_root = streq_null(share->user ?: spec->user, ROOT);

		by_user = by_user || (share->source && !is_root);
		by_root = by_root || (share->source && is_root);
	}
	if (by_user || by_root)
		str_buf_add(
			buf,
			"# The sandbox of virtiofsd: namespaces, in which it mounts the share alone.\n"
			"RestrictNamespaces=%smnt pid net\n"
			"SystemCallFilter=@mount unshare%s\n",
			by_user ? "user " : "", by_root ? " setns" : "");
	if (by_user)
		str_buf_add(
			buf,
			"# It mounts a /proc of its own, which takes a whole one to be there: the unit's is "
			"covered in part.\n"
			"TemporaryFileSystem=" PROC_FOLDER ":mode=0700\n"
			"BindPaths=/proc:" PROC_FOLDER "/proc:norbind\n");
	if (!by_root)
		return;
	str_buf_add(buf, "# A share that root serves keeps the owners of files, their modes and "
			 "devices;\n"
			 "# SYS_ADMIN and SETPCAP are for its sandbox, and it drops them there.\n"
			 "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE "
			 "CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID\n"
			 "CapabilityBoundingSet=CAP_MKNOD CAP_SETFCAP CAP_SETPCAP "
			 "CAP_SYS_ADMIN\n"
			 "RestrictSUIDSGID=no\n");
	unit_view_add(buf, spec);
}

int unit_dropin_text(const OrderVm *vm, bool user, char **ret)
{
	const Spec *spec = vm->spec;
	StrBuf buf = { 0 };

	str_buf_add(&buf,
		    "# Written by mvmd-generator from the spec of %s, at %s and at each\n"
		    "# systemctl%s daemon-reload; mvmd@.service(8) tells more.\n",
		    spec->name, user ? "the user's login" : "boot", user ? " --user" : "");
	str_buf_add(&buf, "\n[Unit]\n");
	add_order(&buf, vm);
	if (user) /* his unit has no sandbox that would need a hole, and no mounts are his systemd's */
		return str_buf_take(&buf, ret);
	add_mounts(&buf, spec);
	add_macvtap_order(&buf, spec);
	str_buf_add(&buf, "\n" SERVICE "\n");
	add_disks(&buf, spec);
	add_vsock(&buf, spec);
	add_vhost_net(&buf, spec);
	add_helper(&buf, spec);
	add_netns(&buf, spec);
	add_tcg(&buf, spec);
	add_shares(&buf, spec);
	add_macvtap(&buf, spec);
	add_passt(&buf, spec);
	return str_buf_take(&buf, ret);
}

/* The length of the line at text, without its end. */
static size_t line_length(const char *text)
{
	return strcspn(text, "\n");
}

static bool has_line(const char *text, const char *line, size_t length)
{
	while (text && *text) {
		size_t n = line_length(text);

		if (n == length && strncmp(text, line, n) == 0)
			return true;
		text += n + (text[n] == '\n');
	}
	return false;
}

int unit_dropin_missing(const char *loaded, const char *wanted, StrList *ret)
{
	_cleanup_(str_list_done) StrList missing = { 0 };
	const char *line = strstr(wanted, SERVICE "\n");

	while (line && *line) {
		size_t n = line_length(line);

		if (n > 0 && *line != '[' && *line != '#' && !has_line(loaded, line, n))
			str_list_add(&missing, "%.*s", (int) n, line);
		line += n + (line[n] == '\n');
	}
	if (missing.failed)
		return -ENOMEM;
	*ret = missing;
	missing = (StrList){ 0 };
	return 0;
}
