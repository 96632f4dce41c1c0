/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "model/credentials.h"
#include "model/netns-fault.h"
#include "model/plan-limits.h"
#include "model/plan-ports.h"
#include "mvmd/exit-codes.h"

#define SECTOR_BYTES	    512
#define DISK_FREE_MIN_BYTES (16 * MIB) /* with less left a file system counts as full */

/* Both VMMs map them all at the start, which fails where there are too few. */
static int check_hugepages(const Spec *spec, const Facts *facts, FaultList *faults)
{
	const HugePool *pool = &facts->huge_pool;
	uint64_t wanted;
	char text[FORMAT_MAX];
	Fault fault = { 0 };

	if (spec->memory.hugepages == HUGE_PAGES_NONE)
		return 0;
	wanted = spec->memory.size_bytes / pool->page_bytes;
	if (pool->free >= wanted)
		return 0;
	(void) fault_set(&fault, -ENOMEM, MVMD_EXIT_UNAVAILABLE, "hugepages-missing",
			 "it wants %" PRIu64 " pages of %s, and %" PRIu64 " are free", wanted,
			 format_size(text, pool->page_bytes), pool->free);
	(void) fault_remedy(&fault,
			    "echo %" PRIu64 " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
			    "kB/nr_hugepages, or end a VM that has some",
			    pool->total + wanted - pool->free, pool->page_bytes / KIB);
	(void) fault_evidence(&fault, "pages", "%" PRIu64, pool->free);
	(void) fault_evidence(&fault, "pages_wanted", "%" PRIu64, wanted);
	return fault_list_take(faults, &fault);
}

/*
 * The guest has both in its memory at once with what it unpacks; Linux frees the file only behind that
 * (init/initramfs.c: do_populate_rootfs). Less than twice the file can be right for no Linux.
 */
static int check_initramfs(const Spec *spec, const Facts *facts, FaultList *faults)
{
	const PathFact *kernel = facts_path(facts, PATH_KERNEL, 0);
	const PathFact *initramfs = facts_path(facts, PATH_INITRAMFS, 0);
	uint64_t memory = spec->memory.size_bytes, needed;
	Fault fault = { 0 };

	if (!kernel || !initramfs || kernel->error < 0 || initramfs->error < 0)
		return 0;
	needed = kernel->size_bytes + initramfs->size_bytes;
	if (facts->guest_kernel.version)
		needed += initramfs->size_bytes;
	if (needed <= memory)
		return 0;
	(void) fault_set(&fault, -EFBIG, MVMD_EXIT_UNAVAILABLE, "initramfs-too-large",
			 "the initramfs %s, %" PRIu64 " MiB, does not fit into %" PRIu64
			 " MiB of memory",
			 initramfs->path, initramfs->size_bytes / MIB, memory / MIB);
	(void) fault_why(&fault,
			 "the guest has the kernel, the file and what it unpacks from it in "
			 "memory at once: at least %" PRIu64 " MiB, and then nothing has run yet",
			 (needed + MIB - 1) / MIB);
	(void) fault_remedy(&fault, "make \"memory\" larger in %s, or the initramfs smaller",
			    spec->file);
	(void) fault_evidence(&fault, "path", "%s", initramfs->path);
	(void) fault_evidence(&fault, "size_bytes", "%" PRIu64, initramfs->size_bytes);
	(void) fault_evidence(&fault, "memory_bytes", "%" PRIu64, memory);
	return fault_list_take(faults, &fault);
}

/* cloud-hypervisor v53 refuses an empty file ("failed to fill whole buffer"); QEMU gives the guest a disk of nothing. */
static int check_disk_size(const PathFact *path, FaultList *faults)
{
	Fault fault = { 0 };

	if (path->size_bytes > 0)
		return 0;
	(void) fault_set(&fault, -ENODATA, MVMD_EXIT_UNAVAILABLE, "disk-empty", "disk %s is empty",
			 path->path);
	(void) fault_evidence(&fault, "path", "%s", path->path);
	(void) fault_remedy(&fault, "truncate -s 10G %s makes it an empty disk of that size",
			    path->path);
	return fault_list_take(faults, &fault);
}

static int check_disk_format(const Spec *spec, const PathFact *path, FaultList *faults)
{
	Fault fault = { 0 };

	if (spec->disks[path->index].format != DISK_QCOW2 || path->size_bytes == 0 ||
	    (path->looks_like && streq(path->looks_like, "qcow2")))
		return 0;
	(void) fault_set(&fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, "disk-format",
			 "disk %s is not in the format qcow2, which its spec says", path->path);
	(void) fault_why(&fault, "it begins as %s", path->looks_like ?: "a raw disk does");
	(void) fault_evidence(&fault, "path", "%s", path->path);
	(void) fault_evidence(&fault, "looks_like", "%s", path->looks_like ?: "raw");
	(void) fault_remedy(&fault, "qemu-img info %s; correct \"format\" in %s", path->path,
			    spec->file);
	return fault_list_take(faults, &fault);
}

static bool disk_was_read(const PathFact *path)
{
	return path->role == PATH_DISK && path->error == 0 &&
	       (S_ISREG(path->mode) || S_ISBLK(path->mode));
}

int plan_limits(const Spec *spec, const Facts *facts, FaultList *faults)
{
	int r = check_hugepages(spec, facts, faults);

	if (r == 0)
		r = check_initramfs(spec, facts, faults);
	for (size_t i = 0; r == 0 && i < facts->n_paths; i++) {
		if (!disk_was_read(&facts->paths[i]))
			continue;
		r = check_disk_size(&facts->paths[i], faults);
		if (r == 0)
			r = check_disk_format(spec, &facts->paths[i], faults);
	}
	return r;
}

/*
 * Shared memory is a file that grows, and cloud-hypervisor maps private memory with MAP_NORESERVE, so that both
 * take pages only as the guest touches them. QEMU's private memory is refused at once where it is more than there
 * ever can be (mm/util.c:__vm_enough_memory), unless overcommitting is unlimited.
 */
static bool is_refused_at_once(const Spec *spec, const Facts *facts)
{
	return vmm_choose(spec, facts).vmm == VMM_QEMU && !spec_needs_shared_memory(spec) &&
	       !facts->memory.overcommits_always &&
	       spec->memory.size_bytes > facts->memory.total_bytes + facts->memory.swap_bytes;
}

bool memory_is_short(const Spec *spec, const Facts *facts, uint64_t group_bytes, bool *ret_refused,
		     Fault *fault)
{
	const MemoryFact *memory = &facts->memory;
	bool group = group_bytes < memory->available_bytes;
	uint64_t wanted = spec->memory.size_bytes;
	uint64_t available = group ? group_bytes : memory->available_bytes;

	if (spec->memory.hugepages != HUGE_PAGES_NONE || memory->total_bytes == 0 ||
	    wanted <= available)
		return false;
	*ret_refused = is_refused_at_once(spec, facts);
	(void) fault_set(fault, -ENOMEM, MVMD_EXIT_UNAVAILABLE, "memory-short",
			 "it wants %" PRIu64 " MiB of memory, and %s %" PRIu64 " MiB", wanted / MIB,
			 group ? "the control group here may have" : "available are",
			 available / MIB);
	if (*ret_refused)
		(void) fault_why(fault,
				 "that is more than the memory and swap of this host, %" PRIu64
				 " MiB, which the kernel refuses QEMU",
				 (memory->total_bytes + memory->swap_bytes) / MIB);
	else
		(void) fault_why(fault, "it starts; when the guest uses all of it, the host swaps, "
					"or the OOM killer ends the VM");
	(void) fault_remedy(fault,
			    "a smaller \"memory\" in %s, or end something: ps aux "
			    "--sort=-rss | head",
			    spec->file);
	(void) fault_evidence(fault, "wanted_bytes", "%" PRIu64, wanted);
	(void) fault_evidence(fault, "available_bytes", "%" PRIu64, available);
	return true;
}

bool disk_is_short(const char *path, const DiskSpace *space, Fault *fault)
{
	uint64_t missing = space->size_bytes > space->allocated_bytes ?
				   space->size_bytes - space->allocated_bytes :
				   0;

	if (missing <= space->free_bytes || space->free_bytes >= DISK_FREE_MIN_BYTES)
		return false;
	(void) fault_set(fault, -ENOSPC, MVMD_EXIT_OK, "disk-full",
			 "disk %s may need %" PRIu64 " MiB more, and its file system has %" PRIu64
			 " MiB left",
			 path, (missing + MIB - 1) / MIB, space->free_bytes / MIB);
	(void) fault_why(fault, "it is a sparse file, which takes space as the guest writes; where "
				"there is none, the guest gets I/O errors, or QEMU pauses it");
	(void) fault_remedy(fault,
			    "make room: df %s; then stop the VM and start it again where it "
			    "hangs",
			    path);
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_evidence(fault, "missing_bytes", "%" PRIu64, missing);
	(void) fault_evidence(fault, "free_bytes", "%" PRIu64, space->free_bytes);
	return true;
}

static int warn_of_disk(const Spec *spec, const PathFact *path, FaultList *faults)
{
	bool raw = spec->disks[path->index].format == DISK_RAW;
	uint64_t rest = path->size_bytes % SECTOR_BYTES;
	Fault fault = { 0 };

	if (raw && path->looks_like) {
		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_OK, "disk-looks-different",
				 "disk %s begins as %s does, and the guest gets it raw, as it is",
				 path->path, path->looks_like);
		(void) fault_why(&fault, "mvmd goes by the spec alone: a guest may write such a "
					 "beginning to its raw disk");
		(void) fault_remedy(
			&fault,
			"qemu-img info %s; \"format\": \"qcow2\" in %s where it is one, "
			"or qemu-img convert -O raw",
			path->path, spec->file);
		(void) fault_evidence(&fault, "path", "%s", path->path);
		(void) fault_evidence(&fault, "looks_like", "%s", path->looks_like);
	} else if (raw && rest > 0) {
		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_OK, "disk-size-odd",
				 "disk %s has %" PRIu64 " bytes, which is no multiple of %d",
				 path->path, path->size_bytes, SECTOR_BYTES);
		(void) fault_why(&fault, "a copy or download that ended too early leaves such a "
					 "file; the guest does not get its end as it is");
		(void) fault_remedy(&fault, "copy it again; or truncate -s %%%d %s fills it up",
				    SECTOR_BYTES, path->path);
		(void) fault_evidence(&fault, "path", "%s", path->path);
		(void) fault_evidence(&fault, "size_bytes", "%" PRIu64, path->size_bytes);
	}
	return fault.id ? fault_list_take(faults, &fault) : 0;
}

int plan_warnings(const Spec *spec, const Facts *facts, FaultList *faults)
{
	Fault fault = { 0 };
	bool refused;
	int r = 0;

	if (memory_is_short(spec, facts, UINT64_MAX, &refused, &fault))
		r = fault_list_take(faults, &fault);
	for (size_t i = 0; r == 0 && i < facts->n_paths; i++)
		if (disk_was_read(&facts->paths[i]))
			r = warn_of_disk(spec, &facts->paths[i], faults);
	for (size_t i = 0; r == 0 && i < facts->n_paths; i++) {
		const PathFact *path = &facts->paths[i];

		if (disk_was_read(path) && !spec->disks[path->index].readonly &&
		    disk_is_short(path->path, &path->space, &fault))
			r = fault_list_take(faults, &fault);
	}
	if (r == 0)
		r = ports_warnings(spec, facts, faults);
	faults_in_netns(spec->netns, faults);
	return r < 0 ? r : credentials_warnings(spec, facts, faults);
}
