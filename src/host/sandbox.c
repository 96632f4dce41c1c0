/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "host/sandbox.h"

/* A flag that unshare(2) does not know: EINVAL before anything is done (kernel/fork.c: check_unshare_flags()). */
#define NO_FLAG_OF_UNSHARE 1UL

/* In systemd's own folder in /run; the mount's root says it without what /run is. */
#define HIDING_FOLDER "/systemd/inaccessible/dir"

#define NAMESPACES_OF_ROOT ((unsigned long) (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET))

/* isolation.c of passt: isolate_user(), isolate_prefork(). */
#define NAMESPACES_OF_PASST                                                                        \
	((unsigned long) (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS))

/* What virtiofsd as root keeps (src/util.rs, its list of capabilities), and what its sandbox takes. */
static const struct {
	int number;
	const char *name;
} root_capabilities[] = {
	{ CAP_CHOWN, "CAP_CHOWN" },	    { CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE" },
	{ CAP_FOWNER, "CAP_FOWNER" },	    { CAP_FSETID, "CAP_FSETID" },
	{ CAP_SETGID, "CAP_SETGID" },	    { CAP_SETUID, "CAP_SETUID" },
	{ CAP_SETPCAP, "CAP_SETPCAP" },	    { CAP_MKNOD, "CAP_MKNOD" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" }, { CAP_SETFCAP, "CAP_SETFCAP" },
};

/* MemoryDenyWriteExecute= is a filter on mmap(2), and on newer kernels prctl(PR_SET_MDWE). */
static bool may_execute_what_it_wrote(void)
{
	const size_t size = (size_t) sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return errno != EPERM && errno != EACCES;
	(void) munmap(page, size);
	return true;
}

/* A filter that refuses these comes before the kernel looks at the other arguments. */
static bool may_make_namespaces(unsigned long kinds)
{
	bool unshares = syscall(SYS_unshare, kinds | NO_FLAG_OF_UNSHARE) == 0 || errno != EPERM;
	bool mounts = syscall(SYS_mount, NULL, "", NULL, 0UL, NULL) == 0 || errno != EPERM;

	return unshares && mounts;
}

static const char *missing_capability(void)
{
	for (size_t i = 0; i < ELEMENTSOF(root_capabilities); i++)
		if (prctl(PR_CAPBSET_READ, (long) root_capabilities[i].number, 0L, 0L, 0L) == 0)
			return root_capabilities[i].name;
	return NULL;
}

static void probe_namespaces(const Spec *spec, SandboxFact *ret)
{
	unsigned long kinds = 0;

	for (size_t i = 0; i < spec->n_shares; i++) {
		const SpecShare *share = &spec->shares[i];
		bool is_root = streq_null(share->user ?: spec->user, "root");

		if (!share->source)
			continue;
		kinds |= NAMESPACES_OF_ROOT | (is_root ? 0 : (unsigned long) CLONE_NEWUSER);
		if (is_root && geteuid() == 0)
			ret->missing_capability = missing_capability();
	}
	if (spec_has_attach(spec, ATTACH_PASST))
		kinds |= NAMESPACES_OF_PASST;
	ret->no_namespaces = kinds && !may_make_namespaces(kinds);
}

/* systemd mounts a folder of the host's /tmp over it, whose name begins so (systemd.exec(5), PrivateTmp=). */
bool sandbox_has_own_tmp(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[LINE_MAX];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, "/systemd-private-") && strstr(line, " /tmp ");
	if (file)
		(void) fclose(file);
	return found;
}

/* systemd mounts an empty folder of its own over it, of a mode that refuses all but root (systemd.exec(5)). */
bool sandbox_hides(const char *path)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[LINE_MAX], place[PATH_MAX], end[PATH_MAX];
	bool found = false;

	/* On failure that is what could not be passed, with all links before it followed (realpath(3)). */
	if (realpath(path, end))
		*end = '\0';
	while (file && *end && !found && fgets(line, sizeof(line), file)) {
		char root[PATH_MAX];

		if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, place) != 2)
			continue;
		found = strstr(root, HIDING_FOLDER) && strncmp(end, place, strlen(place)) == 0 &&
			(end[strlen(place)] == '/' || end[strlen(place)] == '\0');
	}
	if (file)
		(void) fclose(file);
	return found;
}

void sandbox_probe(const Spec *spec, SandboxFact *ret)
{
	*ret = (SandboxFact){ 0 };
	if (spec->vmm != VMM_CLOUD_HYPERVISOR && spec->accel != ACCEL_KVM)
		ret->no_written_code = !may_execute_what_it_wrote();
	probe_namespaces(spec, ret);
}
