/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/access.h"
#include "host/sock.h"
#include "host/strays.h"
#include "host/vm-dir.h"
#include "model/adopt-faults.h"
#include "model/run-faults.h"
#include "run/step-internal.h"
#include "run/tap-store.h"

/* The steps of a VM that runs already: what is there is taken over, what died with the last supervisor is made anew. */

/* What the last supervisor had started and had not on record yet when it was killed: nobody knows what it is for. */
static void end_strays(Resources *resources)
{
	_cleanup_(str_buf_done) StrBuf found = { 0 };
	Fault fault = { 0 };
	int r = strays_end(resources->plan->places.name, resources->adoption, &found, &fault);

	if (r == 0 && found.length > 0)
		(void) fault_leftovers(found.text, &fault);
	if (fault.id)
		step_remark(resources, &fault);
}

/* Nothing on record is a leftover here; but it must be there still, now that nobody else can have the VM. */
static int lock_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	const StateProcess *vmm = &resources->adoption->vmm;
	int r = 0;

	resources->lock_fd = kept_take(resources->kept, LOCK_NAME);
	if (resources->lock_fd < 0)
		r = vm_lock(&resources->plan->places, &resources->lock_fd, fault);
	if (r < 0)
		return r;
	if (state_process_is_alive(vmm)) {
		/* At a reload who asked for it is in our control group, and nobody was killed. */
		if (!kept_is_reload(resources->kept))
			end_strays(resources);
		return 0;
	}
	vm_unlock(&resources->plan->places, TAKE_FD(resources->lock_fd));
	return fault_adopt_vmm_gone(resources->plan, vmm->pid, fault);
}

/*
 * The VMM has held the lock since its start (vmm_resources()), so that it is ours as long as the VMM lives. The disk is
 * opened to look at its space. A file that is not there any more is no matter of ours: the VMM has it open.
 */
static int disk_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	const SpecDisk *disk = &resources->plan->spec->disks[step->subject];
	int fd = open_as(&resources->plan->facts->vm, disk->path, O_RDONLY);

	resources->disk_locks[step->subject] = fd >= 0 ? fd : -EBADF;
	return 0;
}

/*
 * What the VM needs of it, it has already; surroundings_look() tells what has changed since. A listener comes with its
 * backend, which may be the only one that has it.
 */
static int nothing_to_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	return 0;
}

/* A guest that cannot say that it is ready is no reason to leave it alone. */
static int notify_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	Fault deaf = { 0 };

	if (step_ops(STEP_NOTIFY)->apply(resources, step, &deaf) < 0)
		step_remark(resources, &deaf);
	return 0;
}

static int tap_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	int r = open_netlink(resources, fault);

	if (r < 0)
		return r;
	if (nic->attach == ATTACH_HELPER)
		helper_tap_adopt(resources, step->subject);
	else
		resources->taps[step->subject].ifindex =
			tap_find_recorded(resources, step->subject);
	tap_adopt_kept(resources, step->subject);
	return 0;
}

static const StateBackend *find_backend(const Resources *resources, const PlanBackend *backend)
{
	_cleanup_free_ char *label =
		str_printf("%s[%s]", backend_kind_to_string(backend->kind), backend->id);
	const StateFile *state = resources->adoption;

	for (size_t i = 0; label && i < state->n_backends; i++)
		if (streq(state->backends[i].process.label, label))
			return &state->backends[i];
	return NULL;
}

static int backend_step_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	static const StateBackend none = { 0 };
	BackendConfig config = backend_config(resources, step->subject);
	const StateBackend *known = find_backend(resources, config.backend) ?: &none;

	config.restarts = known->restarts;
	return backend_adopt(resources->event, &config, &known->process,
			     &resources->handlers.backend, &resources->backends[step->subject],
			     fault);
}

/*
 * Where no store kept the pty's master, the VMM still holds it: pidfd_getfd(2), with the right to trace the VMM, which
 * root has and the unit has not.
 */
static int master_of_vmm(const StateProcess *vmm)
{
	_cleanup_close_ int pidfd = state_process_open(vmm);
	int number, fd = pidfd < 0 ? -EBADF : (int) syscall(SYS_pidfd_getfd, pidfd, VMM_HELD_FD, 0);

	if (fd < 0)
		return -EBADF;
	if (ioctl(fd, TIOCGPTN, &number) == 0)
		return fd;
	return close_fd(fd);
}

static int console_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	const char *socket = resources->plan->console_socket;
	int master, r;

	if (socket) {
		r = console_adopt_listener(resources->event, socket, &resources->console);
	} else {
		master = kept_take(resources->kept, CONSOLE_NAME);
		if (master < 0)
			master = master_of_vmm(&resources->adoption->vmm);
		if (master >= 0)
			kept_add(resources->kept, CONSOLE_NAME, master);
		r = console_adopt_pty(resources->event, master, &resources->console);
	}
	if (r < 0)
		return fault_adopt_console(resources->plan, r, fault);
	if (!console_is_connected(resources->console)) {
		Fault lost = { 0 };

		(void) fault_console_lost(resources->plan, &lost);
		step_remark(resources, &lost);
	}
	console_begin(resources);
	return 0;
}

static int vmm_step_adopt(Resources *resources, const PlanStep *step, Fault *fault)
{
	VmmResources given = vmm_resources(resources);
	int r = vmm_adopt(resources->event, &given, &resources->adoption->vmm,
			  &resources->handlers.vmm, &resources->vmm, fault);

	return r < 0 ? r : STEP_LATER;
}

typedef int (*StepAdopt)(Resources *resources, const PlanStep *step, Fault *fault);

/* NULL: as at a start. */
static const StepAdopt adopts[_STEP_KIND_MAX] = {
	[STEP_LOCK] = lock_adopt,
	[STEP_DISK_LOCK] = disk_adopt,
	[STEP_DIRECTORY] = nothing_to_adopt,
	[STEP_CREDENTIALS] = nothing_to_adopt,
	[STEP_BRIDGE] = nothing_to_adopt,
	[STEP_TAP] = tap_adopt,
	[STEP_LISTENER] = nothing_to_adopt,
	[STEP_BACKEND] = backend_step_adopt,
	[STEP_EXTERNAL] = nothing_to_adopt,
	[STEP_NOTIFY] = notify_adopt,
	[STEP_CONSOLE] = console_adopt,
	[STEP_VMM] = vmm_step_adopt,
};

int step_begin(Resources *resources, const PlanStep *step, Fault *fault)
{
	StepAdopt adopt = resources->adoption ? adopts[step->kind] : NULL;

	return (adopt ?: step_ops(step->kind)->apply)(resources, step, fault);
}

void resources_let_go(Resources *resources)
{
	for (size_t i = 0; i < resources->plan->n_backends; i++)
		if (resources->backends[i])
			backend_let_go(resources->backends[i]);
	if (resources->vmm)
		vmm_let_go(resources->vmm);
	for (size_t i = 0; i < resources->plan->spec->n_disks; i++)
		resources->disk_locks[i] = close_fd(resources->disk_locks[i]);
	resources->console = console_free(resources->console);
	resources->control = control_free(resources->control);
	resources->lock_fd = close_fd(resources->lock_fd);
}
