/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/places.h"

int vm_places_init(const char *runtime_directory, const char *name, VmPlaces *ret)
{
	VmPlaces places = {
		.name = strdup(name),
		.runtime_directory = strdup(runtime_directory),
		.lock_file = str_printf("%s/.%s.lock", runtime_directory, name),
		.directory = str_printf("%s/%s", runtime_directory, name),
		.vmm_directory = str_printf("%s/%s/vmm", runtime_directory, name),
		.control_socket = str_printf("%s/%s/control", runtime_directory, name),
		.state_file = str_printf("%s/%s/state.json", runtime_directory, name),
	};

	if (!places.name || !places.runtime_directory || !places.lock_file || !places.directory ||
	    !places.vmm_directory || !places.control_socket || !places.state_file) {
		vm_places_done(&places);
		return -ENOMEM;
	}
	*ret = places;
	return 0;
}

void vm_places_done(VmPlaces *places)
{
	free(places->name);
	free(places->runtime_directory);
	free(places->lock_file);
	free(places->directory);
	free(places->vmm_directory);
	free(places->control_socket);
	free(places->state_file);
	*places = (VmPlaces){ 0 };
}
