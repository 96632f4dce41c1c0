/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/sweep.h"

typedef struct Row {
	const char *situation;
	UnitEnd end;
	SweepChoice wanted;
} Row;

/* What systemd 252 and 257 gave in each of these situations, and what is right then. */
static const Row rows[] = {
	{ "stopped", { "success", "exited", "0", false }, SWEEP_AWAY },
	{ "its guest powered off", { "success", "exited", "0", false }, SWEEP_AWAY },
	{ "left in order before READY", { "protocol", "exited", "0", false }, SWEEP_AWAY },
	{ "killed", { "signal", "killed", "KILL", false }, SWEEP_LEAVE },
	{ "terminated by a signal", { "signal", "killed", "TERM", false }, SWEEP_LEAVE },
	{ "crashed", { "core-dump", "dumped", "SEGV", false }, SWEEP_LEAVE },
	{ "hung", { "watchdog", "dumped", "ABRT", false }, SWEEP_LEAVE },
	{ "hung, without a core", { "watchdog", "killed", "ABRT", false }, SWEEP_LEAVE },
	{ "killed for want of memory", { "oom-kill", "killed", "KILL", false }, SWEEP_LEAVE },
	{ "usage", { "exit-code", "exited", "64", false }, SWEEP_AWAY },
	{ "no spec", { "exit-code", "exited", "66", false }, SWEEP_AWAY },
	{ "a bug", { "exit-code", "exited", "70", false }, SWEEP_AWAY },
	{ "a right is missing", { "exit-code", "exited", "77", false }, SWEEP_AWAY },
	{ "the spec is wrong", { "exit-code", "exited", "78", false }, SWEEP_AWAY },
	{ "a crash loop", { "exit-code", "exited", "80", false }, SWEEP_AWAY },
	{ "the host lacks it", { "exit-code", "exited", "69", false }, SWEEP_LEAVE },
	{ "a system error", { "exit-code", "exited", "71", false }, SWEEP_LEAVE },
	{ "busy", { "exit-code", "exited", "75", false }, SWEEP_LEAVE },
	{ "a backend failed", { "exit-code", "exited", "81", false }, SWEEP_LEAVE },
	{ "the VMM failed", { "exit-code", "exited", "82", false }, SWEEP_LEAVE },
	{ "a restart", { "exit-code", "exited", "83", false }, SWEEP_LEAVE },
	{ "the guest crashed", { "exit-code", "exited", "84", false }, SWEEP_LEAVE },
	{ "no such program", { "exit-code", "exited", "203", false }, SWEEP_LEAVE },
	{ "no such folder", { "exit-code", "exited", "200", false }, SWEEP_LEAVE },
	{ "no sandbox", { "exit-code", "exited", "226", false }, SWEEP_LEAVE },
	{ "anything else", { "exit-code", "exited", "255", false }, SWEEP_LEAVE },
	{ "ignored SIGTERM", { "timeout", "killed", "KILL", false }, SWEEP_AWAY },
	{ "ended by its SIGTERM, too late", { "timeout", "exited", "0", false }, SWEEP_AWAY },
	{ "never got ready", { "timeout", "killed", "TERM", false }, SWEEP_AWAY },
	{ "never got ready, and left", { "timeout", "exited", "75", false }, SWEEP_AWAY },
	{ "killed while it stopped the VM", { "signal", "killed", "KILL", true }, SWEEP_AWAY },
	{ "crashed while it did", { "core-dump", "dumped", "SEGV", true }, SWEEP_AWAY },
	{ "hung while it did", { "watchdog", "dumped", "ABRT", true }, SWEEP_AWAY },
	{ "failed while it did", { "exit-code", "exited", "71", true }, SWEEP_AWAY },
	{ "no resources to begin with", { "resources", NULL, NULL, false }, SWEEP_LEAVE },
	{ "called by a person", { NULL, NULL, NULL, false }, SWEEP_NOT_ASKED },
	{ "the same, while it stops", { NULL, NULL, NULL, true }, SWEEP_NOT_ASKED },
	{ "a result of next year", { "evaporated", "killed", "KILL", false }, SWEEP_LEAVE },
	{ "a status that is none", { "exit-code", "exited", "66x", false }, SWEEP_LEAVE },
	{ "a status that is empty", { "exit-code", "exited", "", false }, SWEEP_LEAVE },
	{ "a status beyond all",
	  { "exit-code", "exited", "18446744073709551680", false },
	  SWEEP_LEAVE },
};

static void test_each_end(void **state)
{
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		if (sweep_choose(&rows[i].end) != rows[i].wanted)
			fail_msg("%s", rows[i].situation);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_end) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
