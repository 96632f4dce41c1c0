/* SPDX-License-Identifier: Apache-2.0 */
#include "model/schema.h"
#include "base/util.h"
#include "model/names.h"
#include "model/spec.h"

#define TIB		  (GIB * 1024)
#define CMDLINE_MAX_BYTES 2047 /* COMMAND_LINE_SIZE of x86 and arm64 is 2048 with the NUL */
#define CID_MIN		  3 /* linux/vm_sockets.h: 0 to 2 are taken */
#define CID_MAX		  UINT64_C(4294967294) /* the one above is VMADDR_CID_ANY */
#define TIMEOUT_MIN	  (100 * USEC_PER_MSEC)
#define TIMEOUT_MAX	  (UINT64_C(24) * 3600 * USEC_PER_SEC)
#define CRASHES_MAX	  100 /* LIVES_CRASHES_MAX, model/lives.h */
#define WITHIN_MIN	  USEC_PER_SEC

/* Enums are written to the struct as unsigned. */
_Static_assert(sizeof(VmmKind) == sizeof(unsigned) && sizeof(Accel) == sizeof(unsigned) &&
		       sizeof(HugePages) == sizeof(unsigned) && sizeof(Ready) == sizeof(unsigned) &&
		       sizeof(Tristate) == sizeof(unsigned),
	       "every enum of the spec is stored as an unsigned");

static const char *const vmm_words[] = {
	[VMM_AUTO] = "auto",
	[VMM_CLOUD_HYPERVISOR] = "cloud-hypervisor",
	[VMM_QEMU] = "qemu",
};
_Static_assert(ELEMENTSOF(vmm_words) == _VMM_KIND_MAX, "every VMM has its word");

static const char *const accel_words[] = {
	[ACCEL_AUTO] = "auto",
	[ACCEL_KVM] = "kvm",
	[ACCEL_TCG] = "tcg",
};
_Static_assert(ELEMENTSOF(accel_words) == _ACCEL_MAX, "every accelerator has its word");

static const char *const ready_words[] = {
	[READY_VMM] = "vmm",
	[READY_GUEST] = "guest",
};
_Static_assert(ELEMENTSOF(ready_words) == _READY_MAX, "every readiness has its word");

static const char *const hugepages_words[] = {
	[HUGE_PAGES_NONE] = NULL,
	[HUGE_PAGES_2MIB] = "2MiB",
	[HUGE_PAGES_1GIB] = "1GiB",
};
_Static_assert(ELEMENTSOF(hugepages_words) == _HUGE_PAGES_MAX, "every page size has its word");

static const Field boot_fields[] = {
	DESCRIPTION_FIELD(SpecBoot),
	{ .key = "kernel",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecBoot, kernel),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/srv/vm/vmlinuz\"",
	  .sentence = "The kernel image to boot. Either this or firmware." },
	{ .key = "initramfs",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecBoot, initramfs),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/srv/vm/initrd.img\"",
	  .sentence = "The initial RAM file system; only with kernel." },
	{ .key = "cmdline",
	  .type = FIELD_STRING,
	  .offset = offsetof(SpecBoot, cmdline),
	  .max = CMDLINE_MAX_BYTES,
	  .example = "\"console=ttyS0 root=/dev/vda\"",
	  .sentence = "The kernel's command line, as it is; only with kernel." },
	{ .key = "firmware",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecBoot, firmware),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/usr/share/cloud-hypervisor/CLOUDHV.fd\"",
	  .sentence = "The firmware that boots the guest from its first disk. Either this or "
		      "kernel." },
};

static const ObjectType boot_object = {
	.name = "boot",
	.sentence = "What the guest boots: a kernel, or firmware.",
	.fields = boot_fields,
	.n_fields = ELEMENTSOF(boot_fields),
	.size = sizeof(SpecBoot),
};

static const Field owner_fields[] = {
	DESCRIPTION_FIELD(SpecOwner),
	{ .key = "user",
	  .type = FIELD_USER,
	  .offset = offsetof(SpecOwner, user),
	  .max = USER_MAX_BYTES,
	  .example = "\"alice\"",
	  .sentence = "A user who may control this VM. Either this or group." },
	{ .key = "group",
	  .type = FIELD_USER,
	  .offset = offsetof(SpecOwner, group),
	  .max = USER_MAX_BYTES,
	  .example = "\"operators\"",
	  .sentence = "A group whose members may control this VM. Either this or user." },
};

static const ObjectType owner_object = {
	.name = "an owner",
	.sentence = "Somebody besides root who may control the VM: status, stop, console.",
	.fields = owner_fields,
	.n_fields = ELEMENTSOF(owner_fields),
	.size = sizeof(SpecOwner),
};

static const Field memory_fields[] = {
	DESCRIPTION_FIELD(SpecMemory),
	{ .key = "size",
	  .type = FIELD_SIZE,
	  .required = true,
	  .offset = offsetof(SpecMemory, size_bytes),
	  .min = 16 * MIB,
	  .max = 16 * TIB,
	  .multiple = MIB,
	  .example = "\"512MiB\"",
	  .sentence = "How much memory the guest has." },
	{ .key = "hugepages",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecMemory, hugepages),
	  .choices = hugepages_words,
	  .n_choices = ELEMENTSOF(hugepages_words),
	  .example = "\"2MiB\"",
	  .sentence = "The size of the huge pages that back it; it must divide size. Unset: "
		      "ordinary pages." },
	{ .key = "shared",
	  .type = FIELD_TRISTATE,
	  .offset = offsetof(SpecMemory, shared),
	  .example = "true",
	  .sentence = "Whether backends can map it. Unset: on where a share, a storage-daemon disk "
		      "or a socket needs it." },
};

static const ObjectType memory_object = {
	.name = "memory",
	.sentence = "The guest's memory: a size, or an object where there is more to say.",
	.fields = memory_fields,
	.n_fields = ELEMENTSOF(memory_fields),
	.size = sizeof(SpecMemory),
};

static const Field vsock_fields[] = {
	DESCRIPTION_FIELD(SpecVsock),
	{ .key = "cid",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(SpecVsock, cid),
	  .min = CID_MIN,
	  .max = CID_MAX,
	  .example = "1001",
	  .sentence = "The guest's context id. Unset: derived from the VM's name." },
};

static const ObjectType vsock_object = {
	.name = "vsock",
	.sentence = "A vsock device, AF_VSOCK between host and guest; {} is enough.",
	.fields = vsock_fields,
	.n_fields = ELEMENTSOF(vsock_fields),
	.size = sizeof(SpecVsock),
};

#define TIMEOUT(word, member, standard, what)                                                      \
	{                                                                                          \
		.key = (word), .type = FIELD_DURATION, .offset = offsetof(SpecTimeouts, member),   \
		.min = TIMEOUT_MIN, .max = TIMEOUT_MAX, .fallback = (standard),                    \
		.example = "\"90s\"", .sentence = (what),                                          \
	}

static const Field timeouts_fields[] = {
	DESCRIPTION_FIELD(SpecTimeouts),
	TIMEOUT("bridge", bridge_usec, "30s",
		"How long to wait for a bridge that is not there, or for systemd-networkd."),
	TIMEOUT("backend", backend_usec, "30s",
		"How long to wait for a backend, ours or somebody else's, to listen."),
	TIMEOUT("boot", boot_usec, "90s",
		"How long the VMM may take to start and to boot or reboot the guest."),
	TIMEOUT("guest", guest_usec, "90s",
		"How long to wait for a sign of life from the guest, for its drivers, and for its "
		"word that it is ready."),
	TIMEOUT("stop", stop_usec, "90s",
		"How long the guest may take to power off before it is ended."),
};

static const ObjectType timeouts_object = {
	.name = "timeouts",
	.sentence = "How long to wait for what.",
	.fields = timeouts_fields,
	.n_fields = ELEMENTSOF(timeouts_fields),
	.size = sizeof(SpecTimeouts),
};

static const Field crash_limit_fields[] = {
	DESCRIPTION_FIELD(SpecCrashLimit),
	{ .key = "count",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(SpecCrashLimit, count),
	  .min = 1,
	  .max = CRASHES_MAX,
	  .fallback = "5",
	  .example = "3",
	  .sentence = "How many lives of the guest may crash in a row: the last of them ends the "
		      "VM." },
	{ .key = "within",
	  .type = FIELD_DURATION,
	  .offset = offsetof(SpecCrashLimit, within_usec),
	  .min = WITHIN_MIN,
	  .max = TIMEOUT_MAX,
	  .fallback = "10min",
	  .example = "\"1min\"",
	  .sentence = "In how much time; crashes that are farther apart end nothing." },
};

static const ObjectType crash_limit_object = {
	.name = "crash_limit",
	.sentence = "When a guest that crashes again and again is given up.",
	.fields = crash_limit_fields,
	.n_fields = ELEMENTSOF(crash_limit_fields),
	.size = sizeof(SpecCrashLimit),
};

static const Field after_fields[] = {
	DESCRIPTION_FIELD(SpecAfter),
	{ .key = "name",
	  .type = FIELD_VM,
	  .required = true,
	  .offset = offsetof(SpecAfter, name),
	  .max = VM_NAME_MAX,
	  .example = "\"db1\"",
	  .sentence = "The other VM's name." },
};

static const ObjectType after_object = {
	.name = "an entry of after",
	.sentence = "A VM that comes before this one.",
	.fields = after_fields,
	.n_fields = ELEMENTSOF(after_fields),
	.size = sizeof(SpecAfter),
};

#define LIST(word, member, type_object, most, what)                                                \
	{                                                                                          \
		.key = (word), .type = FIELD_LIST, .offset = offsetof(Spec, member),               \
		.extra_offset = offsetof(Spec, n_##member), .max = (most),                         \
		.object = &(type_object), .example = "[ … ]", .sentence = (what),                  \
	}

static const Field spec_fields[] = {
	{ .key = "$schema",
	  .type = FIELD_STRING,
	  .offset = offsetof(Spec, schema),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/usr/share/mvmd/vm.schema.json\"",
	  .sentence = "Where an editor finds the JSON Schema; mvmd does nothing with it." },
	DESCRIPTION_FIELD(Spec),
	{ .key = "template",
	  .type = FIELD_ID,
	  .offset = offsetof(Spec, template_name),
	  .max = SPEC_ID_MAX,
	  .example = "\"small\"",
	  .sentence = "The template under this spec, templates/NAME.json in the spec folder." },
	{ .key = "vmm",
	  .type = FIELD_ENUM,
	  .offset = offsetof(Spec, vmm),
	  .fallback = "auto",
	  .choices = vmm_words,
	  .n_choices = ELEMENTSOF(vmm_words),
	  .example = "\"qemu\"",
	  .sentence = "The hypervisor process. auto: cloud-hypervisor where it is installed and "
		      "KVM fit for it, else QEMU." },
	{ .key = "accel",
	  .type = FIELD_ENUM,
	  .offset = offsetof(Spec, accel),
	  .fallback = "auto",
	  .choices = accel_words,
	  .n_choices = ELEMENTSOF(accel_words),
	  .example = "\"kvm\"",
	  .sentence =
		  "What runs the guest's code. auto: KVM where it is usable, else tcg, but not in the "
		  "unit; tcg emulates, slowly, with QEMU alone." },
	{ .key = "boot",
	  .type = FIELD_OBJECT,
	  .required = true,
	  .offset = offsetof(Spec, boot),
	  .object = &boot_object,
	  .example = "{ \"kernel\": \"/srv/vm/vmlinuz\" }",
	  .sentence = "What the guest boots." },
	LIST("owners", owners, owner_object, SPEC_OWNERS_MAX,
	     "Who besides root may control the VM."),
	{ .key = "cpus",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(Spec, cpus),
	  .min = 1,
	  .max = 255,
	  .fallback = "1",
	  .example = "2",
	  .sentence = "Virtual CPUs." },
	{ .key = "memory",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(Spec, memory),
	  .fallback = "512MiB",
	  .object = &memory_object,
	  .shorthand = "size",
	  .example = "\"512MiB\"",
	  .sentence = "The guest's memory: a size, or an object with size in it." },
	LIST("disks", disks, disk_object, SPEC_DEVICES_MAX,
	     "The disks, in the guest's order: vda, vdb, …"),
	LIST("interfaces", interfaces, interface_object, SPEC_DEVICES_MAX,
	     "The network interfaces."),
	LIST("shares", shares, share_object, SPEC_DEVICES_MAX,
	     "The folders that the guest can mount."),
	{ .key = "vsock",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(Spec, vsock),
	  .extra_offset = offsetof(Spec, has_vsock),
	  .object = &vsock_object,
	  .example = "{}",
	  .sentence = "A vsock device. Unset: none." },
	{ .key = "ready",
	  .type = FIELD_ENUM,
	  .offset = offsetof(Spec, ready),
	  .fallback = "vmm",
	  .choices = ready_words,
	  .n_choices = ELEMENTSOF(ready_words),
	  .example = "\"guest\"",
	  .sentence =
		  "When a start is over. vmm: the guest runs; guest: its systemd, 254 or newer, "
		  "says over its vsock that it is up." },
	{ .key = "credentials",
	  .type = FIELD_MAP,
	  .offset = offsetof(Spec, credentials),
	  .extra_offset = offsetof(Spec, n_credentials),
	  .max = SPEC_CREDENTIALS_MAX,
	  .object = &credential_object,
	  .example = "{ \"db.password\": { \"file\": \"/etc/mvmd/secret/db\" } }",
	  .sentence = "What the guest's systemd finds as its system credentials, by name." },
	{ .key = "user",
	  .type = FIELD_USER,
	  .offset = offsetof(Spec, user),
	  .max = USER_MAX_BYTES,
	  .example = "\"vm-web1\"",
	  .sentence = "Who the VMM and the backends run as. Unset: a uid of the VM's own." },
	{ .key = "netns",
	  .type = FIELD_ID,
	  .offset = offsetof(Spec, netns),
	  .max = SPEC_ID_MAX,
	  .example = "\"blue\"",
	  .sentence =
		  "The network namespace (ip-netns(8)) that VMM, backends and taps live in, and "
		  "the bridges are looked for in. Unset: the host's." },
	{ .key = "allow_known_issues",
	  .type = FIELD_LIST,
	  .offset = offsetof(Spec, allow_known_issues),
	  .extra_offset = offsetof(Spec, n_allow_known_issues),
	  .max = ALLOWED_ISSUES_MAX,
	  .object = &allowed_issue_object,
	  .shorthand = "id",
	  .example = "[ \"PVH-6664\" ]",
	  .sentence = "Known issues for which a start is not refused; see mvmd-known-issues(5)." },
	{ .key = "after",
	  .type = FIELD_LIST,
	  .offset = offsetof(Spec, after),
	  .extra_offset = offsetof(Spec, n_after),
	  .max = SPEC_AFTER_MAX,
	  .object = &after_object,
	  .shorthand = "name",
	  .example = "[ \"db1\" ]",
	  .sentence =
		  "Other VMs of this host: where they start at the same time as this one, it waits "
		  "until they run. It is stopped before them. None of them is started for it." },
	{ .key = "timeouts",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(Spec, timeouts),
	  .object = &timeouts_object,
	  .example = "{ \"stop\": \"90s\" }",
	  .sentence = "How long to wait for what." },
	{ .key = "crash_limit",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(Spec, crash_limit),
	  .object = &crash_limit_object,
	  .example = "{ \"count\": 3, \"within\": \"1min\" }",
	  .sentence = "When a guest that crashes again and again is given up." },
};

const ObjectType spec_object = {
	.name = "a spec",
	.sentence = "One VM.",
	.fields = spec_fields,
	.n_fields = ELEMENTSOF(spec_fields),
	.size = sizeof(Spec),
	.title = "mvmd.vm(5): one VM",
	.least = "{ \"boot\": … }",
};

const Unit size_units[] = {
	{ "B", 1 }, { "KiB", KIB }, { "MiB", MIB }, { "GiB", GIB }, { "TiB", TIB }, { NULL, 0 },
};

const Unit rate_units[] = {
	{ "bit", 1 }, { "kbit", 1000 }, { "Mbit", 1000000 }, { "Gbit", UINT64_C(1000000000) },
	{ NULL, 0 },
};

const Unit duration_units[] = {
	{ "us", 1 },
	{ "ms", USEC_PER_MSEC },
	{ "s", USEC_PER_SEC },
	{ "min", 60 * USEC_PER_SEC },
	{ "h", 3600 * USEC_PER_SEC },
	{ NULL, 0 },
};

const Field *object_field(const ObjectType *object, const char *key)
{
	for (size_t i = 0; i < object->n_fields; i++)
		if (streq(object->fields[i].key, key))
			return &object->fields[i];
	return NULL;
}

const char *object_nearest_key(const ObjectType *object, const char *word)
{
	const char *names[ELEMENTSOF(spec_fields) + 1];
	size_t n = 0;

	for (size_t i = 0; i < object->n_fields && n < ELEMENTSOF(spec_fields); i++)
		names[n++] = object->fields[i].key;
	if (object->merges_by_id)
		names[n++] = REMOVE_KEY;
	return nearest_name(word, names, n);
}

const char *vmm_kind_to_string(VmmKind kind)
{
	return vmm_words[kind];
}

const char *ready_to_string(Ready ready)
{
	return ready_words[ready];
}

const char *accel_to_string(Accel accel)
{
	return accel_words[accel];
}
