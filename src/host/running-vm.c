/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <string.h>

#include "host/running-vm.h"
#include "host/vm-dir.h"
#include "model/spec-json.h"

/* What is looked for, and where. */
typedef struct Search {
	const char *runtime_directory;
	RunningVmFits fits;
	const void *userdata;
} Search;

/* From within a unit the VMM of another may not be seen (ProtectProc=); whoever has its lock is then its supervisor. */
static bool runs(const VmPlaces *places, const StateFile *state)
{
	return state->vmm.pid > 0 &&
	       (state_process_is_alive(&state->vmm) || vm_lock_holder(places->lock_file) > 0);
}

static bool record_fits(const Search *search, const VmPlaces *places, const StateFile *state)
{
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_(spec_free_p) Spec *spec = NULL;

	return state->spec && runs(places, state) &&
	       spec_from_json(state->spec, places->name, state->spec_file ?: "", &spec,
			      &problems) == 0 &&
	       search->fits(state, spec, search->userdata);
}

static bool vm_fits(const Search *search, const char *name)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	_cleanup_(vm_places_done) VmPlaces places = { 0 };

	return vm_places_init(search->runtime_directory, name, &places) == 0 &&
	       state_file_read(places.state_file, &state) == 0 &&
	       record_fits(search, &places, &state);
}

char *running_vm_find(const char *runtime_directory, const char *except, RunningVmFits fits,
		      const void *userdata)
{
	const Search search = { runtime_directory, fits, userdata };
	DIR *directory = opendir(runtime_directory);
	const struct dirent *entry;
	char *found = NULL;

	while (directory && !found && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && !streq(entry->d_name, except) &&
		    vm_fits(&search, entry->d_name))
			found = strdup(entry->d_name);
	if (directory)
		(void) closedir(directory);
	return found;
}
