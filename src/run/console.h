/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/fault.h"

/*
 * The guest's serial line. cloud-hypervisor gets the slave of a pty whose master is here; QEMU gets a
 * listener, and mvmd is its one client: each is the one way on which a guest is never held up by a console
 * that nobody reads (design.md §8). What the guest writes goes to any number of readers; what they type
 * goes to the guest.
 */
typedef struct Console Console;

/* What a late reader sees first. */
#define CONSOLE_SCREEN_LINES 24

/* A pty in raw mode; console_child_fd() is the slave, opened once. 0 or -errno with fault. */
int console_new_pty(sd_event *event, Console **ret, Fault *fault);

/* A listener at path, already connected to; console_child_fd() is the listener. 0 or -errno with fault. */
int console_new_listener(sd_event *event, const char *path, Console **ret, Fault *fault);

/*
 * The console of a VMM that an earlier supervisor started. Takes the pty's master; -EBADF where it is lost: then the
 * guest cannot be heard any more. 0 or -errno.
 */
int console_adopt_pty(sd_event *event, int master, Console **ret);
/* Connects to the listener at path, which QEMU has; where that fails it cannot be heard either. 0 or -errno. */
int console_adopt_listener(sd_event *event, const char *path, Console **ret);

/*
 * Its bytes are counted and the last of them kept in a file of this name, for the supervisor after us; where there is
 * one already, an earlier supervisor's, it is gone on with. Without it, in memory. 0 or -errno.
 */
int console_keep_history(Console *console, const char *path);

/* The guest has written so many bytes at least, whatever is known here. */
void console_count_on(Console *console, uint64_t n_bytes);

/*
 * The pty's master, for the VMM to hold as well: as long as it does the guest's line is not hung up, whoever is its
 * supervisor. -EBADF: there is no pty.
 */
int console_master_fd(const Console *console);

/* What the VMM is given. It stays the console's; release it when the VMM has it. -EBADF once released. */
int console_child_fd(const Console *console);
void console_release_child_fd(Console *console);

/* False where it is lost, and the guest cannot be heard. */
bool console_is_connected(const Console *console);

/* False where it is lost, or as many read it as can. */
bool console_has_room(const Console *console);

/*
 * Adds a reader: takes the connected socket fd (closes it at the end and on failure), sends the last
 * screenful, passes bytes both ways until it closes. 0 or -errno.
 */
int console_attach(Console *console, int fd);

/* Adds a reader that only reads and is not closed: stdout. 0 or -errno. */
int console_add_output(Console *console, int fd);

/* Tells of all that the guest writes, before its readers get it. */
typedef void (*ConsoleListener)(const char *bytes, size_t n, void *userdata);
void console_set_listener(Console *console, ConsoleListener listener, void *userdata);

/* Reads what the guest wrote last, also when the loop runs no more. */
void console_drain(Console *console);

/* What is kept of it, the last CONSOLE_HISTORY_BYTES (console.c): a new string, cut at a NUL; NULL: out of memory. */
char *console_tail(const Console *console);

/* All bytes that the guest wrote so far. */
uint64_t console_bytes(const Console *console);

Console *console_free(Console *console);
DEFINE_CLEANUP(Console *, console_free)
