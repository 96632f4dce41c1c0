/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mvmd/exit-codes.h"
#include "run/tap-store.h"
#include "vm-internal.h"
#include "vm-log.h"

/* What becomes of the VM's taps and their bridges while it runs. */

/* A VM that is on its way out loses its taps with its VMM. */
static bool is_up(const Vm *vm)
{
	return vm->state == VM_RUNNING || vm->state == VM_PAUSED;
}

static void on_wrong(size_t nic, const Fault *fault, bool stop, void *userdata)
{
	Vm *vm = userdata;

	if (!is_up(vm))
		return;
	if (!stop) {
		vm_remark(vm, fault);
		return;
	}
	vm_fail(vm, fault);
	lives_asked(&vm->guest.lives, LIFE_ASKED_BY_MVMD);
	vm->wish_stop = true;
	vm_post(vm, VM_EVENT_STOP);
}

static void on_mended(size_t nic, const char *id, const char *words, void *userdata)
{
	Vm *vm = userdata;

	if (is_up(vm))
		vm_log_mended(id, words);
}

/* Without the watch the VM is none the worse. */
void vm_watch_links(Vm *vm)
{
	const LinkWatchHandler handler = { on_wrong, on_mended, vm };
	bool any = false;
	int r;

	tap_store_end(&vm->resources);
	for (size_t i = 0; i < vm->plan->n_nics; i++)
		any = any || vm->resources.taps[i].ifindex > 0;
	if (!any || vm->links)
		return;
	r = link_watch_start(vm->event, vm->plan, vm->resources.taps, !vm->options->adoption,
			     &handler, &vm->links);
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, "the taps are not watched: %s", strerror(-r));
}

void vm_leave_links(Vm *vm)
{
	vm->links = link_watch_free(vm->links);
}
