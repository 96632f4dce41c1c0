/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of each tests/spec/ok-*.json, as text, against the .plan beside it, on a host that has
 * everything and where br0 is there and br1 is not yet. A plan that changes is to be read and checked by a
 * person before it goes into the .plan.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/spec-load.h"
#include "model/plan.h"

#define SPECS	       "tests/spec"
#define PLAN_MAX_BYTES 8192
#define BRIDGE_MTU     9000
#define LINK_MTU       1500
#define VM_UID	       400000

#define TEXT(text) ((char[]){ text })
#define PROGRAM(file, words, first, second)                                                        \
	{                                                                                          \
		.path = TEXT(file), .version = TEXT(words), .major = (first), .minor = (second)    \
	}

static const Facts sound_host = {
	.net_admin = true,
	.setuid = true,
	.kvm = KVM_USABLE,
	.user_namespaces = true,
	.cloud_hypervisor = PROGRAM("/usr/bin/cloud-hypervisor", "53.0.0", 53, 0),
	.qemu = PROGRAM("/usr/bin/qemu-system-x86_64", "7.2.22", 7, 2),
	.storage_daemon = PROGRAM("/usr/bin/qemu-storage-daemon", "7.2.22", 7, 2),
	.passt = PROGRAM("/usr/bin/passt", "2025_05_03.587980c", 0, 0),
	.virtiofsd = PROGRAM("/usr/libexec/virtiofsd", "1.14.0", 1, 14),
	.vm = { .uid = VM_UID, .gid = VM_UID },
};

/* A host for this spec; the two arrays are to be freed. */
static Facts host_for(const Spec *spec)
{
	Facts facts = sound_host;

	facts.n_interfaces = spec->n_interfaces;
	facts.n_shares = spec->n_shares;
	facts.bridges = calloc(spec->n_interfaces + 1, sizeof(*facts.bridges));
	facts.share_users = calloc(spec->n_shares + 1, sizeof(*facts.share_users));
	assert_non_null(facts.bridges);
	assert_non_null(facts.share_users);
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (streq_null(spec_lower_link(&spec->interfaces[i]), "eth0"))
			facts.bridges[i] =
				(BridgeFact){ .ifindex = 2, .is_up = true, .mtu = LINK_MTU };
		else if (streq_null(spec->interfaces[i].bridge, "br0"))
			facts.bridges[i] = (BridgeFact){ .ifindex = 7,
							 .is_bridge = true,
							 .is_up = true,
							 .mtu = BRIDGE_MTU,
							 .vlan_filtering = TRISTATE_TRUE };
	for (size_t i = 0; i < spec->n_shares; i++)
		if (!streq_null(spec->shares[i].user, "root"))
			facts.share_users[i] = facts.vm;
	return facts;
}

static void read_golden(const char *path, char golden[PLAN_MAX_BYTES])
{
	FILE *file = fopen(path, "re");

	golden[0] = '\0';
	if (!file)
		return;
	golden[fread(golden, 1, PLAN_MAX_BYTES - 1, file)] = '\0';
	(void) fclose(file);
}

/* Returns true where the plan is the golden one; prints it where it is not. */
static bool is_golden(const char *folder, const char *spec_path, const char *golden_path)
{
	const Places places = { .spec_directory = folder };
	_cleanup_(spec_free_p) Spec *spec = NULL;
	_cleanup_(plan_free_p) Plan *plan = NULL;
	_cleanup_free_ char *text = NULL;
	char golden[PLAN_MAX_BYTES];
	Problems problems = { 0 };
	Fault fault = { 0 };
	Facts facts;
	bool same;

	assert_int_equal(spec_load(&places, spec_path, &spec, &problems, &fault), 0);
	facts = host_for(spec);
	assert_int_equal(plan_build(spec, &facts, "/run/mvmd", &plan, &fault), 0);
	assert_int_equal(plan_to_text(plan, &text), 0);
	read_golden(golden_path, golden);
	same = streq(text, golden);
	if (!same)
		printf("# %s is not what is planned:\n%s", golden_path, text);
	free(facts.bridges);
	free(facts.share_users);
	return same;
}

/* Each ok-NAME.json, and each folder ok-NAME with its web1.json. */
static void test_plans(void **state)
{
	glob_t found;
	bool good = true;

	assert_int_equal(glob(SPECS "/ok-*.json", 0, NULL, &found), 0);
	assert_int_equal(glob(SPECS "/ok-*/web1.json", GLOB_APPEND, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *spec = found.gl_pathv[i], *slash = strrchr(spec, '/');
		bool merged = streq(slash, "/web1.json");
		int length = (int) (merged ? slash - spec : strrchr(spec, '.') - spec);
		_cleanup_free_ char *golden = str_printf("%.*s.plan", length, spec);
		_cleanup_free_ char *folder = str_printf("%.*s", (int) (slash - spec), spec);

		assert_true(golden && folder);
		good &= is_golden(folder, spec, golden);
	}
	globfree(&found);
	assert_true(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plans) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
