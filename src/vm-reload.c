/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "host/self.h"
#include "host/spawn.h"
#include "model/adopt-faults.h"
#include "run/tap-store.h"
#include "vm-internal.h"
#include "vm-log.h"

/*
 * A reload: this process executes the program that lies at its path now. VMM and backends stay its children, what has no
 * name goes over as a descriptor (run/kept.h), and the new program takes over the VM as after a death.
 */

/* Who asked waits at that descriptor. */
#define CALLER_NAME "caller"

/* It prints one number. */
#define PROGRAM_ANSWERS_USEC (5 * USEC_PER_SEC)

static bool may_reload(const Vm *vm)
{
	return (vm->state == VM_RUNNING || vm->state == VM_PAUSED) &&
	       !vmm_is_busy(vm->resources.vmm);
}

int vm_ask_reload(int fd, void *userdata, Fault *fault)
{
	Vm *vm = userdata;

	if (vm->caller_fd >= 0 || !may_reload(vm))
		return fault_reload_refused(vm->plan, vm->state, fault);
	vm->caller_fd = fd;
	(void) sd_event_source_set_enabled(vm->reloader, SD_EVENT_ONESHOT);
	return 0;
}

/* Whether it can be executed, and would know what is on record here. */
static int check_program(const Vm *vm, char *path, Fault *fault)
{
	char *argv[] = { path, (char[]){ "unit" }, (char[]){ "record-version" }, NULL };
	_cleanup_free_ char *text = NULL;
	int r = spawn_read(path, argv, PROGRAM_ANSWERS_USEC, &text);

	if (r < 0)
		return fault_reload_program(vm->plan, path, r, fault);
	return strtol(text, NULL, 10) < STATE_FILE_VERSION ?
		       fault_reload_older(vm->plan, path, fault) :
		       0;
}

/* Returns only where it failed: -errno. */
static int execute(Vm *vm, const char *path)
{
	_cleanup_(str_list_done) StrList argv = { 0 };
	Kept *kept = vm->options->kept;
	int r = self_arguments(&argv);

	if (r < 0)
		return r;
	kept_add_for_reload(kept, LOCK_NAME, vm->resources.lock_fd);
	kept_add_for_reload(kept, CALLER_NAME, vm->caller_fd);
	tap_store_pass_on(&vm->resources);
	r = vmm_pass_on(vm->resources.vmm, kept);
	if (r == 0)
		r = kept_begin_exec(kept);
	if (r == 0) {
		vm_streams_flush(vm->streams); /* lines that are held, and a prompt */
		log_flush();
		(void) execv(path, argv.items);
		r = -errno;
	}
	kept_cancel_exec(kept);
	vmm_take_back(vm->resources.vmm, kept);
	kept_remove(kept, CALLER_NAME);
	kept_remove(kept, LOCK_NAME);
	tap_store_take_back(&vm->resources);
	return r;
}

static int on_reload(sd_event_source *source, void *userdata)
{
	_cleanup_free_ char *path = NULL;
	Vm *vm = userdata;
	Fault fault = { 0 };
	int r = 0;

	/* What has happened is dealt with first: nothing that is on record tells the new program of it. */
	if (vm->queue.n > 0) {
		(void) sd_event_source_set_enabled(vm->reloader, SD_EVENT_ONESHOT);
		return 0;
	}
	if (!may_reload(vm))
		r = fault_reload_refused(vm->plan, vm->state, &fault);
	(void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_usec());
	if (r == 0 && self_path(&path) < 0)
		r = fault_oom(&fault);
	if (r == 0)
		r = check_program(vm, path, &fault);
	if (r == 0) {
		vm_record(vm);
		r = execute(vm, path);
		(void) fault_reload_program(vm->plan, path, r, &fault);
	}
	(void) sd_notify(0, "READY=1");
	vm_remark(vm, &fault);
	control_answer(TAKE_FD(vm->caller_fd), &fault);
	fault_done(&fault);
	return 0;
}

int vm_make_reloader(Vm *vm)
{
	int r = sd_event_add_defer(vm->event, &vm->reloader, on_reload, vm);

	vm->caller_fd = -EBADF;
	return r < 0 ? r : sd_event_source_set_enabled(vm->reloader, SD_EVENT_OFF);
}

void vm_reloader_done(Vm *vm)
{
	vm->reloader = sd_event_source_disable_unref(vm->reloader);
	vm->caller_fd = close_fd(vm->caller_fd);
}

void vm_reloaded(Vm *vm)
{
	Kept *kept = vm->options->kept;
	int fd = kept_take(kept, CALLER_NAME);

	kept_remove(kept, CALLER_NAME);
	if (fd >= 0)
		control_answer(fd, NULL);
}
