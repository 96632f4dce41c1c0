/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>

#include "model/vmm-end.h"
#include "mvmd/exit-codes.h"

/* In words: the program that ended, and how. */
typedef struct Told {
	const Plan *plan;
	const VmmEnd *end;
	const char *vmm; /* "cloud-hypervisor" */
	char how[CHILD_END_MAX]; /* "signal 9 (SIGKILL)" */
} Told;

/* Where nothing better is known: what it said itself. */
static void why_last_words(const Told *told, Fault *fault)
{
	if (*told->end->facts.last_words)
		(void) fault_why(fault, "its last words: %s", told->end->facts.last_words);
}

static void tell_oom_kill(const Told *told, Fault *fault)
{
	(void) fault_set(fault, -ENOMEM, MVMD_EXIT_VMM, "vmm-oom-killed",
			 "the kernel killed %s for want of memory: %s", told->vmm, told->how);
	(void) fault_why(fault,
			 "the OOM killer ended %" PRIu64
			 " of the control group's processes while it ran",
			 end_oom_kills(&told->end->facts));
	(void) fault_remedy(fault, "journalctl -k -g oom-kill tells whose limit it was; give the "
				   "unit more (MemoryMax=), the host more, or the guest less "
				   "(memory in the spec)");
}

/*
 * A count of the whole host proves nothing about this process: it is told, and not called the cause. QEMU names
 * who sent it a SIGTERM (softmmu/runstate.c: qemu_kill_report).
 */
static void tell_killed(const Told *told, Fault *fault)
{
	const EndFacts *facts = &told->end->facts;
	uint64_t kills = end_oom_kills(facts);

	(void) fault_set(fault, -EINTR, MVMD_EXIT_VMM, "vmm-killed",
			 "%s was killed from outside: %s", told->vmm, told->how);
	if (facts->end.status != SIGKILL)
		why_last_words(told, fault);
	else if (!facts->oom_before.known || !facts->oom_after.known)
		(void) fault_why(fault, "who sent it is not known; the kernel does when memory "
					"runs out, and its count of that cannot be read here");
	else if (kills > 0)
		(void) fault_why(fault,
				 "who sent it is not known; the kernel killed %" PRIu64
				 " of this host's processes for want of memory meanwhile",
				 kills);
	else
		(void) fault_why(fault, "somebody's kill -9; not the OOM killer, which has killed "
					"nobody here meanwhile");
	(void) fault_remedy(fault, "journalctl -k -g 'oom-kill|Killed process'; and who may have "
				   "sent it: a script, a service manager, an administrator");
}

static void tell_seccomp(const Told *told, Fault *fault)
{
	(void) fault_set(fault, -EPERM, MVMD_EXIT_VMM, "vmm-seccomp",
			 "%s made a system call that is forbidden to it: %s", told->vmm, told->how);
	(void) fault_why(fault,
			 "its own seccomp filter, or the unit's SystemCallFilter=, does not know "
			 "the call: a newer kernel or C library than it was made for, a bug of "
			 "its, or a guest that took it over%s%s",
			 *told->end->facts.last_words ? "; its last words: " : "",
			 told->end->facts.last_words);
	(void) fault_remedy(fault,
			    "journalctl -k -g 'type=1326' has the call's number (syscall=); update "
			    "%s at %s",
			    told->vmm, told->plan->vmm_program->path);
}

static void tell_bus_error(const Told *told, Fault *fault)
{
	bool huge = told->plan->spec->memory.hugepages != HUGE_PAGES_NONE;

	(void) fault_set(fault, -EFAULT, MVMD_EXIT_VMM, "vmm-bus-error",
			 "%s touched memory that the kernel could not provide: %s", told->vmm,
			 told->how);
	(void) fault_why(fault,
			 huge ? "the pool of huge pages is empty, which the VM's memory is made "
				"of; or a file that it has mapped was cut short, or memory is "
				"damaged" :
				"a file that it has mapped was cut short, a file system was full, "
				"or memory is damaged");
	(void) fault_remedy(fault,
			    "%sjournalctl -k -g 'Memory failure|I/O error'; did anybody "
			    "truncate the kernel or a disk?",
			    huge ? "grep Huge /proc/meminfo; " : "df /dev/shm; ");
}

/* A check of its own ends a program by SIGABRT, also one of what the host gives it (QEMU, kvm_buf_set_msrs()). */
static void tell_crash(const Told *told, Fault *fault)
{
	bool aborted = child_end_is_signal(&told->end->facts.end) &&
		       told->end->facts.end.status == SIGABRT;

	(void) fault_set(fault, -EIO, MVMD_EXIT_VMM, "vmm-crashed", "%s crashed: %s", told->vmm,
			 told->how);
	why_last_words(told, fault);
	(void) fault_remedy(fault,
			    "%supdate %s; coredumpctl info %s, with its lines above, is what its "
			    "authors need",
			    aborted ?
				    "where its lines name KVM or an MSR, this host's KVM does not "
				    "give what it wants: update the kernel, or accel tcg; else " :
				    "",
			    told->vmm, told->plan->vmm_program->path);
}

/* The line that tells it, without the program's own name: "qemu-system-x86_64: -device …: …". */
static const char *without_program(const char *words)
{
	const char *colon = strstr(words, ": ");

	return strncmp(words, "qemu", strlen("qemu")) == 0 && colon ? colon + 2 : words;
}

typedef struct Refusal {
	const char *words; /* of the VMM */
	const char *remedy;
} Refusal;

/* The first that fits; the words are those of cloud-hypervisor v53 and of QEMU 7.2 and 10. */
static const Refusal refusals[] = {
	{ "Image is not in", "qemu-img info tells the disk's format; write it to \"format\"" },
	{ "image type does not match",
	  "qemu-img info tells the disk's format; write it to \"format\"" },
	{ "\" lock", "lslocks, or fuser -v on the disk, tells who has it open" },
	{ "already locked", "lslocks, or fuser -v on the disk, tells who has it open" },
	{ "Cannot allocate memory", "free -m; give the guest less: memory in the spec" },
	{ "Permission denied", "mvmd check tells which file the VM's user may not open" },
	{ "No such file", "mvmd check tells which file is missing" },
};

int vmm_refusal_add_remedy(const Plan *plan, Fault *fault)
{
	const SpecMemory *memory = &plan->spec->memory;
	const char *error = fault_evidence_get(fault, "vmm_error");
	uint64_t page_bytes = memory->hugepages == HUGE_PAGES_1GIB ? GIB : 2 * MIB;

	if (error && memory->hugepages != HUGE_PAGES_NONE &&
	    strstr(error, "Cannot allocate memory"))
		return fault_remedy(fault,
				    "grep Huge /proc/meminfo: the guest needs %" PRIu64
				    " free pages; sysctl vm.nr_hugepages",
				    memory->size_bytes / page_bytes);
	for (size_t i = 0; error && i < ELEMENTSOF(refusals); i++)
		if (strstr(error, refusals[i].words))
			return fault_remedy(fault, "%s", refusals[i].remedy);
	return fault_remedy(fault,
			    "correct what it names; mvmd plan --json %s shows what it is given",
			    plan->spec->name);
}

static void tell_refusal(const Told *told, EndCause cause, Fault *fault)
{
	const char *error = without_program(told->end->facts.last_words);

	(void) fault_set(fault, -EINVAL, MVMD_EXIT_VMM, "vmm-refused", "%s did not start: %s",
			 told->vmm, error);
	(void) fault_evidence(fault, "vmm_error", "%s", error);
	if (cause == END_USAGE)
		(void) fault_remedy(fault,
				    "it does not know an option that mvmd gives it: %s --version, "
				    "and install a newer one",
				    told->plan->vmm_program->path);
	else
		(void) vmm_refusal_add_remedy(told->plan, fault);
}

static bool is_qemus_signal_report(const char *words)
{
	return strstr(words, "terminating on signal") != NULL;
}

static void tell_exit(const Told *told, Fault *fault)
{
	const EndFacts *facts = &told->end->facts;

	(void) fault_set(fault, -EIO, MVMD_EXIT_VMM, "vmm-exited", "%s ended unasked: %s",
			 told->vmm, told->how);
	if (*facts->last_words)
		why_last_words(told, fault);
	else if (child_end_is_unknown(&facts->end))
		(void) fault_why(fault,
				 "not known: it said nothing, and the kernel tells nobody but a "
				 "process's parent how it ended (before Linux 6.15)");
	else if (facts->end.status == 0 && told->plan->vmm == VMM_CLOUD_HYPERVISOR)
		/* cloud-hypervisor.md §1.6: SIGTERM, and the failure of a thread, both exit with 0. */
		(void) fault_why(fault, "not known: it leaves so when a thread of its own fails, "
					"and after a SIGTERM or SIGINT that mvmd did not send");
	else
		(void) fault_why(fault, "not known: it said nothing");
	(void) fault_remedy(fault,
			    "its lines above; mvmd run -v %s shows more of them; mvmd check "
			    "%s",
			    told->plan->spec->name, told->plan->spec->name);
}

static void tell_exit_status(const Told *told, EndCause cause, Fault *fault)
{
	const EndFacts *facts = &told->end->facts;

	if (is_qemus_signal_report(facts->last_words))
		tell_killed(told, fault);
	else if (!told->end->answered && !child_end_is_clean(&facts->end) && *facts->last_words)
		tell_refusal(told, cause, fault);
	else
		tell_exit(told, fault);
}

int fault_vmm_ended(const Plan *plan, const VmmEnd *end, Fault *fault)
{
	EndCause cause = end_cause(&end->facts);
	Told told = { .plan = plan, .end = end, .vmm = vmm_kind_to_string(plan->vmm) };

	(void) child_end_to_text(told.how, &end->facts.end);
	switch (cause) {
	case END_OOM_KILL:
		tell_oom_kill(&told, fault);
		break;
	case END_KILLED:
		tell_killed(&told, fault);
		break;
	case END_SECCOMP:
		tell_seccomp(&told, fault);
		break;
	case END_BUS_ERROR:
		tell_bus_error(&told, fault);
		break;
	case END_CRASH:
	case END_PANIC:
		tell_crash(&told, fault);
		break;
	case END_UNKNOWN:
	case END_USAGE:
	case _END_CAUSE_MAX:
	default:
		tell_exit_status(&told, cause, fault);
		break;
	}
	(void) fault_evidence(fault, "vmm", "%s", told.vmm);
	return end_evidence(&end->facts, fault);
}
