/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/util.h"
#include "run/signals.h"

int signals_take(sd_event *event, sd_event_signal_handler_t handler, void *userdata)
{
	const int taken[] = { SIGTERM, SIGINT, SIGHUP, SIGRTMIN + 4 };
	sigset_t blocked;
	int r = 0;

	(void) sigemptyset(&blocked);
	for (size_t i = 0; i < ELEMENTSOF(taken); i++)
		(void) sigaddset(&blocked, taken[i]);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	(void) signal(SIGPIPE, SIG_IGN);

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(taken); i++)
		r = sd_event_add_signal(event, NULL, taken[i], handler, userdata);
	return r < 0 ? r : 0;
}
