/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told of a run, read from a socket of ours in its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "mvmd/exit-codes.h"
#include "run/systemd.h"

#define MESSAGE_MAX_BYTES 4096

static int notify_fd = -1;
static char message[MESSAGE_MAX_BYTES + 1];

static int setup(void **context)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[sizeof(address.sun_path)];

	(void) snprintf(name, sizeof(name), "@mvmd-test-systemd-%d", (int) getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd < 0 ||
	    bind(notify_fd, (const struct sockaddr *) &address,
		 (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name))) < 0)
		return -1;
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int teardown(void **context)
{
	(void) unsetenv("NOTIFY_SOCKET");
	return close(notify_fd);
}

/* The next message; "" where there is none: what is sent to a socket of this host is there at once. */
static const char *told(void)
{
	ssize_t n = recv(notify_fd, message, MESSAGE_MAX_BYTES, 0);

	message[n > 0 ? n : 0] = '\0';
	return message;
}

static void test_turn(void **context)
{
	unit_waits_for_turn(8 * USEC_PER_SEC);
	assert_string_equal(told(), "STATUS=waiting: next try in 8s\nEXTEND_TIMEOUT_USEC=38000000");
	unit_waits_for_slot(3, 10 * USEC_PER_SEC);
	assert_string_equal(told(), "STATUS=waiting for a start slot (3 VMs start now)\n"
				    "EXTEND_TIMEOUT_USEC=40000000");
}

static void test_steps_that_wait(void **context)
{
	const PlanStep bridge = { .awaits = (char[]){ "bridge br0" },
				  .deadline_usec = 30 * USEC_PER_SEC };
	const PlanStep sock = { .awaits = (char[]){ "/run/x\nREADY=1" },
				.deadline_usec = 5 * USEC_PER_SEC };
	const PlanStep tap = { .kind = STEP_TAP };
	SystemdUnit unit = { 0 };

	unit_enters(&unit, VM_APPLYING, 0);
	(void) told();
	unit_step_waits(&unit, &bridge);
	assert_string_equal(
		told(), "STATUS=applying: waiting for bridge br0\nEXTEND_TIMEOUT_USEC=60000000");
	unit_step_waits(&unit, &sock);
	assert_string_equal(told(), "STATUS=applying: waiting for bridge br0, /run/x READY=1\n"
				    "EXTEND_TIMEOUT_USEC=35000000");
	unit_step_done(&unit, &tap);
	assert_string_equal(told(), "");
	unit_step_done(&unit, &bridge);
	assert_string_equal(told(), "STATUS=applying: waiting for /run/x READY=1");
	unit_step_done(&unit, &sock);
	assert_string_equal(told(), "STATUS=applying: taps, backends and the VMM are made ready");
	unit_ended(&unit, MVMD_EXIT_OK, NULL);
	(void) told();
}

/* A VM that runs is not made ready once more. */
static void test_an_adoption_waits(void **context)
{
	const PlanStep vmm = { .awaits = (char[]){ "the first answer of qemu" },
			       .deadline_usec = 5 * USEC_PER_SEC };
	SystemdUnit unit = { 0 };

	unit_enters(&unit, VM_ADOPTING, 0);
	assert_string_equal(told(), "STATUS=adopting: the VM that runs is taken over\n"
				    "EXTEND_TIMEOUT_USEC=30000000");
	unit_step_waits(&unit, &vmm);
	assert_string_equal(told(), "STATUS=adopting: waiting for the first answer of qemu\n"
				    "EXTEND_TIMEOUT_USEC=35000000");
	unit_step_done(&unit, &vmm);
	assert_string_equal(told(), "STATUS=adopting: the VM that runs is taken over");
	unit_ended(&unit, MVMD_EXIT_OK, NULL);
	(void) told();
}

static void test_states(void **context)
{
	SystemdUnit unit = { 0 };

	unit_enters(&unit, VM_BOOTING, 10 * USEC_PER_SEC);
	assert_string_equal(
		told(), "STATUS=booting: the VMM starts the guest\nEXTEND_TIMEOUT_USEC=40000000");
	unit_enters(&unit, VM_RUNNING, 0);
	assert_string_equal(told(), "");
	unit_enters(&unit, VM_STOPPING, 90 * USEC_PER_SEC);
	assert_string_equal(told(),
			    "STOPPING=1\nSTATUS=stopping: the guest was asked to power off\n"
			    "EXTEND_TIMEOUT_USEC=120000000");
	unit_enters(&unit, VM_DEAD, 0);
	assert_string_equal(told(), "");
}

static void test_ends(void **context)
{
	SystemdUnit unit = { 0 };

	/* A guest that was off before the VMM told that it runs is no failure. */
	unit_ended(&unit, MVMD_EXIT_OK, NULL);
	assert_string_equal(told(), "READY=1\nSTATUS=ended");
	unit.ready = true;
	unit_ended(&unit, MVMD_EXIT_OK, NULL);
	assert_string_equal(told(), "STATUS=ended");
	unit_ended(&unit, MVMD_EXIT_VMM, "qemu was killed\nby signal 9");
	assert_string_equal(told(), "STATUS=ended with exit code 82: qemu was killed by signal 9");
}

static void test_without_systemd(void **context)
{
	SystemdUnit unit = { 0 };

	(void) unsetenv("NOTIFY_SOCKET");
	unit_waits_for_turn(USEC_PER_SEC);
	unit_enters(&unit, VM_STOPPING, USEC_PER_SEC);
	unit_ended(&unit, MVMD_EXIT_OK, NULL);
	assert_string_equal(told(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_steps_that_wait),
		cmocka_unit_test(test_an_adoption_waits),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_without_systemd),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
