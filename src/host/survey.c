/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/link.h"
#include "host/memory.h"
#include "host/survey.h"

#define CGROUP_DIRECTORY "/sys/fs/cgroup"
#define LINE_BYTES_MAX	 4096

/* A spec that asks for one of everything that mvmd looks for on a host. The name is no VM's. */
static char everything_name[] = ".doctor", everything_folder[] = "/",
	    everything_disk[] = "/dev/null";
static char everything_id[] = "any", everything_bridge[] = "lo", everything_user[] = "nobody";

static SpecDisk everything_disks[] = {
	{ .id = everything_id, .path = everything_disk, .backend = DISK_BY_STORAGE_DAEMON },
};
static SpecInterface everything_interfaces[] = {
	{ .id = everything_id, .bridge = everything_bridge },
	{ .id = everything_id, .bridge = everything_bridge, .attach = ATTACH_HELPER },
	{ .id = everything_id, .attach = ATTACH_PASST },
};
static SpecShare everything_shares[] = {
	{ .id = everything_id, .source = everything_folder, .readonly = true },
};

static const Spec everything = {
	.name = everything_name,
	.disks = everything_disks,
	.n_disks = ELEMENTSOF(everything_disks),
	.interfaces = everything_interfaces,
	.n_interfaces = ELEMENTSOF(everything_interfaces),
	.shares = everything_shares,
	.n_shares = ELEMENTSOF(everything_shares),
	.has_vsock = true,
};

/* A damaged table of uids is said, and the host looked at as some other user. */
static int probe_facts(const ProbeOptions *options, Survey *host, Fault *fault)
{
	Spec other = everything;
	Fault second = { 0 };
	int r = facts_probe(&everything, options, &host->facts, fault);

	if (r == 0 || r == -ENOMEM)
		return r;
	other.user = everything_user;
	r = facts_probe(&other, options, &host->facts, &second);
	if (r < 0)
		fault_move(fault, &second);
	return r;
}

static void probe_sysctls(Survey *host)
{
	host->cpu_has_virtualization = cpu_runs_stock_guests();
	host->max_user_namespaces =
		sysctl_read("/proc/sys/user/max_user_namespaces", SYSCTL_ABSENT);
	host->userns_clone =
		sysctl_read("/proc/sys/kernel/unprivileged_userns_clone", SYSCTL_ABSENT);
	host->apparmor_userns = sysctl_read(
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", SYSCTL_ABSENT);
	host->bridge_iptables =
		sysctl_read("/proc/sys/net/bridge/bridge-nf-call-iptables", SYSCTL_ABSENT);
	host->bridge_ip6tables =
		sysctl_read("/proc/sys/net/bridge/bridge-nf-call-ip6tables", SYSCTL_ABSENT);
	host->vhost_net = access("/dev/vhost-net", F_OK) == 0;
	host->systemd = access("/run/systemd/system", F_OK) == 0; /* sd_booted(3) does the same */
}

/* True where a line of the file has the text. *ret_read: the file is there. */
static bool file_mentions(const char *path, const char *text, bool *ret_read)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES_MAX];
	bool found = false;

	if (!file)
		return false;
	*ret_read = true;
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, text) != NULL;
	(void) fclose(file);
	return found;
}

/* What is built in shows in /sys/module where it has a version, as the bridge does (kernel/params.c). */
static ModuleState bridge_module(const char *release)
{
	_cleanup_free_ char *built_in = str_printf("/lib/modules/%s/modules.builtin", release);
	_cleanup_free_ char *loadable = str_printf("/lib/modules/%s/modules.dep", release);
	bool known = false;

	if (access("/sys/module/bridge", F_OK) == 0)
		return MODULE_LOADED;
	if (!built_in || !loadable)
		return MODULE_UNKNOWN;
	if (file_mentions(built_in, "/bridge.ko", &known))
		return MODULE_LOADED;
	if (file_mentions(loadable, "/bridge.ko", &known))
		return MODULE_LOADABLE;
	return known ? MODULE_ABSENT : MODULE_UNKNOWN;
}

static int probe_bridges(Survey *host)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	int r = nl_connection_new(NETLINK_ROUTE, &nl);

	host->bridge_module = bridge_module(host->facts.host.release ?: "");
	if (r == 0)
		r = link_list_bridges(nl, &host->bridges);
	return r == -ENOMEM ? r : 0;
}

static uint64_t hard_limit(__rlimit_resource_t resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_max == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_max;
}

static int compare_pools(const void *a, const void *b)
{
	const HugePool *left = a, *right = b;

	return (left->page_bytes > right->page_bytes) - (left->page_bytes < right->page_bytes);
}

static void probe_pools(Survey *host)
{
	DIR *directory = opendir(HUGE_POOLS_DIRECTORY);
	const struct dirent *entry;
	uint64_t kib;

	if (!directory)
		return;
	while (host->n_pools < HUGE_POOLS_MAX && (entry = readdir(directory)))
		/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote the number */
		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) == 1 &&
		    huge_pool_probe(dirfd(directory), kib * KIB, &host->pools[host->n_pools]))
			host->n_pools++;
	(void) closedir(directory);
	qsort(host->pools, host->n_pools, sizeof(*host->pools), compare_pools);
}

static void probe_memory(Survey *host)
{
	host->memlock_bytes = hard_limit(RLIMIT_MEMLOCK);
	host->nofile = hard_limit(RLIMIT_NOFILE);
	memory_probe(&host->facts.memory);
}

/* Of version 2, cgroups(7): "0::/user.slice/…". */
static char *own_cgroup(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[LINE_BYTES_MAX], *path = NULL;

	if (!file)
		return NULL;
	while (!path && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			path = strdup(line + 3);
	}
	(void) fclose(file);
	return path;
}

/* Caches give way where memory is wanted; what programs and files in memory hold does not. */
static uint64_t cgroup_memory_held(int directory)
{
	int fd = openat(directory, "memory.stat", O_RDONLY | O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[LINE_BYTES_MAX];
	uint64_t held = 0;

	if (!file) {
		(void) close_fd(fd);
		return 0;
	}
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "anon ", 5) == 0 || strncmp(line, "shmem ", 6) == 0)
			held += strtoull(strchr(line, ' '), NULL, 10);
	(void) fclose(file);
	return held;
}

/* The least that memory.max leaves in this group and those above it. Walks path up and destroys it. */
static uint64_t cgroup_memory_left(char *path)
{
	uint64_t least = MEMORY_UNLIMITED;
	char *slash;

	while ((slash = strrchr(path, '/'))) {
		_cleanup_free_ char *directory = str_printf(CGROUP_DIRECTORY "%s", path);
		_cleanup_close_ int fd =
			directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;

		if (fd >= 0) {
			uint64_t max = read_number(fd, "memory.max", MEMORY_UNLIMITED);
			uint64_t held = cgroup_memory_held(fd);

			if (max != MEMORY_UNLIMITED && (max > held ? max - held : 0) < least)
				least = max > held ? max - held : 0;
		}
		*slash = '\0';
	}
	return least;
}

static int probe_cgroup(Survey *host)
{
	_cleanup_free_ char *path = NULL;
	struct statfs fs;

	host->cgroup_left_bytes = MEMORY_UNLIMITED;
	host->cgroup_v2 =
		statfs(CGROUP_DIRECTORY, &fs) == 0 && (uint64_t) fs.f_type == CGROUP2_SUPER_MAGIC;
	host->cgroup = own_cgroup();
	if (!host->cgroup_v2 || !host->cgroup)
		return 0;
	path = strdup(host->cgroup);
	if (!path)
		return -ENOMEM;
	host->cgroup_left_bytes = cgroup_memory_left(path);
	return 0;
}

/* Where it is not there yet, it would be made in the nearest one above it that is. */
static int probe_directory(DirectoryFact *fact)
{
	_cleanup_free_ char *path = strdup(fact->path);
	struct statvfs fs;
	char *slash;

	if (!path)
		return -ENOMEM;
	while (access(path, F_OK) < 0 && errno == ENOENT) {
		slash = strrchr(path, '/');
		if (!slash)
			break;
		slash[slash == path] = '\0'; /* "/" stays */
	}
	fact->error = access(path, W_OK | X_OK) < 0 ? -errno : 0;
	fact->available_bytes =
		statvfs(path, &fs) == 0 ? (uint64_t) fs.f_bavail * fs.f_frsize : UINT64_MAX;
	return 0;
}

/* subuid(5): "alice:100000:65536". */
static bool subuid_meets(Survey *host, char *line)
{
	uint64_t first, count, last = host->uid_range.first + host->uid_range.count;
	char *rest = line;
	const char *user = strsep(&rest, ":"), *start = strsep(&rest, ":");

	if (!rest || parse_u64(start, UINT32_MAX, &first) < 0 ||
	    parse_u64(rest, UINT32_MAX, &count) < 0)
		return false;
	if (count == 0 || first >= last || first + count <= host->uid_range.first)
		return false;
	if (str_set(&host->subuid_user, user) < 0)
		return false;
	host->subuid_first = first;
	host->subuid_count = count;
	return true;
}

static void probe_subuids(Survey *host)
{
	FILE *file = fopen("/etc/subuid", "re");
	char line[LINE_BYTES_MAX];
	bool found = false;

	if (!file)
		return;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = subuid_meets(host, line);
	}
	(void) fclose(file);
}

int survey_host(const ProbeOptions *options, Survey *ret, Fault *fault)
{
	int r = probe_facts(options, ret, fault);

	if (r < 0)
		return r;
	ret->uid_range = options->host_conf->uid_range;
	probe_sysctls(ret);
	probe_memory(ret);
	probe_pools(ret);
	probe_subuids(ret);
	r = probe_bridges(ret);
	if (r == 0)
		r = probe_cgroup(ret);
	if (r == 0)
		r = probe_directory(&ret->runtime);
	if (r == 0)
		r = probe_directory(&ret->state);
	return r < 0 ? fault_oom(fault) : 0;
}
