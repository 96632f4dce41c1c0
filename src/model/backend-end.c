/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "model/backend-args.h"
#include "model/backend-end.h"
#include "mvmd/exit-codes.h"

#define ID_CRASHED "backend-crashed"
#define ID_LOST	   "backend-lost"
#define ID_USAGE   "backend-usage"
#define ID_PORT	   "port-taken"

static const char *served_path(const PlanBackend *backend)
{
	return backend->share ? backend->share->source :
	       backend->disk  ? backend->disk->path :
				backend->socket;
}

/* What the end itself says about its cause. */
static void tell_why(EndCause cause, const EndFacts *facts, Fault *fault)
{
	if (cause == END_OOM_KILL)
		(void) fault_why(fault, "the kernel killed it for want of memory");
	else if (*facts->last_words)
		(void) fault_why(fault, "its last words: %s", facts->last_words);
	else if (cause == END_KILLED)
		(void) fault_why(fault, "somebody killed it, or the kernel for want of memory");
	else if (child_end_is_signal(&facts->end))
		(void) fault_why(fault, "a signal ended it, and it wrote nothing before");
	else if (child_end_is_unknown(&facts->end))
		(void) fault_why(fault,
				 "the kernel tells nobody but a process's parent how it ended "
				 "(before Linux 6.15)");
	else
		(void) fault_why(fault, "it left without a word");
}

/* virtiofsd's words where it is kept from its namespaces or their mounts (its src/main.rs). */
#define NO_SANDBOX "entering sandbox"

/* passt's, of a port of the host's that somebody has (its conf.c: conf_ports()). */
#define NO_PORT	   "Failed to bind port"
#define PORT_TAKEN "Address already in use"

static bool is_port_taken(const PlanBackend *backend, const EndFacts *facts)
{
	return backend->kind == BACKEND_PASST && strstr(facts->last_words, NO_PORT) &&
	       strstr(facts->last_words, PORT_TAKEN);
}

static int port_fault(const PlanBackend *backend, const EndFacts *facts, Fault *fault)
{
	(void) fault_set(fault, -EADDRINUSE, MVMD_EXIT_BUSY, ID_PORT,
			 "interface %s: a port of the host's that is to lead to the guest is taken",
			 backend->id);
	(void) fault_why(fault, "passt says: %s", facts->last_words);
	(void) fault_evidence(fault, "interface", "%s", backend->id);
	return fault_remedy(fault,
			    "ss -lntup tells who has it; end that, or set another \"host\" in "
			    "the forward");
}

static void tell_sandbox_remedy(const Plan *plan, Fault *fault)
{
	const char *name = plan->spec->name;

	(void) fault_remedy(
		fault,
		"mvmd start %s brings the unit up to date; in a container or another "
		"unit: findmnt -R /proc, for where parts of /proc are covered no user's "
		"namespace may mount one",
		name);
}

static void tell_remedy(const Plan *plan, const PlanBackend *backend, EndCause cause,
			const EndFacts *facts, Fault *fault)
{
	const char *program = backend_program(plan, backend)->path;

	if (strstr(facts->last_words, NO_SANDBOX)) {
		tell_sandbox_remedy(plan, fault);
		return;
	}
	switch (cause) {
	case END_OOM_KILL:
	case END_KILLED:
		(void) fault_remedy(fault, "journalctl -k --grep='out of memory' tells whether the "
					   "kernel killed it for want of memory");
		break;
	case END_SECCOMP:
		(void) fault_remedy(fault,
				    "it made a system call that its own filter or the unit's "
				    "forbids: update %s, or look at the unit's SystemCallFilter=",
				    program);
		break;
	case END_CRASH:
	case END_PANIC:
	case END_BUS_ERROR:
		(void) fault_remedy(fault, "update %s; coredumpctl info %s shows where it fell",
				    program, program);
		break;
	case END_USAGE:
		(void) fault_remedy(fault,
				    "%s --version: it does not know an option that mvmd gives it, "
				    "so it is too old, too new or something else; install another "
				    "one",
				    program);
		break;
	case END_UNKNOWN:
	case _END_CAUSE_MAX:
	default:
		if (backend->interface) {
			(void) fault_remedy(fault,
					    "its lines above tell more; mvmd check %s tells "
					    "whether this host lets it run",
					    plan->spec->name);
			break;
		}
		(void) fault_remedy(fault, "mvmd check %s tells whether uid %u can serve %s",
				    plan->spec->name, (unsigned) backend->identity.uid,
				    served_path(backend));
		break;
	}
}

int fault_backend_ended(const Plan *plan, const PlanBackend *backend, const EndFacts *facts,
			Fault *fault)
{
	const char *kind = backend_kind_to_string(backend->kind);
	EndCause cause = end_cause(facts);
	char how[CHILD_END_MAX];

	if (is_port_taken(backend, facts))
		return port_fault(backend, facts, fault);
	(void) child_end_to_text(how, &facts->end);
	if (cause == END_USAGE)
		(void) fault_set(fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, ID_USAGE,
				 "%s[%s] did not take its command line: %s", kind, backend->id,
				 how);
	else
		(void) fault_set(fault, -ECONNRESET,
				 backend->on_exit == BACKEND_RESTART_VM ? MVMD_EXIT_RESTART :
									  MVMD_EXIT_BACKEND,
				 ID_CRASHED, "%s[%s] ended: %s", kind, backend->id, how);
	tell_why(cause, facts, fault);
	tell_remedy(plan, backend, cause, facts, fault);
	(void) fault_evidence(fault, "backend", "%s[%s]", kind, backend->id);
	return end_evidence(facts, fault);
}

void backend_end_is_survived(const PlanBackend *backend, unsigned crashes, Fault *fault)
{
	(void) fault_evidence(fault, "crashes", "%u", crashes);
	if (backend->interface)
		(void) fault_evidence(fault, "interface", "%s", backend->id);
	if (!backend->share)
		return;
	(void) fault_evidence(fault, "tag", "%s", backend->share->tag);
	(void) fault_remedy(fault,
			    "in the guest: umount the share, then mount -t virtiofs %s again; "
			    "what was open in it is lost",
			    backend->share->tag);
}

void backend_end_is_the_last(unsigned crashes, Fault *fault)
{
	fault->id = ID_LOST;
	(void) fault_evidence(fault, "crashes", "%u", crashes);
	(void) fault_prefix(fault, "given up after %u crashes in a row", crashes);
}

void backend_end_is_the_vms(const Plan *plan, const PlanBackend *backend, Fault *fault)
{
	if (!backend_end_is_hopeless(fault))
		fault->id = ID_LOST;
	if (backend->on_exit == BACKEND_RESTART_VM && on_exit_is_forced(backend))
		(void) fault_prefix(fault, "the VM needs a restart, for %s never gets a share back",
				    vmm_kind_to_string(plan->vmm));
	else if (backend->on_exit == BACKEND_RESTART_VM)
		(void) fault_prefix(fault, "the VM needs a restart, as on_exit says");
	else if (!backend->disk)
		(void) fault_prefix(fault, "the VM is stopped, as on_exit says");
	else
		(void) fault_prefix(fault, "the VM is stopped, for writes to %s may be lost",
				    backend->disk->path);
}

bool backend_end_is_hopeless(const Fault *fault)
{
	return streq(fault->id, ID_USAGE) || streq(fault->id, ID_PORT);
}

void findings_new_life(FaultList *findings)
{
	for (size_t i = findings->n; i-- > 0;) {
		const Fault *finding = &findings->items[i];

		if ((streq(finding->id, ID_CRASHED) &&
		     (fault_evidence_get(finding, "tag") ||
		      fault_evidence_get(finding, "interface"))) ||
		    streq(finding->id, "driver-missing"))
			fault_list_drop(findings, i);
	}
}
