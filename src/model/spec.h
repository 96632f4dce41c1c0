/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/names.h"
#include "model/problem.h"

/*
 * The spec: the JSON file of one VM as the user wrote it, after templates, drop-ins and defaults.
 * The tables in schema.c and schema-devices.c say for every key where in these structs it goes.
 */

typedef enum VmmKind {
	VMM_AUTO,
	VMM_CLOUD_HYPERVISOR,
	VMM_QEMU,
	_VMM_KIND_MAX,
} VmmKind;

typedef enum Accel {
	ACCEL_AUTO,
	ACCEL_KVM,
	ACCEL_TCG,
	_ACCEL_MAX,
} Accel;

typedef enum DiskFormat {
	DISK_RAW,
	DISK_QCOW2,
	_DISK_FORMAT_MAX,
} DiskFormat;

typedef enum DiskBackend {
	DISK_BY_VMM,
	DISK_BY_STORAGE_DAEMON,
	_DISK_BACKEND_MAX,
} DiskBackend;

typedef enum HugePages {
	HUGE_PAGES_NONE,
	HUGE_PAGES_2MIB,
	HUGE_PAGES_1GIB,
	_HUGE_PAGES_MAX,
} HugePages;

/* What the end of a backend's process leads to (design.md §7.3). */
typedef enum BackendOnExit {
	BACKEND_ON_EXIT_UNSET, /* in a spec: plan_on_exit() decides */
	BACKEND_RESPAWN, /* started again on the same listener */
	BACKEND_STOP_VM, /* the default of disks: writes in flight are never silently continued */
	BACKEND_RESTART_VM,
	_BACKEND_ON_EXIT_MAX,
} BackendOnExit;

/* How an interface gets onto the network (mvmd-network(7)). */
typedef enum NetAttach {
	ATTACH_UNSET, /* in a document: what spec_attach() makes of it; never in a plan */
	ATTACH_BRIDGE, /* mvmd makes the tap and puts it on the bridge */
	ATTACH_NONE, /* mvmd makes the tap, and that is all */
	ATTACH_NETWORKD, /* mvmd makes the tap, and systemd-networkd does the rest */
	ATTACH_HELPER, /* qemu-bridge-helper does both, for users who may not */
	ATTACH_MACVTAP, /* mvmd makes a macvtap on a link of the host's */
	ATTACH_VHOST_USER, /* somebody else's switch serves it */
	ATTACH_PASST, /* a passt of mvmd's serves it, with the host's own connections */
	_NET_ATTACH_MAX,
} NetAttach;

/* What is done where somebody else takes an interface off the network while the VM runs. */
typedef enum OnDetach {
	ON_DETACH_UNSET, /* in a document: what spec_on_detach() makes of it; never in a plan */
	ON_DETACH_REPAIR, /* it is put right */
	ON_DETACH_WARN,
	ON_DETACH_STOP_VM,
	_ON_DETACH_MAX,
} OnDetach;

/* What systemd-networkd is to do with a tap before the VM starts. */
typedef enum NetworkdExpect {
	NETWORKD_MASTER,
	NETWORKD_ADDRESS,
	NETWORKD_UP,
	_NETWORKD_EXPECT_MAX,
} NetworkdExpect;

/* drivers/net/macvlan.c; values of ours. */
typedef enum MacvtapMode {
	MACVTAP_BRIDGE,
	MACVTAP_PRIVATE,
	MACVTAP_VEPA,
	MACVTAP_PASSTHRU,
	_MACVTAP_MODE_MAX,
} MacvtapMode;

/* Which side of a vhost-user socket the VMM is. */
typedef enum VhostUserMode {
	VHOST_USER_CLIENT, /* it connects */
	VHOST_USER_SERVER, /* it listens */
	_VHOST_USER_MODE_MAX,
} VhostUserMode;

typedef enum IpProtocol {
	PROTOCOL_TCP,
	PROTOCOL_UDP,
	_IP_PROTOCOL_MAX,
} IpProtocol;

/* When a start is over. */
typedef enum Ready {
	READY_VMM, /* the VMM runs the guest */
	READY_GUEST, /* the guest says so, over its vsock */
	_READY_MAX,
} Ready;

/* Who keeps an interface to its rate. */
typedef enum RateBy {
	RATE_BY_TC, /* the host's kernel, at the tap */
	RATE_BY_VMM,
	_RATE_BY_MAX,
} RateBy;

/* A boolean that the user may leave out. */
typedef enum Tristate {
	TRISTATE_UNSET,
	TRISTATE_FALSE,
	TRISTATE_TRUE,
} Tristate;

/* All numbers from the first to the last; first 0: it was not written. */
typedef struct NumberRange {
	uint64_t first, last;
} NumberRange;

typedef struct SpecBoot {
	char *description;
	char *kernel;
	char *initramfs;
	char *cmdline;
	char *firmware;
} SpecBoot;

typedef struct SpecOwner {
	char *description;
	char *user;
	char *group;
} SpecOwner;

typedef struct SpecMemory {
	char *description;
	uint64_t size_bytes;
	HugePages hugepages;
	Tristate shared;
} SpecMemory;

typedef struct SpecDisk {
	char *description;
	char *id;
	char *path; /* exactly one of path and socket is set */
	char *socket;
	DiskFormat format;
	bool readonly;
	char *serial;
	DiskBackend backend;
	BackendOnExit on_exit;
} SpecDisk;

/* VLANs whose frames the guest gets and sends with their tag. */
typedef struct SpecTagged {
	char *description;
	NumberRange vlan;
} SpecTagged;

typedef struct SpecVlan {
	char *description;
	uint64_t pvid; /* of what has no tag; 0: such frames are dropped */
	SpecTagged *tagged;
	size_t n_tagged;
} SpecVlan;

/* What the guest may leave to the host; false: it does without. */
typedef struct SpecOffloads {
	char *description;
	Tristate csum, tso, ufo;
} SpecOffloads;

/* Seen from the guest. Bits a second; 0: no limit. */
typedef struct SpecRate {
	char *description;
	uint64_t rx_bits, tx_bits;
	uint64_t burst_bytes; /* 0: it follows from the rates */
	RateBy by;
} SpecRate;

typedef struct SpecNetworkd {
	char *description;
	NetworkdExpect expect;
} SpecNetworkd;

typedef struct SpecMacvtap {
	char *description;
	char *link; /* of the host's, on which it is made */
	MacvtapMode mode;
} SpecMacvtap;

typedef struct SpecVhostUser {
	char *description;
	char *socket;
	VhostUserMode mode;
} SpecVhostUser;

/* A port of the host's that leads to one of the guest's. */
typedef struct SpecForward {
	char *description;
	IpProtocol protocol;
	char *address; /* of the host's; NULL: all */
	uint64_t host;
	uint64_t guest; /* 0: the same as the host's */
} SpecForward;

typedef struct SpecPasst {
	char *description;
	SpecForward *forward;
	size_t n_forward;
	BackendOnExit on_exit;
} SpecPasst;
typedef struct SpecBridgeAddress {
	char *description;
	char *address; /* with its prefix: model/address.h */
} SpecBridgeAddress;

/* What a bridge is made with where there is none. */
typedef struct SpecCreateBridge {
	char *description;
	SpecBridgeAddress *addresses;
	size_t n_addresses;
	bool stp, vlan_filtering;
} SpecCreateBridge;

typedef struct SpecInterface {
	char *description;
	char *id;
	NetAttach attach;
	/* These objects are written: */
	bool has_create_bridge, has_vlan, has_networkd, has_macvtap, has_vhost_user, has_passt;
	char *bridge; /* NULL: the way that it is attached has none */
	SpecCreateBridge create_bridge;
	char *tap; /* NULL: derived, names.h */
	char *mac; /* NULL: derived */
	uint64_t mtu; /* 0: the bridge's, or the kernel's default */
	uint64_t queues; /* queue pairs; 0: "auto" */
	Tristate isolated, locked, learning, hairpin, bcast_flood; /* of the bridge's port */
	SpecVlan vlan;
	OnDetach on_detach;
	SpecOffloads offloads;
	SpecRate rate;
	SpecNetworkd networkd;
	SpecMacvtap macvtap;
	SpecVhostUser vhost_user;
	SpecPasst passt;
} SpecInterface;

typedef struct SpecShare {
	char *description;
	char *id; /* never NULL: the tag where the user left it out */
	char *tag;
	char *source; /* exactly one of source and socket is set */
	char *socket;
	bool readonly;
	char *user; /* who serves it; NULL: the VM's own user */
	BackendOnExit on_exit;
} SpecShare;

typedef struct SpecVsock {
	char *description;
	uint64_t cid; /* 0: derived */
} SpecVsock;

/* What the guest's systemd finds as a credential of that name. */
typedef struct SpecCredential {
	char *name;
	char *description;
	char *file; /* exactly one of file and credential is set */
	char *credential; /* the name of one of the unit's own (LoadCredential=) */
} SpecCredential;

/* A known issue for which no start is refused; host.conf has them, too. */
typedef struct AllowedIssue {
	char *description;
	char *id;
} AllowedIssue;

/* A VM that is to run before this one starts, where both are to start. */
typedef struct SpecAfter {
	char *description;
	char *name;
} SpecAfter;

typedef struct SpecTimeouts {
	char *description;
	uint64_t bridge_usec;
	uint64_t backend_usec;
	uint64_t boot_usec;
	uint64_t guest_usec;
	uint64_t stop_usec;
} SpecTimeouts;

typedef struct SpecCrashLimit {
	char *description;
	uint64_t count; /* crashed lives in a row */
	uint64_t within_usec;
} SpecCrashLimit;

typedef struct Spec {
	char *name; /* of the VM: the file's without .json */
	char *file; /* path of the main file, for messages */
	char *schema;
	char *description;
	char *template_name;
	VmmKind vmm;
	Accel accel;
	SpecBoot boot;
	SpecOwner *owners;
	size_t n_owners;
	uint64_t cpus;
	SpecMemory memory;
	SpecDisk *disks;
	size_t n_disks;
	SpecInterface *interfaces;
	size_t n_interfaces;
	SpecShare *shares;
	size_t n_shares;
	bool has_vsock;
	SpecVsock vsock;
	Ready ready;
	SpecCredential *credentials;
	size_t n_credentials;
	char *user; /* NULL: a uid of the VM's own */
	char *netns; /* the network namespace of VMM and taps; NULL: mvmd's own */
	AllowedIssue *allow_known_issues;
	size_t n_allow_known_issues;
	SpecAfter *after;
	size_t n_after;
	SpecTimeouts timeouts;
	SpecCrashLimit crash_limit;
} Spec;

/* What a spec is made of, in the order in which it merges (RFC 7396): template, main file, drop-ins. */
typedef enum SpecDocRole {
	SPEC_DOC_TEMPLATE,
	SPEC_DOC_MAIN,
	SPEC_DOC_DROP_IN,
} SpecDocRole;

typedef struct SpecDoc {
	SpecDocRole role;
	char *file; /* path as it is shown in messages */
	char *text; /* contents; may hold NUL bytes or invalid UTF-8, which are then problems */
	size_t length; /* over SPEC_FILE_MAX_BYTES: text is NULL, it was not read */
	bool missing; /* a template that is named and does not exist: text is NULL */
	bool expanded; /* its strings are as they are meant: no "%n", and '%' is '%' */
	char *nearest; /* the existing template of nearest name; NULL: none */
} SpecDoc;

/* More than this is no spec: the text is refused unread. */
#define SPEC_FILE_MAX_BYTES ((size_t) 1024 * 1024)
/* Deeper nesting is refused; the deepest value that a spec can have lies at 4. */
#define SPEC_DEPTH_MAX 32
/* More values than this in one file are refused, which bounds time and memory; a large spec has 200. */
#define SPEC_VALUES_MAX 5000
/* Disks, interfaces and shares of one VM: they share the 32 slots of one PCI bus with the VMM's own. */
#define SPEC_DEVICES_MAX   20
#define SPEC_OWNERS_MAX	   64
#define ALLOWED_ISSUES_MAX 64
#define SPEC_AFTER_MAX	   64
#define SPEC_TAGGED_MAX	   64 /* entries, not VLANs: a range is one */
/* Two of the largest packets that the kernel has, 64 KiB and their headers: one alone must always pass. */
#define RATE_BURST_MIN_BYTES ((uint64_t) 128 * 1024)
#define BRIDGE_ADDRESSES_MAX 16
#define VLAN_MIN	     1
#define VLAN_MAX	     4094 /* IEEE 802.1Q: 4095 is reserved */
#define SPEC_FORWARD_MAX     64
/* SMBIOS counts strings in one byte (DMTF DSP0134, 7.12), and one is mvmd's own (CREDENTIAL_NOTIFY). */
#define SPEC_CREDENTIALS_MAX 254

/*
 * What systemd lets a credential be called (systemd.exec(5), LoadCredential=): a file name of printable ASCII without
 * ':'. And no '=', which ends the name where it is passed on (systemd(1), "io.systemd.credential:").
 */
#define CREDENTIAL_NAME_MAX 255
bool credential_name_is_valid(const char *name);

/* Where the guest's systemd reads whom to tell that it is ready: with "ready": "guest" mvmd's own. */
#define CREDENTIAL_NOTIFY "vmm.notify_socket"

/* [A-Za-z0-9][A-Za-z0-9._-]{0,31}: the id of a disk, interface or share. */
#define SPEC_ID_MAX 32
bool spec_id_is_valid(const char *id);

/* [A-Za-z0-9][A-Za-z0-9.-]{0,47}: what machined and a unit's instance take unescaped. */
#define VM_NAME_MAX 48
bool vm_name_is_valid(const char *name);

/*
 * The template that these documents (main file and drop-ins) of VM 'name' name: a new string in *ret, or
 * NULL where there is none, or where the text or the template's name is wrong (spec_parse() then says
 * so). Returns 0 or -ENOMEM.
 */
int spec_template_name(const SpecDoc *docs, size_t n_docs, const char *name, char **ret);

/*
 * Merges, checks and reads the documents, which come in merging order, as the spec of VM 'name'. All that
 * is wrong goes to problems in one go; a spec is returned only where there is nothing.
 * Returns 0, -EINVAL (problems tell; *ret untouched) or -ENOMEM.
 */
int spec_parse(const SpecDoc *docs, size_t n_docs, const char *name, Spec **ret,
	       Problems *problems);

Spec *spec_free(Spec *spec);
DEFINE_CLEANUP(Spec *, spec_free)

/* True where boot.cmdline makes the guest's kernel write to the serial line. */
bool spec_expects_console(const Spec *spec);

/* True where the VM has a vsock: asked for, or the guest needs it to say that it is ready. */
bool spec_needs_vsock(const Spec *spec);

/* True where the guest is given strings in its SMBIOS tables: credentials, ours or the spec's. */
bool spec_needs_smbios(const Spec *spec);

/* How the interface gets onto the network: as it is written, or a bridge. Never ATTACH_UNSET. */
NetAttach spec_attach(const SpecInterface *interface);

/* What is written, or else what goes with the way: repair where mvmd itself attached it. Never ON_DETACH_UNSET. */
OnDetach spec_on_detach(const SpecInterface *interface);

/* True where it has a link of the host's, by the name of SpecInterface.tap or one derived. */
bool attach_has_link(NetAttach attach);

/* True where an interface has that way. */
bool spec_has_attach(const Spec *spec, NetAttach attach);

/* True where an interface is a tap. */
bool spec_needs_tun(const Spec *spec);

/* True where mvmd makes a tap or a macvtap itself, which takes CAP_NET_ADMIN: qemu-bridge-helper has its own. */
bool spec_needs_links(const Spec *spec);

/* True where a vhost-user backend serves it, ours or somebody else's. */
bool attach_is_vhost_user(NetAttach attach);

/* The name of its tap or macvtap, written or else derived, into buffer. The helper's has one of the helper's choice. */
const char *spec_tap_name(const Spec *spec, const SpecInterface *interface,
			  char buffer[TAP_NAME_MAX + 1]);

/* The link of the host's that it is put on, a bridge or that of a macvtap; NULL: none. */
const char *spec_lower_link(const SpecInterface *interface);

/* The CID of its vsock, written or derived; 0: it has none. */
uint32_t spec_cid(const Spec *spec);

/* True where one of the interfaces has that bridge made, for all of them. */
bool spec_makes_bridge(const Spec *spec, const char *bridge);

/* True where the guest's memory must be shared: asked for, or a vhost-user device needs it. */
bool spec_needs_shared_memory(const Spec *spec);

/* The words that the spec uses for these, "cloud-hypervisor", "2MiB", … */
const char *vmm_kind_to_string(VmmKind kind);
const char *accel_to_string(Accel accel);
/* 0 of HUGE_PAGES_NONE. */
uint64_t huge_page_bytes(HugePages size);
const char *ready_to_string(Ready ready);
const char *net_attach_to_string(NetAttach attach);
const char *on_detach_to_string(OnDetach on_detach);
const char *networkd_expect_to_string(NetworkdExpect expect);
const char *macvtap_mode_to_string(MacvtapMode mode);
const char *ip_protocol_to_string(IpProtocol protocol);
const char *disk_format_to_string(DiskFormat format);
const char *backend_on_exit_to_string(BackendOnExit on_exit);
