/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/kernel.h"
#include "model/names.h"
#include "model/nic.h"
#include "model/places.h"
#include "model/port.h"
#include "model/spec.h"

/*
 * The plan: spec + facts → an ordered list of steps. Pure: no syscall, no clock.
 * It refers to spec and facts, which must live at least as long.
 */

typedef enum StepKind {
	STEP_LOCK, /* the VM's own lock, then what an earlier run left */
	STEP_DISK_LOCK, /* subject: a disk of the spec */
	STEP_DIRECTORY, /* the VM's runtime directory */
	STEP_CONTROL, /* the control socket */
	STEP_BRIDGE, /* subject: a nic; awaits the bridge, or the link of a macvtap */
	STEP_TAP, /* subject: a nic; makes the tap, or the macvtap */
	STEP_LISTENER, /* subject: a backend of ours */
	STEP_BACKEND, /* subject: a backend of ours */
	STEP_EXTERNAL, /* subject: a backend of somebody else; awaits its listener, or makes room for the VMM's */
	STEP_CONSOLE, /* the guest's serial line */
	STEP_NOTIFY, /* the guest is heard when it says that it is ready */
	STEP_CREDENTIALS, /* what the guest finds in its SMBIOS tables is read */
	STEP_RECORD, /* what runs is recorded and judged (run/step.h: StartJudge) */
	STEP_VMM, /* the VMM process; awaits its first answer */
	_STEP_KIND_MAX,
} StepKind;

typedef struct PlanStep {
	StepKind kind;
	char *id; /* "tap:net0" */
	size_t subject;
	size_t *needs; /* indices of the steps that must be applied first, all below this one */
	size_t n_needs;
	char *what; /* what it does, in words that a person checks at a glance */
	char *awaits; /* what it waits for; NULL: it does not wait */
	uint64_t deadline_usec; /* how long; 0 where it does not wait */
} PlanStep;

typedef struct PlanNic {
	const SpecInterface *spec;
	NetAttach attach; /* never ATTACH_UNSET */
	char tap[TAP_NAME_MAX + 1]; /* "": it has none, or the helper chooses (host/tap.h) */
	char *altname; /* the readable long name where the tap's is a hash; else NULL */
	char *alias; /* ifalias "mvmd:NAME/ID", by which we know our own */
	MacAddress mac, tap_mac;
	uint32_t mtu; /* 0: that of the bridge, which is not there yet */
	uint32_t queues;
	bool vhost; /* the host's kernel moves its frames, not the VMM: /dev/vhost-net */
	PlanPort port;
	OnDetach on_detach; /* never ON_DETACH_UNSET */
	PlanOffloads offloads;
	PlanRate rate;
} PlanNic;

typedef enum BackendKind {
	BACKEND_VIRTIOFSD,
	BACKEND_STORAGE_DAEMON,
	BACKEND_PASST,
	BACKEND_EXTERNAL,
	_BACKEND_KIND_MAX,
} BackendKind;

typedef struct PlanBackend {
	BackendKind kind;
	const char *id; /* of the disk, share or interface */
	const SpecDisk *disk; /* one of the three is set */
	const SpecShare *share;
	const SpecInterface *interface;
	char *socket; /* path of the listener, ours or somebody's */
	Identity identity; /* who it runs as; not for external ones */
	BackendOnExit on_exit; /* never unset; not for external ones */
} PlanBackend;

/* Where the guest says that it is ready. */
typedef struct PlanNotify {
	uint32_t port; /* of the host's vsock, as the guest is told; 0: nowhere */
	char *socket; /* where cloud-hypervisor passes that on; NULL: it is the kernel's own vsock */
} PlanNotify;

typedef struct FittingIssues FittingIssues; /* model/known-issues.h */

typedef struct Plan {
	const Spec *spec;
	const Facts *facts;
	/*
	 * The known issues that fit, with all their words; set after plan_build() by who holds them, as long as spec and
	 * facts. At a start they are found while the VMM starts, before there is a guest. NULL: nobody looks.
	 */
	const FittingIssues *issues;

	VmmKind vmm; /* never VMM_AUTO */
	Accel accel; /* never ACCEL_AUTO */
	char *vmm_reason; /* one line: what was picked and why */
	const Program *vmm_program;
	BootProtocol boot_protocol;
	bool shared_memory;
	uint32_t cid; /* 0: no vsock */

	VmPlaces places;
	char *vmm_socket; /* …/api.sock or …/qmp.sock */
	char *console_socket; /* …/console.sock: QEMU's; NULL with a pty */
	char *vsock_socket; /* cloud-hypervisor's, in places.vmm_directory; NULL: none */
	PlanNotify notify;
	size_t n_smbios_strings; /* the credentials', and mvmd's own */

	PlanNic *nics;
	size_t n_nics;
	PlanBackend *backends;
	size_t n_backends;
	PlanStep *steps;
	size_t n_steps;
} Plan;

/* sizeof(sockaddr_un.sun_path) less the NUL. */
#define SOCKET_PATH_MAX 107

/*
 * --no-shutdown, NEEDS_RESET instead of an exit when a backend is lost: cloud-hypervisor's
 * release-notes.md, v52.0.
 */
#define CLOUD_HYPERVISOR_MAJOR_MIN 52

/*
 * All that keeps this host from starting the VM, each with its exit code and remedy; empty where nothing
 * does. Returns 0 or -ENOMEM.
 */
int plan_problems(const Spec *spec, const Facts *facts, FaultList *faults);

/* What keeps the VM from nothing, and is most likely not meant so. Returns 0 or -ENOMEM. */
int plan_warnings(const Spec *spec, const Facts *facts, FaultList *faults);

/*
 * What a start would wait for, each as the fault that ends the wait at its deadline: bridges and sockets
 * that are not there yet. Returns 0 or -ENOMEM.
 */
int plan_awaited(const Spec *spec, const Facts *facts, FaultList *faults);

/*
 * Builds the plan; runtime_directory is the one of all VMs, "/run/mvmd". What plan_problems() finds is
 * not looked for again. Returns 0, -ENAMETOOLONG (a socket's path; fault tells) or -ENOMEM.
 */
int plan_build(const Spec *spec, const Facts *facts, const char *runtime_directory, Plan **ret,
	       Fault *fault);
Plan *plan_free(Plan *plan);
DEFINE_CLEANUP(Plan *, plan_free)

/* The plan as text, a line a step, or as JSON (a new string each). Return 0 or -ENOMEM. */
int plan_to_text(const Plan *plan, char **ret);
int plan_to_json(const Plan *plan, char **ret);

/* What picks the VMM, for plan_problems(), plan_build() and doctor alike. */
typedef struct VmmChoice {
	VmmKind vmm;
	Accel accel;
	const char *reason; /* static */
} VmmChoice;
VmmChoice vmm_choose(const Spec *spec, const Facts *facts);

/*
 * What the end of that backend leads to: what the spec says or else the default, unless the VMM cannot do it,
 * and then a restart of the VM. words: that as the plan tells it, a new string or NULL.
 */
BackendOnExit plan_on_exit(const PlanBackend *backend, VmmKind vmm);
char *on_exit_to_words(const PlanBackend *backend, VmmKind vmm);
/* True where it is not what the spec asked for, or would have got by default, but what is left with that VMM. */
bool on_exit_is_forced(const PlanBackend *backend);

/* True where the tap is to be a port of nic->spec->bridge, whoever puts it there. */
bool nic_is_port(const PlanNic *nic);

const char *step_kind_to_string(StepKind kind);
const char *backend_kind_to_string(BackendKind kind);

/* "disk", "share" or "interface": two of them may have the same id. */
const char *backend_device(const PlanBackend *backend);

/* The backend of a disk, share or interface of the plan's spec; NULL: it has none. */
const PlanBackend *plan_backend_of(const Plan *plan, const void *device);

/* True where the VMM listens, and the other side comes to it. */
bool backend_comes_to_vmm(const PlanBackend *backend);
