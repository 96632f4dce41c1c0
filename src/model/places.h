/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/* Where the files of one running VM lie. */
typedef struct VmPlaces {
	char *name;
	char *runtime_directory; /* of all VMs: /run/mvmd */
	char *lock_file; /* /run/mvmd/.NAME.lock */
	char *directory; /* /run/mvmd/NAME */
	char *vmm_directory; /* …/vmm: the one place where the VMM may make files (its vsock socket) */
	char *control_socket; /* …/control */
	char *state_file; /* …/state.json */
} VmPlaces;

/* 0 or -ENOMEM. */
int vm_places_init(const char *runtime_directory, const char *name, VmPlaces *ret);
void vm_places_done(VmPlaces *places);
