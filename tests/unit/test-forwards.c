/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/conflicts.h"
#include "model/forwards.h"
#include "mvmd/exit-codes.h"

#define TEXT(text) ((char[]){ text })

static void assert_collide(bool wanted, char *a, char *b)
{
	const SpecForward one = { .address = a, .host = 8080 },
			  other = { .address = b, .host = 8080, .guest = 81 };

	if (forwards_collide(&one, &other) != wanted || forwards_collide(&other, &one) != wanted)
		fail_msg("%s and %s: not %d", a ?: "all", b ?: "all", wanted);
}

static void test_addresses(void **context)
{
	assert_collide(true, NULL, NULL);
	assert_collide(true, NULL, TEXT("127.0.0.1"));
	assert_collide(true, NULL, TEXT("::1"));
	assert_collide(true, TEXT("127.0.0.1"), TEXT("127.0.0.1"));
	assert_collide(true, TEXT("0.0.0.0"), TEXT("127.0.0.1"));
	assert_collide(true, TEXT("::"), TEXT("2001:db8::1"));
	assert_collide(true, TEXT("::1"), TEXT("0:0:0:0:0:0:0:1"));
	assert_collide(false, TEXT("127.0.0.1"), TEXT("127.0.0.2"));
	assert_collide(false, TEXT("0.0.0.0"), TEXT("::1"));
	assert_collide(false, TEXT("::"), TEXT("127.0.0.1"));
}

static void test_other_ports(void **context)
{
	const SpecForward tcp = { .host = 8080 }, udp = { .protocol = PROTOCOL_UDP, .host = 8080 },
			  next = { .host = 8081 };

	assert_false(forwards_collide(&tcp, &udp));
	assert_false(forwards_collide(&tcp, &next));
}

static SpecForward first[] = { { .host = 8080 }, { .host = 443 } };
static SpecForward second[] = { { .address = TEXT("127.0.0.1"), .host = 443 },
				{ .host = 8443, .guest = 8080 } };
static SpecInterface interfaces[] = {
	{ .id = TEXT("net0"),
	  .attach = ATTACH_PASST,
	  .passt = { .forward = first, .n_forward = 2 } },
	{ .id = TEXT("net0"),
	  .attach = ATTACH_PASST,
	  .passt = { .forward = second, .n_forward = 2 } },
};
static Spec web1 = { .name = TEXT("web1"),
		     .file = TEXT("web1.json"),
		     .interfaces = &interfaces[0],
		     .n_interfaces = 1 };
static Spec web2 = { .name = TEXT("web2"),
		     .file = TEXT("web2.json"),
		     .interfaces = &interfaces[1],
		     .n_interfaces = 1 };

static void test_two_specs(void **context)
{
	const ConflictSpec specs[] = { { &web1, NULL }, { &web2, NULL } };
	FaultList faults = { 0 };

	assert_int_equal(spec_conflicts(specs, 2, &faults), 0);
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].id, "port-conflict");
	assert_string_equal(faults.items[0].what,
			    "web1 and web2 both have the host's tcp port 443, "
			    "web1 at all addresses and web2 at 127.0.0.1");
	assert_int_equal(faults.items[0].exit_code, MVMD_EXIT_BUSY);
	fault_list_done(&faults);

	/* Each network namespace has ports of its own. */
	web2.netns = TEXT("blue");
	assert_int_equal(spec_conflicts(specs, 2, &faults), 0);
	assert_int_equal(faults.n, 0);
	web2.netns = NULL;
}

static void test_who_has_it(void **context)
{
	const SpecForward forward = { .protocol = PROTOCOL_UDP, .host = 53 };
	Fault fault = { 0 };

	assert_int_equal(fault_port_taken("net0", &forward, &(PortHolder){ .uid = 33 }, &fault),
			 -EADDRINUSE);
	assert_string_equal(fault.why, "it is open in a process of uid 33, which we cannot see");
	assert_non_null(strstr(fault.remedy, "ss -lntup tells who has it"));
	fault_done(&fault);

	(void) fault_port_taken("net0", &forward,
				&(PortHolder){ "dns", "pid 7 (passt)", 7, 400007 }, &fault);
	assert_string_equal(fault.why, "VM dns has it: it is open in pid 7 (passt)");
	assert_string_equal(fault_evidence_get(&fault, "holder_pid"), "7");
	assert_non_null(strstr(fault.remedy, "mvmd stop dns"));
	fault_done(&fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_other_ports),
		cmocka_unit_test(test_two_specs),
		cmocka_unit_test(test_who_has_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
