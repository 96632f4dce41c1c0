/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/start-order.h"

/*
 * What systemd has to know of one VM, and mvmd@.service cannot say of all: the drop-in
 * mvmd@NAME.service.d/50-spec.conf, which mvmd-generator writes at boot and at each daemon-reload.
 *
 *	[Unit]     its order among the VMs, the mounts that its files lie on
 *	[Service]  what this VM needs and others shall not have: its block devices, the sandbox of virtiofsd, …
 *	           Each group of lines has its reason above it, as mvmd@.service has.
 *
 * It holds neither arguments nor secrets: what the VM is stays in the spec.
 */
#define UNIT_DROPIN_NAME "50-spec.conf"

/* The text for a VM of the order: a new string in *ret. Returns 0 or -ENOMEM. */
int unit_dropin_text(const OrderVm *vm, bool user, char **ret);

/*
 * The lines of [Service] that wanted has and loaded (the text that systemd has read; NULL: none) has not, so that
 * the VM lacks them now. Returns 0 or -ENOMEM.
 */
int unit_dropin_missing(const char *loaded, const char *wanted, StrList *ret);
