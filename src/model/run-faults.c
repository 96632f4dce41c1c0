/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/ch-config.h"
#include "model/drivers.h"
#include "model/known-issues.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"

int fault_power_button_ignored(const Plan *plan, Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_OK, "power-button-ignored",
			 "the guest did not power off within %s and is ended now",
			 format_duration(text, plan->spec->timeouts.stop_usec));
	(void) fault_evidence(fault, "timeout_usec", "%" PRIu64, plan->spec->timeouts.stop_usec);
	return fault_remedy(fault,
			    "in the guest, let systemd-logind or acpid act on the ACPI power "
			    "button; where it only needs longer: timeouts.stop");
}

int fault_vmm_mute(const Plan *plan, Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_VMM, "vmm-silent",
			 "%s did not take the power button within %s and is ended now",
			 vmm_kind_to_string(plan->vmm),
			 format_duration(text, plan->spec->timeouts.stop_usec));
	return fault_remedy(fault, "look at the load of the host and at its disks");
}

/* Whoever knows the reason better replaces it; the words stay as evidence. */
static void tell_last_words(const char *last_words, Fault *fault)
{
	(void) fault_evidence(fault, "last_words", "%s", last_words);
	(void) fault_why(fault, "its last words: %s", last_words);
}

int fault_vmm_deaf(const Plan *plan, const char *asked, const char *last_words, Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_VMM, "vmm-deaf", "%s did not %s within %s",
			 vmm_kind_to_string(plan->vmm), asked,
			 format_duration(text, plan->spec->timeouts.boot_usec));
	if (*last_words)
		tell_last_words(last_words, fault);
	else if (plan->n_backends > 0)
		(void) fault_why(fault, "not known; one way to it: a VMM waits without end for a "
					"vhost-user backend that accepts it and does not answer");
	return fault_remedy(fault,
			    "mvmd run -v %s tells each step; where it only needs longer: "
			    "timeouts.boot",
			    plan->spec->name);
}

/* What the VMM is asked for in that state. */
static const char *request_of(VmState state)
{
	return state == VM_CREATING ? "take its configuration" : "boot the guest";
}

int fault_state_lasts(const Plan *plan, VmState state, const char *last_words, Fault *fault)
{
	if (state == VM_STOPPING)
		return fault_vmm_mute(plan, fault);
	return fault_vmm_deaf(plan, request_of(state), last_words, fault);
}

int fault_vmm_not_asked(const Plan *plan, int error, VmState state, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_VMM, "vmm-protocol", "cannot ask %s to %s: %m",
			 vmm_kind_to_string(plan->vmm), request_of(state));
	(void) fault_evidence(fault, "vmm", "%s", vmm_kind_to_string(plan->vmm));
	return fault_remedy(fault, "free -m; ulimit -n");
}

static void add_life_evidence(const Life *life, Fault *fault)
{
	(void) fault_evidence(fault, "life", "%u", life->number);
	if (life->end == LIFE_GOES_ON)
		return;
	(void) fault_evidence(fault, "end", "%s", life_end_to_string(life->end));
	(void) fault_evidence(fault, "lasted_usec", "%" PRIu64, life_duration_usec(life, 0));
	(void) fault_evidence(fault, "console_bytes", "%" PRIu64, life_bytes(life, 0));
}

/* A guest whose console is another, on a VMM that tells of no drivers, may have done all its work. */
static void explain_silence(const Plan *plan, Fault *fault)
{
	const char *seen = drivers_can_be_seen(plan) ? ", and no driver of its took a device" : "";

	if (drivers_can_be_seen(plan) || spec_expects_console(plan->spec))
		(void) fault_why(
			fault,
			"not one byte came from it%s: it dies before its console, mostly at "
			"its first instructions. Tap, bridge and backends are not to blame",
			seen);
	else
		(void) fault_why(fault,
				 "not one byte came from it: it dies before its console, or it "
				 "reboots by itself and has its console elsewhere, as no "
				 "\"console=ttyS0\" in boot.cmdline asks for this one");
	(void) fault_remedy(
		fault,
		"try another kernel, and \"earlyprintk=ttyS0 console=ttyS0\" in "
		"boot.cmdline to see what it says; mvmd check %s tells what is known of "
		"this one",
		plan->spec->name);
	(void) fitting_issues_explain(plan->issues, ISSUE_EXPLAINS_SILENT_DEATH, fault);
}

/* Ends that its VMM or a backend brought about: it has its own finding, and the guest is not to blame. */
static bool is_not_the_guests(LifeEnd end)
{
	return end == LIFE_VMM_EXITED || end == LIFE_BACKEND_LOST;
}

int fault_crash_limit(const Plan *plan, const Lives *lives, Fault *fault)
{
	const SpecCrashLimit *limit = &plan->spec->crash_limit;
	const Life *last = lives_last(lives);
	const char *words = guest_words_text(&last->words);
	char within[FORMAT_MAX];

	(void) fault_set(fault, -EIO, MVMD_EXIT_CRASH_LIMIT, "crash-limit",
			 "%s crashed %" PRIu64 " times within %s and is given up; the last time %s",
			 is_not_the_guests(last->end) ? "the VM" : "the guest", limit->count,
			 format_duration(within, limit->within_usec), life_end_in_words(last->end));
	(void) fault_evidence(fault, "count", "%" PRIu64, limit->count);
	(void) fault_evidence(fault, "within_usec", "%" PRIu64, limit->within_usec);
	add_life_evidence(last, fault);
	if (last->end == LIFE_NEVER_EXECUTED || last->end == LIFE_SILENT) {
		explain_silence(plan, fault);
		return fault->error;
	}
	if (is_not_the_guests(last->end))
		(void) fault_why(fault,
				 "not the guest's doing, the last time: the end of its %s is a "
				 "finding of its own",
				 last->end == LIFE_VMM_EXITED ? "VMM" : "backend");
	else if (*words)
		(void) fault_why(fault, "its console says: %s", words);
	return fault_remedy(fault,
			    "mvmd status --last %s shows each life and the end of its console",
			    plan->spec->name);
}

typedef struct DeathWords {
	const char *id, *what, *why, *remedy;
} DeathWords;

static const DeathWords death_words[_GUEST_DEATH_MAX] = {
	[GUEST_LIVES] = { "guest-panic", "the guest's kernel panicked", NULL,
			  "read the last lines of its console" },
	[GUEST_PANIC] = { "guest-panic", "the guest's kernel panicked", NULL,
			  "read what stands before that on its console; \"panic=5\" in boot.cmdline "
			  "makes it reboot then" },
	[GUEST_NO_ROOT] = { "guest-no-root", "the guest found no root file system",
			    "root= in boot.cmdline names none of its disks, or its kernel or initramfs "
			    "has no driver for them (virtio_blk, virtio_pci, the file system)",
			    "compare root= with the disks of the spec; the lines before it on its "
			    "console name the block devices that it sees" },
	[GUEST_NO_INIT] = { "guest-no-init", "the guest found no init",
			    "its root file system has none, or one that does not run there: of "
			    "another architecture, without its libraries, not executable",
			    "init= or rdinit= in boot.cmdline names it; look into the image" },
	[GUEST_OUT_OF_MEMORY] = { "guest-out-of-memory", "the guest's kernel ran out of memory",
				  "the VM has too little, or something in the guest takes it all",
				  "raise memory in the spec" },
};

int fault_guest_death(const Life *life, Fault *fault)
{
	static const Life none = { 0 };
	const DeathWords *words;
	const char *text;

	life = life ?: &none;
	words = &death_words[guest_words_death(&life->words)];
	text = guest_words_text(&life->words);

	(void) fault_set(fault, -EIO, MVMD_EXIT_GUEST_CRASHED, words->id, "%s%s%s", words->what,
			 *text ? ": " : "", text);
	if (words->why)
		(void) fault_why(fault, "%s", words->why);
	if (*text)
		(void) fault_evidence(fault, "text", "%s", text);
	add_life_evidence(life, fault);
	return fault_remedy(fault, "%s", words->remedy);
}

int fault_guest_silent(const Plan *plan, const Life *life, Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_OK, "guest-silent",
			 "the guest has written nothing to its console for %s since it began",
			 format_duration(text, plan->spec->timeouts.guest_usec));
	(void) fault_evidence(fault, "timeout_usec", "%" PRIu64, plan->spec->timeouts.guest_usec);
	add_life_evidence(life, fault);
	(void) fault_why(fault,
			 "not known: it hangs before its console, or its console is another than "
			 "boot.cmdline says");
	return fault_remedy(
		fault,
		"\"earlyprintk=ttyS0 console=ttyS0\" in boot.cmdline shows more; where it only "
		"needs longer: timeouts.guest");
}

/* Whether a driver of the guest took its vsock, as far as the VMM tells of drivers. */
static bool vsock_has_no_driver(const Plan *plan, const Life *life)
{
	return drivers_can_be_seen(plan) && life && life->devices.n > 0 &&
	       !str_list_contains(&life->devices, CH_VSOCK_ID);
}

static int explain_mute_guest(const Plan *plan, const Life *life, Fault *fault)
{
	if (vsock_has_no_driver(plan, life)) {
		(void) fault_why(fault, "no driver of the guest has taken its vsock");
		return fault_remedy(fault,
				    "in the guest: modprobe vmw_vsock_virtio_transport, in its "
				    "initramfs where it can be; or \"ready\": \"vmm\" in %s",
				    plan->spec->file);
	}
	(void) fault_why(fault, "it has said nothing at all: systemd before 254 does not know how "
				"(Debian 12 has 252), and a guest without systemd, or without a "
				"driver for its vsock, neither");
	return fault_remedy(fault,
			    "in the guest: systemctl --version; modprobe "
			    "vmw_vsock_virtio_transport. For a guest that cannot tell: \"ready\": "
			    "\"vmm\" in %s",
			    plan->spec->file);
}

int fault_guest_not_ready(const Plan *plan, const GuestReport *report, const Life *life,
			  Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, "guest-not-ready",
			 "the guest has not said within %s that it is ready",
			 format_duration(text, plan->spec->timeouts.guest_usec));
	(void) fault_evidence(fault, "timeout_usec", "%" PRIu64, plan->spec->timeouts.guest_usec);
	(void) fault_evidence(fault, "messages", "%" PRIu64, report->n_messages);
	if (report->n_messages == 0)
		return explain_mute_guest(plan, life, fault);
	if (report->n_units > 0)
		(void) fault_evidence(fault, "reached", "%s", report->units[report->n_units - 1]);
	if (report->status[0])
		(void) fault_why(fault, "it is on its way, and said last: %s", report->status);
	else if (report->n_units > 0)
		(void) fault_why(fault, "it is on its way, and has come to %s",
				 report->units[report->n_units - 1]);
	else
		(void) fault_why(fault, "it has spoken, but not of that");
	return fault_remedy(fault,
			    "mvmd console %s, and in the guest: systemctl list-jobs; where it only "
			    "needs longer: timeouts.guest in %s",
			    plan->spec->name, plan->spec->file);
}

int fault_leftovers(const char *found, Fault *fault)
{
	(void) fault_set(fault, -EEXIST, MVMD_EXIT_OK, "leftovers",
			 "cleaned up what an earlier run left: %s", found);
	(void) fault_evidence(fault, "found", "%s", found);
	return fault_why(fault, "the mvmd that had started it was killed");
}

int fault_cid_taken(const char *vm, uint32_t cid, const char *other, Fault *fault)
{
	(void) fault_set(fault, -EADDRINUSE, MVMD_EXIT_BUSY, "cid-taken",
			 "%s%s has the vsock CID %" PRIu32 " of %s", other ?: "somebody else",
			 other ? ", which runs," : "", cid, vm);
	(void) fault_evidence(fault, "cid", "%" PRIu32, cid);
	if (!other) {
		(void) fault_why(
			fault, "no VM on record here has it: QEMU or another VMM that mvmd did not "
			       "start, or this host itself, as a guest of another");
		return fault_remedy(fault, "fuser -v /dev/vhost-vsock tells who has a vsock; write "
					   "another \"cid\" in \"vsock\"");
	}
	(void) fault_evidence(fault, "holder_vm", "%s", other);
	(void) fault_why(fault, "a CID is a guest's address, and the host gives each to one guest");
	return fault_remedy(
		fault, "mvmd stop %s; or write another \"cid\" in \"vsock\" of one of them", other);
}

int fault_bridge_down(const char *bridge, Fault *fault)
{
	(void) fault_set(fault, -ENETDOWN, MVMD_EXIT_OK, "bridge-down",
			 "bridge %s is down: nothing passes it", bridge);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	return fault_remedy(fault, "ip link set %s up", bridge);
}

int fault_link_down(const char *link, Fault *fault)
{
	(void) fault_set(fault, -ENETDOWN, MVMD_EXIT_OK, "link-down",
			 "%s, on which the macvtap is, is down: nothing passes", link);
	(void) fault_evidence(fault, "link", "%s", link);
	return fault_remedy(fault, "ip link set %s up", link);
}

int fault_bridge_mtu(const char *bridge, uint32_t before, uint32_t now, Fault *fault)
{
	(void) fault_set(fault, -EMSGSIZE, MVMD_EXIT_OK, "bridge-mtu",
			 "bridge %s now has MTU %u; before this VM's tap it had %u", bridge, now,
			 before);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	(void) fault_evidence(fault, "mtu", "%u", now);
	(void) fault_evidence(fault, "mtu_before", "%u", before);
	(void) fault_why(fault, "the kernel gives a bridge the least MTU of its ports, unless it "
				"was set by hand");
	return fault_remedy(fault,
			    "ip link set %s mtu %u keeps it for the other ports; or leave "
			    "interfaces[].mtu out",
			    bridge, before);
}

int fault_clock_jump(int64_t jump_usec, Fault *fault)
{
	uint64_t far_usec = (uint64_t) (jump_usec < 0 ? -jump_usec : jump_usec);
	char text[FORMAT_MAX];

	(void) fault_set(fault, 0, MVMD_EXIT_OK, "clock-jump", "the host's clock was set %s by %s",
			 jump_usec < 0 ? "back" : "ahead",
			 format_duration(text, far_usec / USEC_PER_SEC * USEC_PER_SEC));
	(void) fault_evidence(fault, "jump_usec", "%" PRId64, jump_usec);
	(void) fault_why(
		fault, "somebody set it, or NTP for the first time. mvmd waits by no such clock; "
		       "the guest goes on with the time that it had, and earlier lines of the log "
		       "have the old one");
	return fault_remedy(fault, "in the guest: chronyc makestep, or what else sets its clock; "
				   "timedatectl shows the host's");
}
