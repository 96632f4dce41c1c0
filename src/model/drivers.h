/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/lives.h"
#include "model/plan.h"

/*
 * Which devices the guest has no driver for, as "driver-missing", a finding each. Only cloud-hypervisor tells of each
 * device that a driver takes, and not of those that a vhost-user disk is; and only a guest that has taken one has
 * shown that it looks for them. A firmware's drivers are not those of its guest: there nothing is known. Pure.
 * Returns 0 or -ENOMEM.
 */
int drivers_missing(const Plan *plan, const Life *life, FaultList *ret);

/* Whether drivers_missing() can ever know anything of that plan's guest. */
bool drivers_can_be_seen(const Plan *plan);

/* A driver took that device after all: drops the finding that none did. */
void findings_driver_came(FaultList *findings, const char *device);
