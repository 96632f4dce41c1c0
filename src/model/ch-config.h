/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/plan.h"
#include "model/smbios.h"

/*
 * What cloud-hypervisor is told about a VM: the JSON bodies of vm.create and vm.add-net
 * (vmm/src/vm_config.rs of v53). Device ids: "disk-ID", "share-ID", "net-ID".
 */

/* Its server refuses a longer body up to and including v53 (vmm/src/api/http/mod.rs: HTTP_MAX_PAYLOAD). */
#define CH_CONFIG_MAX_BYTES 51200

/*
 * The body of vm.create, a new string, which holds the strings and is to be wiped as they are. The interfaces are not
 * in it: their descriptors only go with vm.add-net. readable: directories that stay open to it under Landlock; NULL: no
 * Landlock. strings: NULL: none.
 * Returns 0, -E2BIG (longer than CH_CONFIG_MAX_BYTES) or -ENOMEM.
 */
int ch_config_vm(const Plan *plan, const StrList *readable, const SmbiosStrings *strings,
		 char **ret);

/* How long it would be with strings that have that many bytes as JSON. 0 or -ENOMEM. */
int ch_config_length(const Plan *plan, const StrList *readable, size_t strings_bytes, size_t *ret);

/* The id of the vsock, as the driver that takes it is told of. */
#define CH_VSOCK_ID "vsock"

/* The body of vm.add-net for one interface, a new string. 0 or -ENOMEM. */
int ch_config_nic(const Plan *plan, const PlanNic *nic, char **ret);
