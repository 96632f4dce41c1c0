/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <string.h>

#include "host/cid-look.h"
#include "host/state-file.h"
#include "host/vhost.h"
#include "host/vm-dir.h"
#include "model/run-faults.h"
#include "model/spec-json.h"

/* From within a unit the VMM of another may not be seen (ProtectProc=); whoever has its lock is then its supervisor. */
static bool runs(const VmPlaces *places, const StateFile *state)
{
	return state->vmm.pid > 0 &&
	       (state_process_is_alive(&state->vmm) || vm_lock_holder(places->lock_file) > 0);
}

static bool has_cid(const VmPlaces *places, const StateFile *state, uint32_t cid)
{
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_(spec_free_p) Spec *spec = NULL;

	return state->vmm_kind == VMM_QEMU && state->spec && runs(places, state) &&
	       spec_from_json(state->spec, places->name, state->spec_file ?: "", &spec,
			      &problems) == 0 &&
	       spec_cid(spec) == cid;
}

static bool vm_has_cid(const char *runtime_directory, const char *name, uint32_t cid)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	_cleanup_(vm_places_done) VmPlaces places = { 0 };

	return vm_places_init(runtime_directory, name, &places) == 0 &&
	       state_file_read(places.state_file, &state) == 0 && has_cid(&places, &state, cid);
}

char *cid_holder(const char *runtime_directory, const char *except, uint32_t cid)
{
	DIR *directory = opendir(runtime_directory);
	const struct dirent *entry;
	char *holder = NULL;

	while (directory && !holder && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && !streq(entry->d_name, except) &&
		    vm_has_cid(runtime_directory, entry->d_name, cid))
			holder = strdup(entry->d_name);
	if (directory)
		(void) closedir(directory);
	return holder;
}

int cid_look(const Plan *plan, Fault *fault)
{
	_cleanup_free_ char *holder = NULL;

	if (plan->vmm != VMM_QEMU || plan->cid == 0 ||
	    vhost_vsock_try_cid(plan->cid) != -EADDRINUSE)
		return 0;
	holder = cid_holder(plan->places.runtime_directory, plan->spec->name, plan->cid);
	return fault_cid_taken(plan->spec->name, plan->cid, holder, fault);
}
