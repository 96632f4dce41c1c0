/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/util.h"
#include "model/bridge-acl.h"
#include "model/names.h"
#include "model/spec.h"

/*
 * What the host is, as far as one spec needs to know. Data only: host/probe.c fills it in, plan.c reads it.
 */

typedef struct Program {
	char *path; /* absolute; NULL: not found */
	char *version; /* in the program's own words, "53.0.0"; NULL: it would not say */
	unsigned major, minor;
	int error; /* 0, or -errno: what who is to run it gets, and who that is */
	uid_t uid;
} Program;

typedef enum KvmState {
	KVM_USABLE,
	KVM_ABSENT, /* no /dev/kvm */
	KVM_DENIED, /* the VM's user may not open it */
	KVM_UNFIT, /* a paravirtual one on a CPU without VMX or SVM: stock guests do not run on it */
	_KVM_STATE_MAX,
} KvmState;

/* Who a child runs as. */
#define IDENTITY_GROUPS_MAX 4
typedef struct Identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[IDENTITY_GROUPS_MAX]; /* supplementary: the group of /dev/kvm */
	size_t n_groups;
} Identity;

typedef enum PathRole {
	PATH_KERNEL,
	PATH_INITRAMFS,
	PATH_FIRMWARE,
	PATH_DISK,
	PATH_DISK_SOCKET,
	PATH_SHARE,
	PATH_SHARE_SOCKET,
	PATH_INTERFACE_SOCKET,
	_PATH_ROLE_MAX,
} PathRole;

/* A sparse file takes space as the guest writes to it. */
typedef struct DiskSpace {
	uint64_t size_bytes, allocated_bytes;
	uint64_t free_bytes; /* of its file system; UINT64_MAX: not known, or it is no file */
} DiskSpace;

/* One path of the spec, tried as the user who will open it. */
typedef struct PathFact {
	PathRole role;
	size_t index; /* in the spec's disks, shares or interfaces */
	const char *path; /* the spec's */
	int error; /* 0, or the -errno of the try */
	char *blocked_at; /* -EACCES, -ENOENT, -ENOTDIR: the first component that refused; else NULL */
	mode_t mode; /* type and bits; 0 where stat(2) failed */
	uint64_t size_bytes; /* of a block device: its capacity */
	dev_t dev;
	ino_t ino;
	const char *looks_like; /* a disk's: model/disk-magic.h; NULL: nothing known, or not read */
	DiskSpace space; /* a disk's */
	bool in_hidden_home; /* it, or where a link leads, is in a home that the unit hides (ProtectHome=) */
} PathFact;

/* One credential of the spec; its value is nowhere in here. */
typedef struct CredentialFact {
	int error; /* 0, or why it cannot be read */
	mode_t mode; /* of its file; 0 where it is not known */
	size_t smbios_bytes, json_bytes; /* of its string (model/smbios.h); 0: not known */
} CredentialFact;

/* A macvlan or macvtap that keeps another off their link. */
typedef struct MacvtapRival {
	char name[TAP_NAME_MAX + 1]; /* "": there is none, or nobody looked */
	char vm[VM_NAME_MAX + 1]; /* whose it is; "": not a VM's */
} MacvtapRival;

/* Of the link that an interface is put on: its bridge, or that of its macvtap. */
typedef struct BridgeFact {
	int ifindex; /* 0: there is no link of that name */
	bool is_bridge; /* it is one of kind "bridge" */
	bool is_port; /* it is itself part of a bridge or a bond */
	bool not_ethernet; /* as lo */
	bool is_up;
	uint32_t mtu;
	Tristate vlan_filtering; /* unset: this kernel's bridges cannot */
	MacvtapRival rival; /* of a macvtap; not looked for at a start, where the kernel tells */
} BridgeFact;

/* What becomes of the rights that a program's file gives. */
typedef enum FileRights {
	FILE_RIGHTS_NONE, /* it gives none: neither set-uid root nor CAP_NET_ADMIN */
	FILE_RIGHTS_COUNT,
	FILE_RIGHTS_NO_NEW_PRIVS, /* void: we were started so that nobody gets more rights */
	FILE_RIGHTS_NOSUID, /* void: its file system is mounted so */
} FileRights;

/* qemu-bridge-helper; looked for where an interface wants it. */
typedef struct HelperFact {
	Program program;
	FileRights rights;
	AclFact *
		acls; /* per interface of the spec; ACL_UNKNOWN where it does not want the helper; NULL: none does */
	size_t n_acls;
} HelperFact;

/* Which frames between a bridge's ports go through rules of the IP packet filter (br_netfilter). */
typedef struct BridgeFilterFact {
	bool ipv4, ipv6;
} BridgeFilterFact;

typedef enum Arch {
	ARCH_UNKNOWN,
	ARCH_X86, /* of 32 or 64 bits */
	ARCH_ARM64,
	ARCH_RISCV64,
	ARCH_OTHER,
	_ARCH_MAX,
} Arch;

typedef enum ImageKind {
	IMAGE_UNKNOWN, /* nobody could look */
	IMAGE_BZIMAGE, /* Linux's, of x86: vmlinuz */
	IMAGE_ELF, /* vmlinux, and firmware that is entered by PVH */
	IMAGE_FLAT, /* Linux's "Image", of arm64 and riscv64 */
	IMAGE_MULTIBOOT,
	IMAGE_COMPRESSED, /* may be a kernel */
	IMAGE_NOT_A_KERNEL,
	_IMAGE_KIND_MAX,
} ImageKind;

/* What the bytes of a kernel's file tell; model/image.h reads them. */
typedef struct ImageFact {
	ImageKind kind;
	Arch arch;
	bool has_pvh_note; /* an ELF's */
	bool has_multiboot_header; /* not looked for in a bzImage */
	const char *looks_like; /* "a gzip file": compressed and no kernel; static, else NULL */
	char *version; /* "6.1.0-40-cloud-amd64"; NULL: unknown */
	char *banner; /* version, builder and build: "6.1.0-40-cloud-amd64 (debian-kernel@…) #1 SMP …" */
} ImageFact;

/* What rows of known-issues.json ask of a host beyond its versions ("probe"). */
typedef enum HostProbe {
	HOST_PROBE_NONE,
	HOST_NESTED_KVM, /* guests may run VMs: the parameter "nested" of kvm_intel or kvm_amd */
	HOST_AMD_CPU,
	HOST_ZEN4_CLIENT_CPU,
	HOST_IO_URING_DISABLED, /* kernel.io_uring_disabled is 2: for everybody */
	_HOST_PROBE_MAX,
} HostProbe;

/* What is the same for every VM of the host. */
typedef struct HostFacts {
	char *release, *build; /* uname(2): release and version; NULL: unknown */
	bool holds[_HOST_PROBE_MAX]; /* false: or not known */
} HostFacts;

void host_facts_done(HostFacts *host);

typedef struct MemoryFact {
	uint64_t total_bytes, available_bytes, swap_bytes; /* total 0: nobody could look */
	bool overcommits_always; /* vm.overcommit_memory is 1; looked at where the VM wants more than there is */
} MemoryFact;

typedef struct HugePool {
	uint64_t page_bytes;
	uint64_t total, free; /* pages; free: neither used nor reserved by somebody */
} HugePool;

/* What a unit or a container forbids us and those that we start; false where the spec does not need it. */
typedef struct SandboxFact {
	bool no_written_code; /* memory that can be written may not be executed: QEMU's TCG does that */
	bool no_namespaces; /* the sandbox of virtiofsd or passt */
	bool own_tmp; /* /tmp and /var/tmp are not the host's (PrivateTmp=); looked at where a file is missed there */
	const char *
		missing_capability; /* "CAP_CHOWN": not in the bounding set, and a share's root needs it; NULL: none */
} SandboxFact;

typedef struct Facts {
	HostFacts host;
	Arch arch; /* of this host */
	uid_t euid; /* of mvmd itself */
	bool net_admin; /* CAP_NET_ADMIN is effective */
	bool setuid; /* CAP_SETUID and CAP_SETGID are: children can be somebody else */
	bool vhost_net; /* QEMU's taps can be the kernel's vhost-net; false where they would not be */
	bool networkd_runs; /* looked for only where an interface is left to systemd-networkd */
	bool user_namespaces; /* an unprivileged process can make one (virtiofsd's sandbox, passt's) */
	BridgeFilterFact bridge_filter; /* looked for only where the spec has a bridge */
	int tun_error; /* 0, or why /dev/net/tun cannot be opened: -ENOENT, -ENODEV, -EACCES */
	int vsock_error; /* the same for /dev/vhost-vsock, needed by QEMU; 0 where no vsock is asked for */
	KvmState kvm;
	int landlock_abi; /* landlock_create_ruleset(2): LANDLOCK_CREATE_RULESET_VERSION; 0: none */
	int first_free_port; /* from which on a program without rights may listen; looked at for passt alone */
	int netns_error; /* -errno: the spec's network namespace cannot be entered */
	SandboxFact sandbox;

	Program cloud_hypervisor, qemu, storage_daemon, virtiofsd, passt;
	bool passt_knows_vhost_user; /* it has the option */
	bool virtiofsd_is_c; /* QEMU's old one: other options, serves only as root */

	Identity vm; /* the VMM and the backends run as this */
	bool vm_uid_is_new; /* the uid table has no row for this VM yet */
	Identity *share_users; /* per share: who serves it */
	int user_error; /* 0, or -ESRCH: unknown_user does not exist */
	const char *unknown_user; /* the spec's */

	MemoryFact memory;
	HugePool huge_pool; /* of the size that the spec asks for */

	PathFact *paths;
	size_t n_paths;
	ImageFact guest_kernel; /* IMAGE_UNKNOWN where the spec has none, or it cannot be read */
	BridgeFact *bridges; /* per interface of the spec */
	HelperFact helper;
	StrList bridge_names; /* all that there are, sorted; looked for only where one of the spec's is missing */
	size_t n_shares, n_interfaces;
	CredentialFact *credentials; /* per credential of the spec */
	size_t n_credentials;
} Facts;

void facts_done(Facts *facts);

/* The fact about a path of the spec; NULL where none was asked for. */
const PathFact *facts_path(const Facts *facts, PathRole role, size_t index);
