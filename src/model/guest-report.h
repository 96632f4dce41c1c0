/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the guest's systemd says of itself over vsock (systemd(1), "vmm.notify_socket"). Any process of the guest can say
 * the same: all of it is a hint, bounded in size, and made fit for a terminal.
 */

#define GUEST_WORD_MAX 128 /* of a longer one the beginning is kept */
#define GUEST_UNITS_MAX                                                                            \
	16 /* systemd tells of a handful of targets; of more the last ones are kept */

typedef struct GuestReport {
	bool ready; /* READY=1: it is up, in this life */
	uint64_t n_messages; /* of any kind, in all lives */
	char status[GUEST_WORD_MAX + 1]; /* STATUS=; "": it has said none */
	char hostname[GUEST_WORD_MAX + 1]; /* X_SYSTEMD_HOSTNAME= */
	char shutdown[GUEST_WORD_MAX + 1]; /* X_SYSTEMD_SHUTDOWN=: "poweroff", "reboot", … */
	int exit_status; /* EXIT_STATUS=; -1: it has said none */
	char units[GUEST_UNITS_MAX]
		  [GUEST_WORD_MAX + 1]; /* active ones, the last that came to be at the end */
	size_t n_units;
} GuestReport;

/* Nothing was said yet; a new life begins, of which nothing was said yet. */
void guest_report_init(GuestReport *report);
void guest_report_new_life(GuestReport *report);

typedef enum GuestNews {
	GUEST_NEWS_READY = 1 << 0, /* it is ready, and was not before */
	GUEST_NEWS_STATUS = 1 << 1, /* its status is another one */
} GuestNews;

/* Reads one message, lines of KEY=VALUE; keys that it does not know are skipped. Returns GuestNews. */
unsigned guest_report_read(GuestReport *report, const char *message, size_t length);
