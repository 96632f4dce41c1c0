/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/access.h"
#include "host/become.h"
#include "host/credentials.h"
#include "host/helper-probe.h"
#include "host/host-facts.h"
#include "host/image.h"
#include "host/memory.h"
#include "host/netns.h"
#include "host/passt.h"
#include "host/probe-devices.h"
#include "host/probe-links.h"
#include "host/probe.h"
#include "host/program-cache.h"
#include "host/sandbox.h"
#include "host/uids.h"
#include "model/plan-sandbox.h"
#include "mvmd/exit-codes.h"

#define NSS_BUFFER_SIZE 16384
#define DEFAULT_PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Where distributions put what is in no PATH. */
static const char *const no_places[] = { NULL };
static const char *const qemu_places[] = { "/usr/libexec/qemu-kvm", NULL };
static const char *const virtiofsd_places[] = {
	"/usr/libexec/virtiofsd", /* Debian 13, Ubuntu, Fedora */
	"/usr/lib/virtiofsd", /* Arch */
	"/usr/lib/qemu/virtiofsd", /* Debian 12: the C one */
	NULL,
};

/* One look at the host. */
typedef struct Probe {
	const Spec *spec;
	const ProbeOptions *options;
	ProgramCache cache;
	Facts facts;
	int kernel_fd;
} Probe;

bool version_parse(const char *text, Program *program)
{
	const char *start = text, *end;
	unsigned major, minor;
	char *version;

	/* The first number that a dot and a digit follow. */
	for (;; start = end) {
		start += strcspn(start, "0123456789");
		if (!*start)
			return false;
		end = start + strspn(start, "0123456789");
		if (*end == '.' && isdigit((unsigned char) end[1]))
			break;
	}
	major = (unsigned) strtoul(start, NULL, 10);
	minor = (unsigned) strtoul(end + 1, NULL, 10);
	version = strndup(start, strcspn(start, " ,()\t\r\n"));
	if (!version)
		return false;
	free(program->version);
	program->version = version;
	program->major = major;
	program->minor = minor;
	return true;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int programs_find(const char *name, const char *const *places, size_t max, StrList *ret)
{
	const char *directory = getenv("PATH") ?: DEFAULT_PATH;

	while (*directory && ret->n < max) {
		size_t length = strcspn(directory, ":");
		_cleanup_free_ char *path = str_printf("%.*s/%s", (int) length, directory, name);

		if (!path)
			return -ENOMEM;
		if (*directory == '/' && is_program(path))
			str_list_add(ret, "%s", path);
		directory += length;
		directory += *directory == ':';
	}
	for (; *places && ret->n < max; places++)
		if (is_program(*places))
			str_list_add(ret, "%s", *places);
	return ret->failed ? -ENOMEM : 0;
}

/* Fills program in; one that does not tell its version is there all the same. */
static int take_program(Probe *probe, const char *path, Program *program, char **ret_line)
{
	_cleanup_free_ char *line = NULL;
	int r;

	r = str_set(&program->path, path);
	if (r < 0)
		return r;
	r = program_cache_ask(&probe->cache, path, &line);
	if (r == 0)
		(void) version_parse(line, program);
	*ret_line = TAKE_PTR(line);
	return r == -ENOMEM ? r : 0;
}

static int find_program(Probe *probe, const char *name, const char *const *places, Program *program)
{
	_cleanup_(str_list_done) StrList candidates = { 0 };
	_cleanup_free_ char *line = NULL;
	int r;

	r = programs_find(name, places, 1, &candidates);
	if (r < 0 || candidates.n == 0)
		return r;
	return take_program(probe, candidates.items[0], program, &line);
}

static int find_qemu(Probe *probe)
{
	_cleanup_free_ char *name = NULL;
	struct utsname host;

	if (uname(&host) < 0)
		return -errno;
	name = str_printf("qemu-system-%s", host.machine);
	if (!name)
		return -ENOMEM;
	return find_program(probe, name, qemu_places, &probe->facts.qemu);
}

/*
 * A Rust one is taken wherever it lies; the C one only where it is the only one. They differ in what they
 * say: "virtiofsd 1.13.0" against "virtiofsd version 7.2.22".
 */
static int find_virtiofsd(Probe *probe)
{
	_cleanup_(str_list_done) StrList candidates = { 0 };
	int r = programs_find("virtiofsd", virtiofsd_places, SIZE_MAX, &candidates);

	for (size_t i = candidates.n; r == 0 && i-- > 0;) {
		_cleanup_free_ char *line = NULL;
		Program program = { 0 };
		bool is_c;

		r = take_program(probe, candidates.items[i], &program, &line);
		is_c = line && strncmp(line, "virtiofsd version ", 18) == 0;
		if (r < 0 ||
		    (is_c && probe->facts.virtiofsd.path && !probe->facts.virtiofsd_is_c)) {
			free(program.path);
			free(program.version);
			continue;
		}
		free(probe->facts.virtiofsd.path);
		free(probe->facts.virtiofsd.version);
		probe->facts.virtiofsd = program;
		probe->facts.virtiofsd_is_c = is_c;
	}
	return r;
}

/* Of several who are to run it, the first that may not is kept. */
static void try_program(const Identity *identity, Program *program)
{
	if (!program->path || program->error < 0)
		return;
	program->error = execute_as(identity, program->path);
	program->uid = identity->uid;
}

static void try_programs(Probe *probe)
{
	Facts *facts = &probe->facts;

	try_program(&facts->vm, &facts->cloud_hypervisor);
	try_program(&facts->vm, &facts->qemu);
	try_program(&facts->vm, &facts->storage_daemon);
	try_program(&facts->vm, &facts->passt);
	for (size_t i = 0; i < facts->n_shares; i++)
		if (probe->spec->shares[i].source)
			try_program(&facts->share_users[i], &facts->virtiofsd);
}

static int probe_programs(Probe *probe)
{
	const Spec *spec = probe->spec;
	bool share = false, storage = false;
	int r = 0;

	for (size_t i = 0; i < spec->n_shares; i++)
		share |= spec->shares[i].source != NULL;
	for (size_t i = 0; i < spec->n_disks; i++)
		storage |= spec->disks[i].path && spec->disks[i].backend == DISK_BY_STORAGE_DAEMON;

	if (spec->vmm != VMM_QEMU && spec->accel != ACCEL_TCG)
		r = find_program(probe, "cloud-hypervisor", no_places,
				 &probe->facts.cloud_hypervisor);
	if (r == 0 && spec->vmm != VMM_CLOUD_HYPERVISOR)
		r = find_qemu(probe);
	if (r == 0 && share)
		r = find_virtiofsd(probe);
	if (r == 0 && storage)
		r = find_program(probe, "qemu-storage-daemon", no_places,
				 &probe->facts.storage_daemon);
	if (r == 0 && spec_has_attach(spec, ATTACH_PASST))
		r = passt_probe(&probe->cache, &probe->facts);
	try_programs(probe);
	return r;
}

/* landlock_create_ruleset(2): asked for its version it makes nothing. */
static int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int) abi : 0;
}

static Arch host_arch(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return ARCH_X86;
#elif defined(__aarch64__)
	return ARCH_ARM64;
#elif defined(__riscv) && __riscv_xlen == 64
	return ARCH_RISCV64;
#else
	return ARCH_OTHER;
#endif
}

static void probe_rights(Facts *facts)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint32_t effective;

	facts->arch = host_arch();
	facts->euid = geteuid();
	facts->landlock_abi = landlock_abi();
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	effective = data[0].effective;
	facts->net_admin = effective & CAP_TO_MASK(CAP_NET_ADMIN);
	facts->setuid = effective & CAP_TO_MASK(CAP_SETUID) && effective & CAP_TO_MASK(CAP_SETGID);
}

static Identity ourselves(void)
{
	return (Identity){ .uid = geteuid(), .gid = getegid() };
}

/* Somebody who does not exist is a fact; the rest is then looked at as ourselves. */
static Identity named_user(Facts *facts, const char *name)
{
	char *buffer = malloc(NSS_BUFFER_SIZE);
	struct passwd entry, *found = NULL;
	Identity identity = ourselves();

	if (buffer)
		(void) getpwnam_r(name, &entry, buffer, NSS_BUFFER_SIZE, &found);
	if (found) {
		identity.uid = entry.pw_uid;
		identity.gid = entry.pw_gid;
	} else if (!facts->unknown_user) {
		facts->user_error = -ESRCH;
		facts->unknown_user = name;
	}
	free(buffer);
	return identity;
}

static int probe_identities(Probe *probe, Fault *fault)
{
	const Spec *spec = probe->spec;
	Facts *facts = &probe->facts;
	int r;

	facts->vm = ourselves();
	if (spec->user) {
		facts->vm = named_user(facts, spec->user);
	} else if (facts->euid == 0) {
		r = uids_get(probe->options->state_directory, &probe->options->host_conf->uid_range,
			     spec->name, probe->options->allocate_uid, &facts->vm.uid,
			     &facts->vm_uid_is_new, fault);
		if (r < 0)
			return r;
		facts->vm.gid = facts->vm.uid;
	}

	facts->share_users = calloc(spec->n_shares ?: 1, sizeof(*facts->share_users));
	if (!facts->share_users)
		return fault_oom(fault);
	facts->n_shares = spec->n_shares;
	for (size_t i = 0; i < spec->n_shares; i++) {
		const char *user = spec->shares[i].user;

		facts->share_users[i] = user ? named_user(facts, user) : facts->vm;
	}
	return 0;
}

/* Tries one path, where the spec has it. */
static int add_path(Probe *probe, PathRole role, size_t index, const char *path,
		    const Identity *identity, int flags)
{
	_cleanup_close_ int disk_fd = -EBADF;
	Facts *facts = &probe->facts;
	PathFact *fact;

	if (!path)
		return 0;
	if (array_grow(&facts->paths, facts->n_paths, sizeof(*facts->paths)) < 0)
		return -ENOMEM;
	fact = &facts->paths[facts->n_paths++];
	*fact = (PathFact){ .role = role, .index = index, .path = path };
	path_probe(identity, flags, fact,
		   role == PATH_KERNEL ? &probe->kernel_fd :
		   role == PATH_DISK   ? &disk_fd :
					 NULL);
	if (path_may_be_out_of_view(fact) && !facts->sandbox.own_tmp)
		facts->sandbox.own_tmp = sandbox_has_own_tmp();
	if (fact->error == -ENOENT || fact->error == -EACCES)
		fact->in_hidden_home = sandbox_hides(path);
	if (disk_fd >= 0) {
		fact->looks_like = disk_probe(disk_fd);
		disk_probe_space(disk_fd, &fact->space);
	}
	return 0;
}

static int probe_disk_path(Probe *probe, size_t i, const Identity *user)
{
	const SpecDisk *disk = &probe->spec->disks[i];
	int flags = disk->readonly ? O_RDONLY : O_RDWR;
	int r = add_path(probe, PATH_DISK, i, disk->path, user, flags);

	return r < 0 ? r : add_path(probe, PATH_DISK_SOCKET, i, disk->socket, user, O_RDWR);
}

/* Who serves a share as root has its capabilities, as we do. */
static int probe_share_path(Probe *probe, size_t i)
{
	const SpecShare *share = &probe->spec->shares[i];
	const Identity *user = &probe->facts.share_users[i];
	int r = add_path(probe, PATH_SHARE, i, share->source, user->uid == 0 ? NULL : user,
			 share->readonly ? O_RDONLY : O_RDWR);

	return r < 0 ? r :
		       add_path(probe, PATH_SHARE_SOCKET, i, share->socket, &probe->facts.vm,
				O_RDWR);
}

/* What the VMM makes itself is not there yet. */
static int probe_interface_path(Probe *probe, size_t i)
{
	const SpecInterface *interface = &probe->spec->interfaces[i];

	if (spec_attach(interface) != ATTACH_VHOST_USER ||
	    interface->vhost_user.mode == VHOST_USER_SERVER)
		return 0;
	return add_path(probe, PATH_INTERFACE_SOCKET, i, interface->vhost_user.socket,
			&probe->facts.vm, O_RDWR);
}

/* What the VM's own user opens. user: that one; NULL: we are him already. */
static int probe_vm_paths(Probe *probe, const Identity *user)
{
	const SpecBoot *boot = &probe->spec->boot;
	int r;

	r = add_path(probe, PATH_KERNEL, 0, boot->kernel, user, O_RDONLY);
	if (r == 0)
		r = add_path(probe, PATH_INITRAMFS, 0, boot->initramfs, user, O_RDONLY);
	if (r == 0)
		r = add_path(probe, PATH_FIRMWARE, 0, boot->firmware, user, O_RDONLY);
	for (size_t i = 0; r == 0 && i < probe->spec->n_disks; i++)
		r = probe_disk_path(probe, i, user);
	return r;
}

static int probe_paths(Probe *probe)
{
	const Identity *vm = &probe->facts.vm;
	Before before;
	/* Once for all of them; where that fails, each path's fact tells. */
	bool is_vm = become(vm, &before) == 0;
	int r = probe_vm_paths(probe, is_vm ? NULL : vm);

	if (is_vm)
		become_ourselves(&before);
	for (size_t i = 0; r == 0 && i < probe->spec->n_shares; i++)
		r = probe_share_path(probe, i);
	for (size_t i = 0; r == 0 && i < probe->spec->n_interfaces; i++)
		r = probe_interface_path(probe, i);
	return r;
}

/* The kernel is read where the VM's user could open it; else that is a fact about its path. */
static int probe_kernel(Probe *probe)
{
	int r = probe->kernel_fd < 0 ? 0 :
				       image_probe(probe->kernel_fd, &probe->facts.guest_kernel);

	return r == -ENOMEM ? r : 0;
}

static int probe_bridges(Probe *probe)
{
	return probe_links(probe->spec, probe->options, &probe->facts);
}

static int probe_helper(Probe *probe)
{
	return helper_probe(probe->spec, probe->options->host_conf, &probe->facts.helper);
}

static int probe_credentials(Probe *probe)
{
	return credentials_probe(probe->spec, probe->options->allocate_uid, &probe->facts);
}

static int probe_memory(Probe *probe)
{
	HugePages size = probe->spec->memory.hugepages;
	MemoryFact *memory = &probe->facts.memory;
	_cleanup_close_ int directory = -EBADF;

	memory_probe(memory);
	if (probe->spec->memory.size_bytes > memory->total_bytes + memory->swap_bytes)
		memory->overcommits_always = sysctl_read("/proc/sys/vm/overcommit_memory", 0) == 1;
	if (size == HUGE_PAGES_NONE)
		return 0;
	directory = open(HUGE_POOLS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void) huge_pool_probe(directory, huge_page_bytes(size), &probe->facts.huge_pool);
	return 0;
}

typedef struct Look {
	const char *what;
	int (*probe)(Probe *probe);
} Look;

/* All but the first: in order, for who opens a path must be known before. */
static int probe_all(Probe *probe, Fault *fault)
{
	static const Look looks[] = {
		{ "programs", probe_programs },	      { "paths", probe_paths },
		{ "kernel", probe_kernel },	      { "bridges", probe_bridges },
		{ "bridge helper", probe_helper },    { "memory", probe_memory },
		{ "credentials", probe_credentials },
	};
	int r = probe_identities(probe, fault);

	if (r < 0)
		return r;
	probe_devices(probe->spec, &probe->facts);
	for (size_t i = 0; i < ELEMENTSOF(looks); i++) {
		r = looks[i].probe(probe);
		if (r < 0) {
			(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "probe",
					 "cannot look at this host's %s: %m", looks[i].what);
			(void) fault_evidence(fault, "looked_at", "%s", looks[i].what);
			return fault_remedy(fault, "ulimit -n; free -m; where neither is short it "
						   "is a bug of mvmd");
		}
	}
	probe_vhost_net(probe->spec, &probe->facts);
	return 0;
}

static int probe_in_netns(Probe *probe, Fault *fault)
{
	const char *netns = probe->spec->netns;
	int back = -EBADF, r;

	if (netns)
		probe->facts.netns_error = netns_enter(netns, &back);
	r = probe_all(probe, fault);
	netns_leave(back);
	return r;
}

int facts_probe(const Spec *spec, const ProbeOptions *options, Facts *ret, Fault *fault)
{
	Probe probe = { .spec = spec, .options = options, .kernel_fd = -EBADF };
	int r;

	r = program_cache_load(options->state_directory, &probe.cache);
	if (r < 0)
		return fault_oom(fault);
	probe_rights(&probe.facts);
	sandbox_probe(spec, &probe.facts.sandbox);
	r = host_facts_probe(&probe.facts.host);
	if (r == 0 && !options->switches_later)
		host_switches_probe(&probe.facts.host);
	r = r < 0 ? fault_oom(fault) : probe_in_netns(&probe, fault);
	program_cache_store(&probe.cache);
	program_cache_done(&probe.cache);
	(void) close_fd(probe.kernel_fd);
	if (r < 0) {
		facts_done(&probe.facts);
		return r;
	}
	*ret = probe.facts;
	return 0;
}
