/* SPDX-License-Identifier: Apache-2.0 */
#include "model/facts-json.h"
#include "model/backend-args.h"
#include "model/image.h"
#include "model/known-issues.h"

/* The program of a kind of backend that mvmd starts; NULL where the plan has none of it. */
static const Program *program_of(const Plan *plan, BackendKind kind)
{
	for (size_t i = 0; i < plan->n_backends; i++)
		if (plan->backends[i].kind == kind)
			return backend_program(plan, &plan->backends[i]);
	return NULL;
}

static const char *backend_name(const Plan *plan, BackendKind kind)
{
	if (kind == BACKEND_STORAGE_DAEMON)
		return "qemu-storage-daemon";
	if (kind == BACKEND_PASST)
		return "passt";
	return plan->facts->virtiofsd_is_c ? "virtiofsd-c" : "virtiofsd";
}

static const BackendKind our_kinds[] = { BACKEND_VIRTIOFSD, BACKEND_STORAGE_DAEMON, BACKEND_PASST };

static json_t *program_to_json(const char *kind, const Program *program)
{
	return json_pack("{s:s, s:s?, s:s?}", "kind", kind, "version", program->version, "path",
			 program->path);
}

static json_t *backends_to_json(const Plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ELEMENTSOF(our_kinds); i++) {
		const Program *program = program_of(plan, our_kinds[i]);

		if (program)
			(void) json_array_append_new(
				list, program_to_json(backend_name(plan, our_kinds[i]), program));
	}
	return list;
}

static json_t *guest_to_json(const Plan *plan)
{
	const ImageFact *kernel = &plan->facts->guest_kernel;

	return json_pack("{s:s?, s:s?, s:s?}", "kernel", kernel->version, "kind",
			 image_kind_to_string(kernel->kind), "boot_protocol",
			 boot_protocol_to_string(plan->boot_protocol));
}

static json_t *issue_to_json(const FittingIssue *fitting)
{
	const KnownIssue *issue = fitting->issue;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:b}", "id", issue->id, "fit",
			 issue_fit_to_string(fitting->fit), "subject", fitting->subject, "severity",
			 issue_severity_to_string(issue->severity), "proof",
			 issue_proof_to_string(issue->proof), "explains",
			 issue_explains_to_string(issue->explains), "allowed", fitting->allowed);
}

static json_t *issues_to_json(const FittingIssues *issues)
{
	json_t *list;

	if (!issues)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < issues->n; i++)
		(void) json_array_append_new(list, issue_to_json(&issues->items[i]));
	return json_pack("{s:s?, s:o}", "date", issues->date, "fitting", list);
}

json_t *facts_to_json(const Plan *plan)
{
	const Facts *facts = plan->facts;
	const char *arch = facts->arch == ARCH_UNKNOWN ? NULL : arch_to_words(facts->arch);

	return json_pack("{s:s?, s:s, s:{s:s?, s:s?}, s:o, s:o, s:o, s:o}", "arch", arch, "accel",
			 accel_to_string(plan->accel), "host", "release", facts->host.release,
			 "build", facts->host.build, "guest", guest_to_json(plan), "vmm",
			 program_to_json(vmm_kind_to_string(plan->vmm), plan->vmm_program),
			 "backends", backends_to_json(plan), "known_issues",
			 issues_to_json(plan->issues));
}

static const char *protocol_to_words(BootProtocol protocol)
{
	static const char *const words[_BOOT_PROTOCOL_MAX] = {
		[BOOT_PVH] = "PVH",
		[BOOT_LINUX] = "Linux boot protocol",
		[BOOT_MULTIBOOT] = "multiboot",
	};

	return words[protocol];
}

static void add_guest(StrBuf *buf, const Plan *plan)
{
	const char *protocol = protocol_to_words(plan->boot_protocol);
	const char *version = plan->facts->guest_kernel.version;

	if (plan->boot_protocol == BOOT_FIRMWARE) {
		str_buf_add(buf, ", guest kernel unknown (firmware finds it)");
		return;
	}
	str_buf_add(buf, ", guest kernel %s", version ?: "unknown");
	if (protocol)
		str_buf_add(buf, " (%s)", protocol);
}

char *facts_to_words(const Plan *plan)
{
	StrBuf buf = { 0 };
	char *text = NULL;

	str_buf_add(&buf, "host kernel %s", plan->facts->host.release ?: "unknown");
	add_guest(&buf, plan);
	str_buf_add(&buf, ", %s %s", vmm_kind_to_string(plan->vmm),
		    plan->vmm_program->version ?: "of unknown version");
	for (size_t i = 0; i < ELEMENTSOF(our_kinds); i++) {
		const Program *program = program_of(plan, our_kinds[i]);

		if (program)
			str_buf_add(&buf, ", %s %s", backend_name(plan, our_kinds[i]),
				    program->version ?: "of unknown version");
	}
	(void) str_buf_take(&buf, &text);
	return text;
}
