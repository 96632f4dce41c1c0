/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "host/state-file.h"
#include "model/facts.h"
#include "model/places.h"

/*
 * The VM's lock and its runtime directory, and what an earlier supervisor that was killed left there.
 */

/*
 * Takes the VM's lock, RUNTIME/.NAME.lock, which holds our pid while we have it; makes RUNTIME where it is
 * missing. *ret is the locked fd. With fault: -EBUSY (who has it), or -errno.
 */
int vm_lock(const VmPlaces *places, int *ret, Fault *fault);

/* Removes the lock file, closes the fd, and removes RUNTIME where vm_lock() made it and it is empty. */
void vm_unlock(const VmPlaces *places, int fd);

/*
 * The pid in the lock file of a VM that runs; 0 where nobody holds the lock; -EACCES: that is not ours to see.
 */
pid_t vm_lock_holder(const char *lock_file);

/* True where a supervisor has the VM, and that is not ourselves, before a reload. */
bool vm_is_others(const char *lock_file);

/* The VM that the process is supervisor of, a new string; NULL: none that we may see. */
char *vm_name_of_pid(const char *runtime_directory, pid_t pid);

/*
 * Under the lock: finds what an earlier run left. A VMM that lives is -EBUSY with fault, unless replace:
 * then it is killed. Other processes, in the unit also those of its control group that nobody recorded, and the
 * directory's files are ended and removed.
 * *ret_found tells in words what was cleaned up, NULL where nothing was there; the caller frees it.
 */
int vm_leftovers_clean(const VmPlaces *places, bool replace, char **ret_found, Fault *fault);

/* Makes the VM's directory, and in it one that the VMM may write to, too. 0 or -errno with fault. */
int vm_directory_make(const VmPlaces *places, const Identity *vm, Fault *fault);

/*
 * A lock in the VM's directory, for the VMM to inherit and to hold as long as it lives: then vm_leftovers_clean() knows
 * of it, whatever became of its record. 0 or -errno (-EWOULDBLOCK: one holds it).
 */
int vm_alive_lock(const VmPlaces *places, int *ret);

/* Removes the directory with all that is in it, the VMM's own with whatever it made there. 0 or -errno. */
int vm_directory_remove(const VmPlaces *places);
