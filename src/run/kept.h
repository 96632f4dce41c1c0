/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * Descriptors that outlive this supervisor for the next one of the VM, by name. At a reload the next one is the same
 * process, and has them all. Else systemd's fd store keeps them (sd_notify(3), FDSTORE=1), without a systemd nobody does.
 * What only a descriptor can give is then lost.
 *
 * They are stored with FDPOLL=0: else systemd drops what is hung up, a pipe with last words in it, too. It tells nobody
 * of those beyond FileDescriptorStoreMax=, and a name that is stored twice has two: so each is stored once.
 */
typedef struct Kept Kept;

/* With all that the process before us left; they are in nobody's hands yet. 0 or -errno. */
int kept_new(Kept **ret);

/* The descriptor of that name, the caller's own now; -EBADF where there is none. It stays kept. */
int kept_take(Kept *kept, const char *name);

/* fd stays the caller's and must stay open until then. */
void kept_add(Kept *kept, const char *name, int fd);

/* The same, but over a reload only: to the store it would be wrong, as a lock that nobody frees. */
void kept_add_for_reload(Kept *kept, const char *name, int fd);

/* To systemd's store alone, for the next process of the unit: it is not kept here, and kept_remove_all() lets it be. */
void kept_pass_on(const char *name, int fd);

/* The names, one after the other; NULL: no more. */
const char *kept_name(const Kept *kept, size_t i);

/* True where the process before us was this one, before a reload. */
bool kept_is_reload(const Kept *kept);

/*
 * All that is kept stays open over execve(2), and the environment tells what it is; or no longer, where that has failed.
 * 0 or -errno.
 */
int kept_begin_exec(const Kept *kept);
void kept_cancel_exec(const Kept *kept);

/* That one no longer: who waits on it at the other end is to learn so. */
void kept_remove(Kept *kept, const char *name);

/* All but those whose names begin so. */
void kept_remove_but(Kept *kept, const char *prefix);

/* The VM is gone: nothing is to be kept, of an earlier one neither, or the next start would be given it. */
void kept_remove_all(Kept *kept);

Kept *kept_free(Kept *kept);
DEFINE_CLEANUP(Kept *, kept_free)
