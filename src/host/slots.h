/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"

/*
 * Slots for starts, of which a host has so many as host.conf says: files RUNTIME/.slots/N, each locked by the
 * supervisor that starts a VM. A lock ends with its process, so no slot is lost with a supervisor that is killed.
 */

/*
 * Takes a free one of n slots and writes the VM's name into it. Returns 0 with the locked fd in *ret; -EAGAIN where
 * none is free; or another -errno with fault.
 */
int slot_take(const char *runtime_directory, unsigned n, const char *vm, int *ret, Fault *fault);

/* Frees the slot of *fd and wakes those that wait for one; *fd is -EBADF then. Nothing happens where it is none. */
void slot_free(int *fd);

/* The VMs that have one of the n slots: new names in *ret. Those that cannot be read are missing. */
void slot_holders(const char *runtime_directory, unsigned n, StrList *ret);

/*
 * An fd that becomes readable when a slot is freed, also by the death of its holder, whose slot is then free a moment
 * later. What is to be read from it says nothing more. -errno with fault where there is none to be had.
 */
int slot_watch(const char *runtime_directory, Fault *fault);
