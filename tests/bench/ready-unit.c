/* SPDX-License-Identifier: Apache-2.0 */
/* The least main process of a unit of Type=notify: it is ready, and waits for its end. */
#include <signal.h>
#include <systemd/sd-daemon.h>

int main(void)
{
	sigset_t end;
	int signal;

	(void) sigemptyset(&end);
	(void) sigaddset(&end, SIGTERM);
	(void) sigprocmask(SIG_BLOCK, &end, NULL);
	(void) sd_notify(0, "READY=1");
	return sigwait(&end, &signal);
}
