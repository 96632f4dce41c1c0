/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "model/plan-builder.h"
#include "model/plan-steps.h"

static const char *const step_kind_table[] = {
	[STEP_LOCK] = "lock",
	[STEP_DISK_LOCK] = "disk-lock",
	[STEP_DIRECTORY] = "directory",
	[STEP_CONTROL] = "control",
	[STEP_BRIDGE] = "bridge",
	[STEP_TAP] = "tap",
	[STEP_LISTENER] = "listener",
	[STEP_BACKEND] = "backend",
	[STEP_EXTERNAL] = "external",
	[STEP_CONSOLE] = "console",
	[STEP_CREDENTIALS] = "credentials",
	[STEP_NOTIFY] = "notify",
	[STEP_RECORD] = "record",
	[STEP_VMM] = "vmm",
};
_Static_assert(ELEMENTSOF(step_kind_table) == _STEP_KIND_MAX, "step_kind_table");

const char *step_kind_to_string(StepKind kind)
{
	return step_kind_table[kind];
}

int add_step(Builder *builder, PlanStep step, char *what, size_t *ret_index)
{
	Plan *plan = builder->plan;

	step.what = what;
	if (!step.id || !step.what || array_grow(&plan->steps, plan->n_steps, sizeof(step)) < 0) {
		free(step.id);
		free(step.what);
		free(step.awaits);
		return -ENOMEM;
	}
	plan->steps[plan->n_steps] = step;
	if (ret_index)
		*ret_index = plan->n_steps;
	plan->n_steps++;
	return 0;
}

int last_needs(Builder *builder, size_t other)
{
	PlanStep *step = &builder->plan->steps[builder->plan->n_steps - 1];

	if (other == NO_STEP)
		return 0;
	if (array_grow(&step->needs, step->n_needs, sizeof(*step->needs)) < 0)
		return -ENOMEM;
	step->needs[step->n_needs++] = other;
	return 0;
}

int last_needs_kind(Builder *builder, StepKind kind)
{
	Plan *plan = builder->plan;

	for (size_t i = 0; i + 1 < plan->n_steps; i++) {
		int r = plan->steps[i].kind == kind ? last_needs(builder, i) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int last_needs_locks(Builder *builder)
{
	int r = last_needs(builder, builder->lock);

	return r < 0 ? r : last_needs_kind(builder, STEP_DISK_LOCK);
}

static int steps_for_locks(Builder *builder)
{
	Plan *plan = builder->plan;
	int r;

	r = add_step(builder, (PlanStep){ .kind = STEP_LOCK, .id = strdup("lock") },
		     str_printf("%s: %s runs once; what an earlier run left is cleaned up",
				plan->places.lock_file, plan->spec->name),
		     &builder->lock);
	if (r < 0)
		return r;

	for (size_t i = 0; i < plan->spec->n_disks; i++) {
		const SpecDisk *disk = &plan->spec->disks[i];

		builder->disk_steps[i] = NO_STEP;
		if (!disk->path)
			continue;
		r = add_step(builder,
			     (PlanStep){ .kind = STEP_DISK_LOCK,
					 .id = str_printf("disk:%s", disk->id),
					 .subject = i },
			     str_printf("%s locked, %s", disk->path,
					disk->readonly ? "shared with other readers" :
							 "no other writer or reader"),
			     &builder->disk_steps[i]);
		if (r < 0)
			return r;
		r = last_needs(builder, builder->lock);
		if (r < 0)
			return r;
	}
	return 0;
}

static char *owners_to_words(const Spec *spec)
{
	StrBuf words = { 0 };
	char *text = NULL;

	str_buf_add(&words, "root");
	for (size_t i = 0; i < spec->n_owners; i++) {
		if (spec->owners[i].user)
			str_buf_add(&words, ", %s", spec->owners[i].user);
		else
			str_buf_add(&words, ", group %s", spec->owners[i].group);
	}
	(void) str_buf_take(&words, &text);
	return text;
}

static int steps_for_directory(Builder *builder)
{
	_cleanup_free_ char *owners = owners_to_words(builder->plan->spec);
	Plan *plan = builder->plan;
	int r;

	r = add_step(builder, (PlanStep){ .kind = STEP_DIRECTORY, .id = strdup("directory") },
		     str_printf("%s with this VM's sockets", plan->places.directory),
		     &builder->directory);
	if (r < 0)
		return r;
	r = last_needs_locks(builder);
	if (r < 0)
		return r;

	/* Early, because cloud-hypervisor waits for no more than this. */
	r = add_step(builder, (PlanStep){ .kind = STEP_CONSOLE, .id = strdup("console") },
		     plan->console_socket ?
			     str_printf("the guest's serial console on %s", plan->console_socket) :
			     strdup("the guest's serial console on a pty"),
		     &builder->console);
	if (r < 0)
		return r;
	r = last_needs(builder, builder->directory);
	if (r < 0)
		return r;

	r = add_step(builder, (PlanStep){ .kind = STEP_CONTROL, .id = strdup("control") },
		     owners ? str_printf("%s, open to %s", plan->places.control_socket, owners) :
			      NULL,
		     NULL);
	if (r == 0)
		r = last_needs(builder, builder->directory);

	/* Before taps are made, and where it can be while the VMM starts, which then costs no time. */
	if (r == 0)
		r = add_step(builder, (PlanStep){ .kind = STEP_RECORD, .id = strdup("record") },
			     strdup("what runs is recorded, and held against the list of known "
				    "issues"),
			     NULL);
	return r < 0 ? r : last_needs(builder, builder->console);
}

/* "db.password from /etc/…, token from the unit's shop.token": where they come from, never what they are. */
static char *credentials_to_words(const Spec *spec)
{
	StrBuf words = { 0 };
	char *text = NULL;

	str_buf_add(&words, "the guest's SMBIOS tables: ");
	for (size_t i = 0; i < spec->n_credentials; i++) {
		const SpecCredential *credential = &spec->credentials[i];

		str_buf_add(&words, "%s%s from %s%s", i > 0 ? ", " : "", credential->name,
			    credential->file ? "" : "the unit's ",
			    credential->file ?: credential->credential);
	}
	if (spec->ready == READY_GUEST)
		str_buf_add(&words, "%swhom to tell that it is ready",
			    spec->n_credentials > 0 ? ", " : "");
	(void) str_buf_take(&words, &text);
	return text;
}

static int steps_for_notify(Builder *builder)
{
	const PlanNotify *notify = &builder->plan->notify;
	int r;

	if (!notify->port)
		return 0;
	r = add_step(builder, (PlanStep){ .kind = STEP_NOTIFY, .id = strdup("notify") },
		     notify->socket ?
			     str_printf("the guest says on %s that it is ready", notify->socket) :
			     str_printf("the guest says on port %" PRIu32
					" of the host's vsock that it is ready",
					notify->port),
		     NULL);
	return r < 0 ? r : last_needs(builder, builder->directory);
}

static int steps_for_credentials(Builder *builder)
{
	const Spec *spec = builder->plan->spec;
	int r;

	if (!spec_needs_smbios(spec))
		return 0;
	r = add_step(builder, (PlanStep){ .kind = STEP_CREDENTIALS, .id = strdup("credentials") },
		     credentials_to_words(spec), NULL);
	return r < 0 ? r : last_needs_locks(builder);
}

/* New string or NULL. */
static char *backend_step_id(const char *kind, const PlanBackend *backend)
{
	return str_printf("%s:%s-%s", kind, backend_device(backend), backend->id);
}

static char *backend_to_words(const Plan *plan, const PlanBackend *backend)
{
	_cleanup_free_ char *on_exit = on_exit_to_words(backend, plan->vmm);
	const Facts *facts = plan->facts;

	if (!on_exit)
		return NULL;
	if (backend->kind == BACKEND_VIRTIOFSD)
		return str_printf("virtiofsd %s serves %s as share %s%s, uid %u; %s",
				  facts->virtiofsd.version ?: "(version unknown)",
				  backend->share->source, backend->share->tag,
				  backend->share->readonly ? ", read only" : "",
				  backend->identity.uid, on_exit);
	if (backend->kind == BACKEND_PASST)
		return passt_to_words(facts, backend, on_exit);
	return str_printf("qemu-storage-daemon %s serves %s (%s)%s, uid %u; %s",
			  facts->storage_daemon.version ?: "(version unknown)", backend->disk->path,
			  disk_format_to_string(backend->disk->format),
			  backend->disk->readonly ? ", read only" : "", backend->identity.uid,
			  on_exit);
}

static int steps_for_external(Builder *builder, size_t index)
{
	const PlanBackend *backend = &builder->plan->backends[index];
	int r;

	if (backend_comes_to_vmm(backend))
		return step_for_peer(builder, index, backend_step_id("external", backend));
	r = add_step(builder,
		     (PlanStep){ .kind = STEP_EXTERNAL,
				 .id = backend_step_id("external", backend),
				 .subject = index,
				 .awaits = str_printf("a listener on %s", backend->socket),
				 .deadline_usec = builder->plan->spec->timeouts.backend_usec },
		     str_printf("somebody else serves %s %s at %s", backend_device(backend),
				backend->id, backend->socket),
		     NULL);
	return r < 0 ? r : last_needs_locks(builder);
}

static int steps_for_backend(Builder *builder, size_t index)
{
	const PlanBackend *backend = &builder->plan->backends[index];
	size_t listener;
	int r;

	if (backend->kind == BACKEND_EXTERNAL)
		return steps_for_external(builder, index);

	r = add_step(builder,
		     (PlanStep){ .kind = STEP_LISTENER,
				 .id = backend_step_id("listener", backend),
				 .subject = index },
		     str_printf("%s listens before its backend runs", backend->socket), &listener);
	if (r < 0)
		return r;
	r = last_needs(builder, builder->directory);
	if (r < 0)
		return r;
	r = add_step(builder,
		     (PlanStep){ .kind = STEP_BACKEND,
				 .id = backend_step_id("backend", backend),
				 .subject = index },
		     backend_to_words(builder->plan, backend), NULL);
	return r < 0 ? r : last_needs(builder, listener);
}

/* The file that the guest begins with, and what it is where that is known. */
static char *boot_to_words(const Plan *plan)
{
	const SpecBoot *boot = &plan->spec->boot;
	_cleanup_free_ char *kernel = NULL;

	if (!boot->kernel)
		return str_printf("firmware %s", boot->firmware);
	if (plan->facts->guest_kernel.kind == IMAGE_UNKNOWN)
		return str_printf("kernel %s", boot->kernel);
	kernel = kernel_to_words(&plan->facts->guest_kernel);
	return kernel ? str_printf("kernel %s: %s", boot->kernel, kernel) : NULL;
}

static char *vmm_to_words(const Plan *plan)
{
	_cleanup_free_ char *boot = boot_to_words(plan);
	const Spec *spec = plan->spec;
	char memory[FORMAT_MAX];

	if (!boot)
		return NULL;
	return str_printf("%s %s with %s: %" PRIu64 " vCPU%s, %s%s, %s, uid %u",
			  vmm_kind_to_string(plan->vmm),
			  plan->vmm_program->version ?: "(version unknown)",
			  plan->accel == ACCEL_KVM ? "KVM" : "TCG", spec->cpus,
			  spec->cpus == 1 ? "" : "s", format_size(memory, spec->memory.size_bytes),
			  plan->shared_memory ? " shared" : "", boot, plan->facts->vm.uid);
}

/*
 * The VMM comes up while taps are made and backends start: cloud-hypervisor is given taps and sockets when all
 * is there, QEMU on its command line. Neither is started for what may never come.
 */
static int steps_for_vmm(Builder *builder)
{
	static const StepKind awaited[] = { STEP_BRIDGE, STEP_EXTERNAL };
	static const StepKind on_command_line[] = { STEP_TAP, STEP_LISTENER, STEP_CREDENTIALS };
	Plan *plan = builder->plan;
	int r;

	r = add_step(builder,
		     (PlanStep){ .kind = STEP_VMM,
				 .id = strdup("vmm"),
				 .awaits = str_printf("the first answer of %s",
						      vmm_kind_to_string(plan->vmm)),
				 .deadline_usec = plan->spec->timeouts.boot_usec },
		     vmm_to_words(plan), NULL);
	if (r < 0)
		return r;
	r = last_needs(builder, builder->console);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(awaited); i++)
		r = last_needs_kind(builder, awaited[i]);
	for (size_t i = 0; r >= 0 && plan->vmm == VMM_QEMU && i < ELEMENTSOF(on_command_line); i++)
		r = last_needs_kind(builder, on_command_line[i]);
	return r;
}

int plan_add_steps(Plan *plan)
{
	_cleanup_free_ size_t *disk_steps = calloc(plan->spec->n_disks ?: 1, sizeof(*disk_steps));
	Builder builder = { .plan = plan, .disk_steps = disk_steps };
	int r;

	if (!disk_steps)
		return -ENOMEM;
	r = steps_for_locks(&builder);
	if (r == 0)
		r = steps_for_directory(&builder);
	if (r == 0)
		r = steps_for_notify(&builder);
	if (r == 0)
		r = steps_for_credentials(&builder);
	for (size_t i = 0; r == 0 && i < plan->n_nics; i++)
		r = steps_for_nic(&builder, i);
	for (size_t i = 0; r == 0 && i < plan->n_backends; i++)
		r = steps_for_backend(&builder, i);
	return r < 0 ? r : steps_for_vmm(&builder);
}
