/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"
#include "model/host-conf.h"
#include "model/spec.h"

/*
 * What the host is, as doctor tells it: more than one spec needs to know (model/facts.h). Data only:
 * host/survey.c fills it in, doctor-host.c judges it.
 */

typedef enum ModuleState {
	MODULE_UNKNOWN, /* not loaded, and what could be loaded is not to be seen */
	MODULE_LOADED, /* or built in */
	MODULE_LOADABLE,
	MODULE_ABSENT,
} ModuleState;

#define HUGE_POOLS_MAX 8 /* arm64 has four sizes, the most of all */

/* A directory that mvmd makes where it is missing, and writes to. */
typedef struct DirectoryFact {
	const char *path;
	int error; /* 0, or -errno of writing to it, or to the nearest one above it that is there */
	uint64_t available_bytes; /* UINT64_MAX: unknown */
} DirectoryFact;

#define SYSCTL_ABSENT	 (-1L)
#define MEMORY_UNLIMITED UINT64_MAX

typedef struct Survey {
	Facts facts; /* for a VM that asks for one of everything */
	long max_user_namespaces, userns_clone, apparmor_userns; /* sysctls, or SYSCTL_ABSENT */
	long bridge_iptables, bridge_ip6tables; /* bridge-nf-call-…, or SYSCTL_ABSENT */
	StrList bridges; /* those that are there */
	uint64_t memlock_bytes, nofile; /* hard limits of this process */
	HugePool pools[HUGE_POOLS_MAX];
	size_t n_pools;
	uint64_t
		cgroup_left_bytes; /* what memory.max of our control groups leaves; or MEMORY_UNLIMITED */
	char *cgroup; /* ours, of version 2; NULL: unknown */
	DirectoryFact runtime, state;
	char *subuid_user; /* whose range of /etc/subuid meets the VMs' uids; NULL: nobody's */
	uint64_t subuid_first, subuid_count;
	UidRange uid_range;
	ModuleState bridge_module;
	bool cpu_has_virtualization; /* VMX or SVM; true where it is not known (other than x86) */
	bool vhost_net; /* there is a /dev/vhost-net */
	bool cgroup_v2; /* /sys/fs/cgroup is one of version 2 */
	bool systemd; /* it is this system's manager (sd_booted(3)) */
} Survey;

void survey_done(Survey *host);

/*
 * Which VM needs what of the host: the name of the first that does, NULL where none does. What no VM
 * needs is no fault of a host. The names borrow from the specs.
 */
typedef struct HostNeeds {
	size_t n_specs;
	const char *kvm; /* accel is not "tcg" */
	const char *cloud_hypervisor, *qemu; /* by name; not "auto" */
	const char *interfaces;
	const char *helper; /* qemu-bridge-helper */
	const char *shares; /* that mvmd serves */
	const char *storage_daemon;
	const char *vsock_of_qemu, *vsock_of_auto; /* vsock, with that "vmm" */
	const char *hugepages[_HUGE_PAGES_MAX];
	uint64_t hugepages_bytes[_HUGE_PAGES_MAX]; /* the most that one VM asks for */
} HostNeeds;

void host_needs_add(HostNeeds *needs, const Spec *spec);

/* The pool of that size; NULL: the kernel has none. */
const HugePool *host_huge_pool(const Survey *host, uint64_t page_bytes);
