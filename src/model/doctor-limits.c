/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/doctor.h"
#include "mvmd/exit-codes.h"

/* The kernel's default since Linux 5.16, and systemd's (systemd-system.conf(5), DefaultLimitMEMLOCK=). */
#define MEMLOCK_LEAST_BYTES (8 * MIB)

/* What a supervisor, its VMM with a few queues and its backends come to, several times over. */
#define NOFILE_LEAST 1024

/* virtiofsd holds a descriptor for each file that the guest's cache knows. */
#define NOFILE_LEAST_FOR_SHARES 65536

/* Less than this does not hold a VM's record. */
#define DIRECTORY_LEAST_BYTES MIB

static void judge_memlock(Doctor *doctor, const Survey *host)
{
	char text[FORMAT_MAX], least[FORMAT_MAX];
	Fault fault = { 0 };

	if (host->memlock_bytes >= MEMLOCK_LEAST_BYTES) {
		doctor_ok(doctor, "memlock", "%s may be locked",
			  host->memlock_bytes == MEMORY_UNLIMITED ?
				  "any amount of memory" :
				  format_size(text, host->memlock_bytes));
		return;
	}
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "memlock-low",
			 "a program started from here may lock %s of memory; the usual limit is %s",
			 format_size(text, host->memlock_bytes),
			 format_size(least, MEMLOCK_LEAST_BYTES));
	/* liburing's README, "ulimit settings". */
	(void) fault_why(&fault,
			 "before Linux 5.12 the queues of io_uring, by which a VMM uses its "
			 "disks, count against it");
	(void) fault_remedy(&fault, "ulimit -l, /etc/security/limits.conf; in a unit: "
				    "LimitMEMLOCK=8M");
	(void) fault_evidence(&fault, "limit", "%" PRIu64, host->memlock_bytes);
	doctor_take(doctor, "memlock", DOCTOR_NOTE, &fault);
}

static void judge_nofile(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	uint64_t least = needs->shares ? NOFILE_LEAST_FOR_SHARES : NOFILE_LEAST;
	Fault fault = { 0 };

	if (host->nofile >= least) {
		doctor_ok(doctor, "nofile", "a program may have %" PRIu64 " files open",
			  host->nofile);
		return;
	}
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "nofile-low",
			 "a program started from here may have %" PRIu64 " files open",
			 host->nofile);
	if (needs->shares)
		(void) fault_why(
			&fault,
			"virtiofsd keeps one open for each file that a guest uses, and the "
			"VM %s has a share: the guest gets \"Too many open files\"",
			needs->shares);
	else
		(void) fault_why(&fault, "a VM with some disks and queues needs several hundred");
	(void) fault_remedy(&fault, "ulimit -Hn, /etc/security/limits.conf; in a unit: "
				    "LimitNOFILE=524288");
	(void) fault_evidence(&fault, "limit", "%" PRIu64, host->nofile);
	doctor_take(doctor, "nofile", DOCTOR_WARNING, &fault);
}

static bool judge_huge_pool(Doctor *doctor, const Survey *host, const HostNeeds *needs,
			    HugePages size)
{
	uint64_t page_bytes = huge_page_bytes(size);
	const HugePool *pool = host_huge_pool(host, page_bytes);
	uint64_t wanted = needs->hugepages_bytes[size] / (page_bytes ?: 1);
	char text[FORMAT_MAX];
	Fault fault = { 0 };

	if (!needs->hugepages[size] || (pool && pool->total >= wanted))
		return true;
	(void) fault_set(&fault, -ENOMEM, MVMD_EXIT_UNAVAILABLE, "hugepages-missing",
			 "the VM %s wants %" PRIu64 " pages of %s, and this host has %" PRIu64,
			 needs->hugepages[size], wanted, format_size(text, page_bytes),
			 pool ? pool->total : 0);
	(void) fault_remedy(&fault,
			    "echo %" PRIu64 " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
			    "kB/nr_hugepages, or reserve them at boot: hugepagesz= and hugepages= "
			    "on the kernel's command line",
			    wanted, page_bytes / KIB);
	(void) fault_evidence(&fault, "pages", "%" PRIu64, pool ? pool->total : 0);
	(void) fault_evidence(&fault, "pages_wanted", "%" PRIu64, wanted);
	doctor_take(doctor, "hugepages", DOCTOR_WARNING, &fault);
	return false;
}

static void judge_hugepages(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	_cleanup_free_ char *words = NULL;
	StrBuf buf = { 0 };
	bool enough = true;

	for (HugePages size = HUGE_PAGES_NONE + 1; size < _HUGE_PAGES_MAX; size++)
		enough &= judge_huge_pool(doctor, host, needs, size);
	if (!enough)
		return;
	for (size_t i = 0; i < host->n_pools; i++) {
		const HugePool *pool = &host->pools[i];
		char text[FORMAT_MAX];

		str_buf_add(&buf, "%s%s: %" PRIu64 " free of %" PRIu64, i > 0 ? ", " : "",
			    format_size(text, pool->page_bytes), pool->free, pool->total);
	}
	if (host->n_pools == 0)
		str_buf_add(&buf, "this kernel has none, and no VM of this host asks for them");
	if (str_buf_take(&buf, &words) < 0)
		doctor->failed = true;
	else
		doctor_ok(doctor, "hugepages", "%s", words);
}

static void judge_memory(Doctor *doctor, const Survey *host)
{
	if (host->cgroup_left_bytes == MEMORY_UNLIMITED)
		doctor_ok(doctor, "memory", "%" PRIu64 " MiB of %" PRIu64 " MiB are available",
			  host->facts.memory.available_bytes / MIB,
			  host->facts.memory.total_bytes / MIB);
	else
		doctor_ok(doctor, "memory",
			  "%" PRIu64 " MiB of %" PRIu64
			  " MiB are available, and the control group here may have %" PRIu64
			  " MiB more",
			  host->facts.memory.available_bytes / MIB,
			  host->facts.memory.total_bytes / MIB, host->cgroup_left_bytes / MIB);
}

static void judge_cgroup(Doctor *doctor, const Survey *host)
{
	Fault fault = { 0 };

	if (host->cgroup_v2) {
		doctor_ok(doctor, "cgroup", "version 2; this is %s", host->cgroup ?: "?");
		return;
	}
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "cgroup-v1",
			 "/sys/fs/cgroup is no control group file system of version 2");
	(void) fault_why(&fault, "the system was booted with version 1 or a mixture of both, or "
				 "this is a container that has none; a limit on memory that holds "
				 "here does not show");
	(void) fault_remedy(&fault, "systemd.unified_cgroup_hierarchy=1 on the kernel's command "
				    "line");
	doctor_take(doctor, "cgroup", DOCTOR_NOTE, &fault);
}

static void judge_systemd(Doctor *doctor, const Survey *host)
{
	Fault fault = { 0 };

	if (host->systemd) {
		doctor_ok(doctor, "systemd", "it manages this system");
		return;
	}
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "systemd-absent",
			 "systemd does not manage this system: VMs are started by mvmd run");
	(void) fault_why(&fault, "there is no /run/systemd/system: another init is at work, or "
				 "this is a container");
	(void) fault_remedy(&fault, "let what starts this system's services run: mvmd run NAME");
	doctor_take(doctor, "systemd", DOCTOR_NOTE, &fault);
}

/* Root's are the host's; another user gives directories of its own. */
static void judge_directory(Doctor *doctor, const Survey *host, const DirectoryFact *directory,
			    bool is_state)
{
	const char *about = is_state ? "state-directory" : "runtime-directory";
	const char *option = is_state ? "--state-dir" : "--runtime-dir";
	bool root = host->facts.euid == 0;
	Fault fault = { 0 };

	if (directory->error < 0) {
		(void) fault_set(&fault, directory->error,
				 root ? MVMD_EXIT_SYSTEM : MVMD_EXIT_PERMISSION,
				 is_state ? "state-directory" : "runtime-directory",
				 "cannot write to %s: %m", directory->path);
		(void) fault_remedy(&fault, "%s %s=DIR",
				    root ? "mount it writable, or give another:" :
					   "run mvmd as root, or give one of your own:",
				    option);
		doctor_take(doctor, about, root ? DOCTOR_ERROR : DOCTOR_NOTE, &fault);
	} else if (directory->available_bytes < DIRECTORY_LEAST_BYTES) {
		(void) fault_set(&fault, -ENOSPC, MVMD_EXIT_SYSTEM, "directory-full",
				 "the file system of %s is full: %" PRIu64 " KiB are left",
				 directory->path, directory->available_bytes / KIB);
		(void) fault_remedy(&fault, "df %s; make room, or give another: %s=DIR",
				    directory->path, option);
		(void) fault_evidence(&fault, "directory", "%s", directory->path);
		(void) fault_evidence(&fault, "available_bytes", "%" PRIu64,
				      directory->available_bytes);
		doctor_take(doctor, about, DOCTOR_WARNING, &fault);
	} else {
		doctor_ok(doctor, about, "%s can be written to", directory->path);
	}
}

static void judge_uid_range(Doctor *doctor, const Survey *host)
{
	uint64_t first = host->uid_range.first, last = first + host->uid_range.count - 1;
	Fault fault = { 0 };

	if (host->uid_range.count == 0)
		return; /* host.conf is wrong, which is said */
	if (!host->subuid_user) {
		doctor_ok(doctor, "uid-range", "VMs run as uids from %" PRIu64 " to %" PRIu64,
			  first, last);
		return;
	}
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "uid-range-shared",
			 "the uids of VMs, %" PRIu64 " to %" PRIu64
			 ", meet those of %s in /etc/subuid, %" PRIu64 " to %" PRIu64,
			 first, last, host->subuid_user, host->subuid_first,
			 host->subuid_first + host->subuid_count - 1);
	(void) fault_why(&fault,
			 "%s can become these uids by newuidmap(1), as containers without "
			 "root do, and then has what these VMs have",
			 host->subuid_user);
	(void) fault_remedy(&fault,
			    "give \"uid_range\" in host.conf another \"first\", or the user "
			    "another range: usermod --del-subuids, --add-subuids");
	(void) fault_evidence(&fault, "user", "%s", host->subuid_user);
	doctor_take(doctor, "uid-range", DOCTOR_WARNING, &fault);
}

void doctor_judge_limits(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	judge_memlock(doctor, host);
	judge_nofile(doctor, host, needs);
	judge_memory(doctor, host);
	judge_hugepages(doctor, host, needs);
	judge_cgroup(doctor, host);
	judge_systemd(doctor, host);
	judge_directory(doctor, host, &host->runtime, false);
	judge_directory(doctor, host, &host->state, true);
	judge_uid_range(doctor, host);
}
