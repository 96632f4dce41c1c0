/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "host/oom.h"
#include "host/sock.h"
#include "model/run-faults.h"
#include "model/utf8.h"
#include "model/vmm-end.h"
#include "mvmd/exit-codes.h"
#include "run/timer.h"
#include "run/vmm-internal.h"

/* How long a process may live on after its API or monitor is gone: its exit takes some time. */
#define VMM_ORPHAN_USEC (2 * USEC_PER_SEC)

/* The socket is for mvmd alone; the VMM has it by descriptor. */
#define VMM_SOCKET_MODE 0600

static void emit(Vmm *vmm, const VmmEvent *event)
{
	vmm->handler.on_event(vmm, event, vmm->handler.userdata);
}

void vmm_tell_failed(Vmm *vmm, const Fault *fault)
{
	Fault copy = { 0 };

	if (vmm->quitting)
		return;
	fault_copy(&copy, fault);
	(void) fault_evidence(&copy, "vmm", "%s", vmm_kind_to_string(vmm->plan->vmm));
	if (streq(copy.id, "vmm-refused"))
		(void) vmm_refusal_add_remedy(vmm->plan, &copy);
	else if (!copy.remedy)
		(void) fault_remedy(&copy, "read its lines above; %s --version",
				    vmm->plan->vmm_program->path);
	emit(vmm, &(VmmEvent){ .kind = VMM_FAILED, .fault = &copy });
	fault_done(&copy);
}

/* It is busy with something else for so long that it counts as deaf: with what is added to the fault. */
static void tell_deaf(Vmm *vmm, Fault *fault)
{
	vmm->deaf = true;
	if (vmm->resources.tell_wait)
		vmm->resources.tell_wait(fault, vmm->resources.userdata);
	vmm_tell_failed(vmm, fault);
}

static int on_reboot_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	Vmm *vmm = userdata;

	(void) fault_vmm_deaf(vmm->plan, "reboot the guest", vmm_last_line(vmm), &fault);
	tell_deaf(vmm, &fault);
	return 0;
}

/* At a reboot cloud-hypervisor connects to all backends anew, which nothing but this bounds. */
static void watch_reboot(Vmm *vmm, VmmEventKind kind)
{
	if (kind != VMM_REBOOTING && kind != VMM_REBOOTED)
		return;
	vmm->rebooting = kind == VMM_REBOOTING;
	vmm->reboot_timer = sd_event_source_disable_unref(vmm->reboot_timer);
	if (vmm->rebooting)
		(void) timer_after(vmm->event, &vmm->reboot_timer,
				   vmm->plan->spec->timeouts.boot_usec, 0, on_reboot_late, vmm);
}

void vmm_tell(Vmm *vmm, VmmEventKind kind, const char *device)
{
	if (vmm->quitting)
		return;
	watch_reboot(vmm, kind);
	emit(vmm, &(VmmEvent){ .kind = kind, .device = device });
}

void vmm_tell_error(Vmm *vmm, int error)
{
	Fault fault = { 0 };

	if (error == -ENOMEM)
		(void) fault_oom(&fault);
	else
		(void) fault_set(&fault, error, MVMD_EXIT_VMM, "vmm-protocol",
				 "cannot talk to %s: %m", vmm->driver->name);
	vmm_tell_failed(vmm, &fault);
	fault_done(&fault);
}

void vmm_take_power_button_reply(Vmm *vmm, const Fault *fault)
{
	_cleanup_(fault_done) Fault deaf = { 0 };

	vmm->buttons--;
	if (!fault || fault->error != -ETIMEDOUT)
		return;
	fault_copy(&deaf, fault);
	tell_deaf(vmm, &deaf);
}

static int on_orphaned(sd_event_source *source, uint64_t usec, void *userdata)
{
	Vmm *vmm = userdata;
	Fault fault = { 0 };

	vmm->orphan_timer = sd_event_source_disable_unref(vmm->orphan_timer);
	(void) fault_set(&fault, -ECONNRESET, MVMD_EXIT_VMM, "vmm-protocol",
			 "%s closed its control connection but runs on", vmm->driver->name);
	vmm_tell_failed(vmm, &fault);
	fault_done(&fault);
	return 0;
}

void vmm_expect_exit(Vmm *vmm)
{
	if (!vmm->orphan_timer && !vmm->quitting)
		(void) sd_event_add_time_relative(vmm->event, &vmm->orphan_timer, CLOCK_MONOTONIC,
						  VMM_ORPHAN_USEC, 0, on_orphaned, vmm);
}

static void on_child_line(Child *child, const char *line, void *userdata)
{
	Vmm *vmm = userdata;

	if (vmm->handler.on_line)
		vmm->handler.on_line(vmm, line, vmm->handler.userdata);
}

static void stop_timers(Vmm *vmm)
{
	vmm->orphan_timer = sd_event_source_disable_unref(vmm->orphan_timer);
	vmm->term_timer = sd_event_source_disable_unref(vmm->term_timer);
	vmm->reboot_timer = sd_event_source_disable_unref(vmm->reboot_timer);
}

/* The handler may free the Vmm, so that telling it is the last thing done. */
static void on_child_exit(Child *child, const ChildEnd *end, void *userdata)
{
	Vmm *vmm = userdata;

	(void) str_set(&vmm->last_line, child_last_line(child));
	(void) str_set(&vmm->last_words, child_last_words(child));
	vmm->driver->on_exit(vmm);
	stop_timers(vmm);
	vmm->child = child_free(vmm->child);
	emit(vmm, &(VmmEvent){ .kind = VMM_EXITED, .end = end });
}

int vmm_open_socket(Vmm *vmm, int *ret_listener, int *ret_connection, Fault *fault)
{
	const SockAccess ours = { VMM_SOCKET_MODE, (uid_t) -1 };
	_cleanup_close_ int listener = -EBADF;
	const char *path = vmm->plan->vmm_socket;
	int connection, r;

	r = sock_listen(path, &ours, &listener);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "vmm-socket",
				 "cannot make the socket %s for %s: %m", path, vmm->driver->name);
		(void) fault_evidence(fault, "path", "%s", path);
		return fault_remedy(fault, "ulimit -n; namei -l %s", path);
	}
	r = sock_connect(path, &connection);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "vmm-socket",
				 "cannot connect to our own socket %s: %m", path);
		(void) fault_evidence(fault, "path", "%s", path);
		return fault_remedy(fault, "ulimit -n; namei -l %s", path);
	}

	*ret_listener = TAKE_FD(listener);
	*ret_connection = connection;
	return 0;
}

int vmm_connect(Vmm *vmm, int *ret, Fault *fault)
{
	const char *path = vmm->plan->vmm_socket;
	int r = sock_connect(path, ret);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_VMM, "vmm-socket", "cannot connect to %s at %s: %m",
			 vmm->driver->name, path);
	(void) fault_evidence(fault, "path", "%s", path);
	return fault_remedy(fault, "ls -l %s; ss -xlp src %s tells who listens", path, path);
}

/* The driver's and those that it only holds, behind them; a new list, NULL: out of memory. */
static SpawnFd *all_fds(const Vmm *vmm, const SpawnFd *fds, size_t *n_fds)
{
	const VmmResources *resources = &vmm->resources;
	SpawnFd *all = calloc(*n_fds + resources->n_held_fds + 1, sizeof(*all));
	int number = STDERR_FILENO + 1;

	for (size_t i = 0; all && i < *n_fds; i++) {
		all[i] = fds[i];
		if (fds[i].number >= number)
			number = fds[i].number + 1;
	}
	for (size_t i = 0; all && i < resources->n_held_fds; i++)
		if (resources->held_fds[i] >= 0)
			all[(*n_fds)++] = (SpawnFd){ resources->held_fds[i], number++ };
	return all;
}

int vmm_spawn(Vmm *vmm, const StrList *args, const SpawnFd *fds, size_t n_fds, Fault *fault)
{
	const Facts *facts = vmm->plan->facts;
	_cleanup_free_ SpawnFd *all = all_fds(vmm, fds, &n_fds);
	const SpawnConfig config = {
		.path = vmm->plan->vmm_program->path,
		.argv = args->items,
		.fds = all,
		.n_fds = n_fds,
		.identity = facts->setuid ? &facts->vm : NULL,
	};
	const ChildConfig child = { vmm->driver->name, vmm->output, &config };
	const ChildHandler handler = { on_child_exit, on_child_line, vmm };
	int r;

	if (!all)
		return fault_oom(fault);
	r = child_start(vmm->event, &child, &handler, &vmm->child, fault);
	/* Not before: nothing that can wait delays the VMM. */
	if (r == 0)
		vmm_count_oom_kills(vmm);
	return r;
}

int vmm_set_version(Vmm *vmm, const char *version)
{
	int r = str_set(&vmm->version, version);

	if (r == 0)
		text_clean(vmm->version, strlen(vmm->version));
	return r;
}

/* NULL: out of memory. */
static Vmm *vmm_new(sd_event *event, const VmmResources *resources, const VmmHandler *handler)
{
	const Plan *plan = resources->plan;
	Vmm *vmm = calloc(1, sizeof(*vmm));

	if (!vmm)
		return NULL;
	*vmm = (Vmm){
		.event = sd_event_ref(event),
		.driver = plan->vmm == VMM_QEMU ? &vmm_driver_qemu : &vmm_driver_ch,
		.handler = *handler,
		.resources = *resources,
		.plan = plan,
		.output = str_printf("%s.log", plan->vmm_socket),
	};
	return vmm->output ? vmm : vmm_free(vmm);
}

int vmm_start(sd_event *event, const VmmResources *resources, const VmmHandler *handler, Vmm **ret,
	      Fault *fault)
{
	_cleanup_(vmm_free_p) Vmm *vmm = vmm_new(event, resources, handler);
	int r;

	if (!vmm)
		return fault_oom(fault);
	r = vmm->driver->start(vmm, fault);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(vmm);
	return 0;
}

int vmm_adopt(sd_event *event, const VmmResources *resources, const StateProcess *process,
	      const VmmHandler *handler, Vmm **ret, Fault *fault)
{
	_cleanup_(vmm_free_p) Vmm *vmm = vmm_new(event, resources, handler);
	const ChildHandler child_handler = { on_child_exit, on_child_line, vmm };
	int r;

	if (!vmm)
		return fault_oom(fault);
	vmm->adopted = true;
	r = child_adopt(event, &(ChildConfig){ vmm->driver->name, vmm->output, NULL }, process,
			&child_handler, &vmm->child);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_VMM, "vmm-gone",
				 "%s, pid %d, cannot be taken over: %m", vmm->driver->name,
				 process->pid);
	vmm_count_oom_kills(vmm);
	r = vmm->driver->adopt(vmm, fault);
	if (r < 0) {
		vmm_let_go(vmm);
		return r;
	}
	*ret = TAKE_PTR(vmm);
	return 0;
}

VmmFound vmm_found(const Vmm *vmm)
{
	return vmm->found;
}

void vmm_let_go(Vmm *vmm)
{
	vmm->quitting = true;
	stop_timers(vmm);
	if (vmm->child)
		child_let_go(vmm->child);
	vmm->child = child_free(vmm->child);
}

int vmm_create(Vmm *vmm)
{
	return vmm->child ? vmm->driver->create(vmm) : -ESRCH;
}

int vmm_boot(Vmm *vmm)
{
	return vmm->child ? vmm->driver->boot(vmm) : -ESRCH;
}

int vmm_power_button(Vmm *vmm)
{
	int r = vmm->child ? vmm->driver->power_button(vmm) : -ESRCH;

	if (r == 0)
		vmm->buttons++;
	return r;
}

bool vmm_owes_answer(const Vmm *vmm)
{
	return vmm->buttons > 0;
}

static int on_quit_unheard(sd_event_source *source, uint64_t usec, void *userdata)
{
	Vmm *vmm = userdata;

	vmm->term_timer = sd_event_source_disable_unref(vmm->term_timer);
	child_stop(vmm->child, vmm->term_grace_usec);
	return 0;
}

void vmm_quit(Vmm *vmm, uint64_t grace_usec)
{
	vmm->quitting = true;
	stop_timers(vmm);
	if (!vmm->child) { /* gone, or not there yet: then it is not to come any more */
		vmm->driver->on_exit(vmm);
		return;
	}
	if (vmm->deaf)
		grace_usec = 0;

	if (grace_usec > 0 && vmm->driver->quit(vmm) == 0) {
		vmm->term_grace_usec = grace_usec - grace_usec / 2;
		if (sd_event_add_time_relative(vmm->event, &vmm->term_timer, CLOCK_MONOTONIC,
					       grace_usec / 2, 0, on_quit_unheard, vmm) >= 0)
			return;
	}
	child_stop(vmm->child, grace_usec);
}

void vmm_kill(Vmm *vmm)
{
	vmm_quit(vmm, 0);
}

bool vmm_is_busy(const Vmm *vmm)
{
	return !vmm->child || vmm->quitting || vmm->rebooting || vmm->driver->is_busy(vmm);
}

int vmm_pass_on(Vmm *vmm, Kept *kept)
{
	return vmm->driver->pass_on ? vmm->driver->pass_on(vmm, kept) : 0;
}

void vmm_take_back(Vmm *vmm, Kept *kept)
{
	if (vmm->driver->take_back)
		vmm->driver->take_back(vmm, kept);
}

bool vmm_is_rebooting(const Vmm *vmm)
{
	return vmm->rebooting;
}

pid_t vmm_pid(const Vmm *vmm)
{
	return vmm->child ? child_pid(vmm->child) : 0;
}

const char *vmm_version(const Vmm *vmm)
{
	return vmm->version;
}

const char *vmm_last_line(const Vmm *vmm)
{
	if (vmm->child)
		return child_last_line(vmm->child);
	return vmm->last_line ?: "";
}

int vmm_explain_end(const Vmm *vmm, const ChildEnd *end, Fault *fault)
{
	VmmEnd facts = { .facts = { .end = *end,
				    .last_words = vmm->last_words ?: "",
				    .oom_before = vmm->oom_kills },
			 .answered = vmm->version != NULL };

	oom_kills_read(&facts.facts.oom_after);
	return fault_vmm_ended(vmm->plan, &facts, fault);
}

void vmm_count_oom_kills(Vmm *vmm)
{
	oom_kills_read(&vmm->oom_kills);
}

Vmm *vmm_free(Vmm *vmm)
{
	if (!vmm)
		return NULL;

	stop_timers(vmm);
	if (vmm->driver)
		vmm->driver->free(vmm);
	vmm->child = child_free(vmm->child);
	vmm->event = sd_event_unref(vmm->event);
	free(vmm->output);
	free(vmm->version);
	free(vmm->last_line);
	free(vmm->last_words);
	free(vmm);
	return NULL;
}
