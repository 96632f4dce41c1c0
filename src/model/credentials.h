/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"

/* The credentials of a spec, before and while they are read: what is wrong with them. No value is in here. */

/* That one of them cannot be read: error and what follows from it. Returns error. */
int fault_credential(const Spec *spec, const SpecCredential *credential, int error, Fault *fault);

/* That they are too many bytes for the guest's SMBIOS tables. Returns -E2BIG. */
int fault_credentials_too_large(const Spec *spec, size_t bytes, Fault *fault);

/*
 * What keeps them from the guest, and what is most likely not meant so: each is added to faults. As facts->credentials
 * has them. 0 or -ENOMEM.
 */
int credentials_problems(const Spec *spec, const Facts *facts, FaultList *faults);
int credentials_warnings(const Spec *spec, const Facts *facts, FaultList *faults);

/*
 * True, and a fault, where cloud-hypervisor would refuse the VM's configuration for its length. In the plan there may
 * be directories that turn out to be longer when links are followed; then the start tells.
 */
bool plan_is_too_long(const Plan *plan, Fault *fault);
