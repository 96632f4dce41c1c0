/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/facts-json.h"
#include "model/plan-issues.h"
#include "model/version.h"

static Version version_of(const char *text)
{
	Version version;

	assert_true(version_read(text, &version, NULL));
	return version;
}

static void versions_are_ordered(_unused_ void **state)
{
	static const char *const rising[] = {
		"4.9",	    "6.6.63",	 "6.6.64-rc1", "6.6.64",  "v6.6.65",
		"6.11-rc2", "6.11-rc10", "6.11",       "6.11.11", "53",
	};
	Version none, a = version_of("6.6"), b = version_of("6.6.0-58-generic");

	for (size_t i = 0; i + 1 < ELEMENTSOF(rising); i++) {
		Version low = version_of(rising[i]), high = version_of(rising[i + 1]);

		assert_true(version_compare(&low, &high) < 0);
		assert_true(version_compare(&high, &low) > 0);
	}
	assert_int_equal(version_compare(&a, &b), 0);
	assert_false(a.has_suffix);
	assert_true(b.has_suffix);
	assert_false(version_of("6.6.64-rc1").has_suffix);
	assert_true(version_of("6.6.64-rc1-next").has_suffix);
	assert_false(version_read("", &none, NULL));
	assert_false(version_read("linux", &none, NULL));
	assert_false(version_read("99999999999999999999.1", &none, NULL));
}

static bool contains(const char *ranges, const char *text)
{
	Version version = version_of(text);

	return ranges_contain(ranges, &version);
}

static void ranges_are_half_open(_unused_ void **state)
{
	static const char *const wrong[] = {
		"",	     "6.6",	  "6.6..6.5",	    "6.6..6.6", "..",
		"6.6...6.7", "6.6..6.7,", "6.6..6.7 6.9..", "x",
	};

	assert_false(contains("6.6.64..6.6.65, 6.11.11..6.12", "6.6.63"));
	assert_true(contains("6.6.64..6.6.65, 6.11.11..6.12", "6.6.64"));
	assert_false(contains("6.6.64..6.6.65, 6.11.11..6.12", "6.6.65"));
	assert_true(contains("6.6.64..6.6.65, 6.11.11..6.12", "6.11.11"));
	assert_false(contains("6.6.64..6.6.65, 6.11.11..6.12", "6.12"));
	assert_true(contains("..5.13", "4.19.2"));
	assert_true(contains("6.5-rc4..", "6.5"));
	assert_false(contains("6.5-rc4..", "6.5-rc3"));
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
		assert_false(ranges_are_valid(wrong[i]));
}

/* The list that is shipped. */
static void read_shipped(KnownIssues *ret)
{
	SpecDoc doc = { .role = SPEC_DOC_MAIN, .file = (char[]){ "known-issues.json" } };
	_cleanup_free_ char *path =
		str_printf("%s/contrib/known-issues.json", getenv("TOP") ?: ".");
	Problems problems = { 0 };
	FILE *file;

	assert_non_null(path);
	file = fopen(path, "re");
	assert_non_null(file);
	doc.text = malloc(SPEC_FILE_MAX_BYTES);
	assert_non_null(doc.text);
	doc.length = fread(doc.text, 1, SPEC_FILE_MAX_BYTES, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(known_issues_parse(&doc, 1, ret, &problems), 0);
	assert_int_equal(problems.n, 0);
	free(doc.text);
}

/* Which VM the rows are held against. */
static IssueFacts pvh_guest(const char *release, const char *banner)
{
	return (IssueFacts){
		.guest = { release, banner },
		.host = { "6.12.1", "#1 SMP" },
		.vmm = VMM_CLOUD_HYPERVISOR,
		.vmm_version = "53.0.0",
		.boot_protocol = BOOT_PVH,
		.arch = ARCH_X86,
		.accel = ACCEL_KVM,
	};
}

static IssueFit fit(const char *id, IssueFacts facts)
{
	KnownIssues issues;
	const KnownIssue *issue;
	IssueFit result;

	read_shipped(&issues);
	issue = known_issue_find(&issues, id);
	assert_non_null(issue);
	result = known_issue_match(issue, &facts);
	known_issues_done(&issues);
	return result;
}

static void pvh_is_of_the_guest(_unused_ void **state)
{
	IssueFacts facts = pvh_guest("6.6.64", "6.6.64 (nixbld@localhost) #1-NixOS SMP");

	assert_int_equal(fit("PVH-6664", facts), ISSUE_FITS);
	assert_int_equal(fit("PVH-6664", pvh_guest("6.6.63", NULL)), ISSUE_FITS_NOT);
	assert_int_equal(fit("PVH-6664", pvh_guest("6.6.65", NULL)), ISSUE_FITS_NOT);
	assert_int_equal(fit("PVH-6664", pvh_guest("6.6.64-rc1", NULL)), ISSUE_FITS_NOT);
	assert_int_equal(fit("PVH-6664", pvh_guest("6.11.11", NULL)), ISSUE_FITS_NOT);
	assert_int_equal(fit("PVH-61111", pvh_guest("6.11.11", NULL)), ISSUE_FITS);
	assert_int_equal(fit("PVH-61111", pvh_guest("6.12.11", NULL)), ISSUE_FITS_NOT);
	assert_int_equal(fit("PVH-6664", pvh_guest("6.6.64-0-lts", NULL)), ISSUE_LOOKS_AFFECTED);
	/* Of this distribution's build it is known: Qubes #9638. */
	assert_int_equal(fit("PVH-6664", pvh_guest("6.6.64-1.qubes.fc37", NULL)), ISSUE_FITS);

	facts.boot_protocol = BOOT_LINUX; /* the same kernel as a bzImage */
	assert_int_equal(fit("PVH-6664", facts), ISSUE_FITS_NOT);
	facts.boot_protocol = BOOT_UNKNOWN;
	assert_int_equal(fit("PVH-6664", facts), ISSUE_FITS_NOT);

	facts = pvh_guest("6.12.1", NULL); /* the host's version is of no account */
	facts.host = (KernelNames){ "6.6.64", "#1 SMP" };
	assert_int_equal(fit("PVH-6664", facts), ISSUE_FITS_NOT);
	assert_int_equal(fit("PVH-6664", pvh_guest(NULL, NULL)), ISSUE_FITS_NOT);
}

static void debian_tells_its_version_in_the_build(_unused_ void **state)
{
	IssueFacts facts = pvh_guest("6.1.0-25-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.106-3");

	facts.interfaces = true;
	assert_int_equal(fit("TUN-GSO-EINVAL", facts), ISSUE_LOOKS_AFFECTED);
	facts.guest.build = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-1 (2026-09-01)";
	facts.guest.release = "6.1.0-56-amd64";
	assert_int_equal(fit("TUN-GSO-EINVAL", facts), ISSUE_FITS_NOT);
	facts.guest.build = NULL;
	assert_int_equal(fit("TUN-GSO-EINVAL", facts), ISSUE_FITS_NOT);
}

static void sides_and_conditions(_unused_ void **state)
{
	IssueFacts facts = pvh_guest("6.12.1", NULL);

	facts.host.release = "6.8.0-58-generic";
	assert_int_equal(fit("KVM-NX-ENOMEM", facts), ISSUE_FITS);
	facts.host.release = "6.8.0-57-generic";
	assert_int_equal(fit("KVM-NX-ENOMEM", facts), ISSUE_FITS_NOT);
	facts.guest.release = "6.8.0-58-generic";
	assert_int_equal(fit("KVM-NX-ENOMEM", facts), ISSUE_FITS_NOT);

	facts = pvh_guest("6.12.1", NULL);
	facts.host.release = "6.6.44"; /* either side's kernel may have it */
	assert_int_equal(fit("TUN-GSO-EINVAL", facts), ISSUE_FITS_NOT);
	facts.interfaces = true;
	assert_int_equal(fit("TUN-GSO-EINVAL", facts), ISSUE_FITS);

	facts = pvh_guest("6.12.1", NULL);
	facts.vsock = true;
	assert_int_equal(fit("CH-VSOCK-HALF-CLOSE", facts), ISSUE_FITS_NOT);
	facts.vmm_version = "52.1.0";
	assert_int_equal(fit("CH-VSOCK-HALF-CLOSE", facts), ISSUE_FITS);
	facts.vmm = VMM_QEMU;
	assert_int_equal(fit("CH-VSOCK-HALF-CLOSE", facts), ISSUE_FITS_NOT);
	assert_int_equal(fit("CH-WATCHDOG", pvh_guest("6.12.1", NULL)), ISSUE_FITS_NOT);
}

static void backends_have_versions(_unused_ void **state)
{
	IssueFacts facts = pvh_guest("6.12.1", NULL);

	facts.shares = true;
	assert_int_equal(fit("FUSE-SUPPGRP", facts), ISSUE_FITS_NOT);
	facts.backend_versions[ISSUE_BACKEND_VIRTIOFSD] = "1.13.0";
	assert_int_equal(fit("FUSE-SUPPGRP", facts), ISSUE_FITS);
	facts.guest.release = "6.1.153"; /* which does not send it */
	assert_int_equal(fit("FUSE-SUPPGRP", facts), ISSUE_FITS_NOT);
	facts.guest.release = "6.12.1";
	facts.backend_versions[ISSUE_BACKEND_VIRTIOFSD] = "1.14.0";
	assert_int_equal(fit("FUSE-SUPPGRP", facts), ISSUE_FITS_NOT);
	facts.backend_versions[ISSUE_BACKEND_VIRTIOFSD] = NULL;
	facts.backend_versions[ISSUE_BACKEND_VIRTIOFSD_C] = "1.13.0"; /* another program */
	assert_int_equal(fit("FUSE-SUPPGRP", facts), ISSUE_FITS_NOT);
}

static void what_is_probed(_unused_ void **state)
{
	bool holds[_HOST_PROBE_MAX] = { false };
	IssueFacts facts = pvh_guest("6.12.1", NULL);

	facts.host.release = "6.6.1";
	assert_int_equal(fit("KVM-SHADOW-UAF", facts), ISSUE_FITS_NOT);
	facts.probes = holds;
	assert_int_equal(fit("KVM-SHADOW-UAF", facts), ISSUE_FITS_NOT);
	assert_int_equal(fit("ZEN4-VLS", facts), ISSUE_FITS_NOT);
	holds[HOST_NESTED_KVM] = true;
	assert_int_equal(fit("KVM-SHADOW-UAF", facts), ISSUE_FITS);
	assert_int_equal(fit("ZEN4-VLS", facts), ISSUE_FITS_NOT);
	facts.accel = ACCEL_TCG; /* which leaves KVM alone */
	assert_int_equal(fit("KVM-SHADOW-UAF", facts), ISSUE_FITS_NOT);

	facts.vmm_version = "51.0";
	assert_int_equal(fit("CH-IO-URING-51", facts), ISSUE_FITS_NOT);
	holds[HOST_IO_URING_DISABLED] = true;
	assert_int_equal(fit("CH-IO-URING-51", facts), ISSUE_FITS);
}

/* Only one that is proven, surely fits, is as severe as that and is not allowed. */
static void few_refuse(_unused_ void **state)
{
	KnownIssue issue = { .severity = ISSUE_REFUSE, .proof = ISSUE_PROVEN };
	FittingIssue fitting = { .issue = &issue, .fit = ISSUE_FITS };

	assert_true(fitting_issue_refuses(&fitting));
	fitting.allowed = true;
	assert_false(fitting_issue_refuses(&fitting));
	fitting.allowed = false;
	fitting.fit = ISSUE_LOOKS_AFFECTED;
	assert_false(fitting_issue_refuses(&fitting));
	fitting.fit = ISSUE_FITS;
	issue.proof = ISSUE_STATED;
	assert_false(fitting_issue_refuses(&fitting));
	issue.proof = ISSUE_PROVEN;
	issue.severity = ISSUE_WARN;
	assert_false(fitting_issue_refuses(&fitting));
}

/* Where a row stands wrong, by its pointer. */
static void wrong_at(const char *row, const char *pointer)
{
	char *text =
		str_printf("{ \"issues\": [ { \"id\": \"X\", \"side\": \"backend\", "
			   "\"severity\": \"warn\", \"proof\": \"stated\", %s \"symptom\": "
			   "\"s\", \"why\": \"w\", \"remedy\": \"r\", \"sources\": \"s\" } ] }",
			   row);
	SpecDoc doc = { .role = SPEC_DOC_MAIN, .file = (char[]){ "known-issues.json" } };
	Problems problems = { 0 };
	KnownIssues issues;

	assert_non_null(text);
	doc.text = text;
	doc.length = strlen(text);
	assert_int_equal(known_issues_parse(&doc, 1, &issues, &problems), -EINVAL);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.items[0].pointer, pointer);
	problems_done(&problems);
	free(text);
}

static void wrong_rows_are_told(_unused_ void **state)
{
	wrong_at("\"backends\": \"1.7..1.8\",", "/issues/0/backend");
	wrong_at("\"backend\": \"virtiofsd\", \"backends\": \"1.8..1.7\",", "/issues/0/backends");
	wrong_at("\"backend\": \"passt\",", "/issues/0/backend");
	wrong_at("\"probe\": \"moon-phase\",", "/issues/0/probe");
	wrong_at("\"explains\": \"everything\",", "/issues/0/explains");
	wrong_at("\"accel\": \"auto\",", "/issues/0/accel");
}

static void the_told_are_sorted(_unused_ void **state)
{
	IssueFacts facts = pvh_guest("6.6.64", NULL);
	FaultList faults = { 0 };
	KnownIssues issues;

	facts.host = (KernelNames){ "6.1.1-1-amd64", NULL };
	read_shipped(&issues);
	assert_int_equal(known_issues_tell(&issues, &facts, &faults), 0);
	assert_true(faults.n >= 2);
	assert_string_equal(faults.items[0].id, "known-issue");
	assert_non_null(strstr(faults.items[0].what, "PVH-6664: the guest's kernel 6.6.64 has it"));
	assert_non_null(strstr(faults.items[0].remedy, "6.6.65 or later"));
	assert_string_equal(faults.items[faults.n - 1].id, "known-issue-minor");
	for (size_t i = 0; i < faults.n; i++)
		assert_int_equal(faults.items[i].exit_code, 0);
	fault_list_done(&faults);
	known_issues_done(&issues);
}

/* What is not known is null, and a program of two backends is there once. */
static void facts_as_data(_unused_ void **state)
{
	Facts facts = { .host = { .release = (char[]){ "6.1.5" } },
			.virtiofsd = { .path = (char[]){ "/v" }, .version = (char[]){ "1.14.0" } },
			.guest_kernel = { .kind = IMAGE_ELF, .version = (char[]){ "6.6.64" } },
			.arch = ARCH_X86 };
	Program vmm = { .path = (char[]){ "/ch" } };
	PlanBackend shares[] = { { .kind = BACKEND_VIRTIOFSD }, { .kind = BACKEND_VIRTIOFSD } };
	Spec spec = { .n_shares = 2 };
	Plan plan = { .spec = &spec,
		      .facts = &facts,
		      .vmm = VMM_CLOUD_HYPERVISOR,
		      .accel = ACCEL_KVM,
		      .vmm_program = &vmm,
		      .boot_protocol = BOOT_PVH,
		      .backends = shares,
		      .n_backends = ELEMENTSOF(shares) };
	HostConf conf = { 0 };
	FittingIssues fitting;
	KnownIssues issues;
	_cleanup_free_ char *words = NULL;
	json_t *json = facts_to_json(&plan), *wanted;

	assert_non_null(json);
	assert_true(json_is_null(json_object_get(json, "known_issues")));
	json_decref(json);

	read_shipped(&issues);
	assert_int_equal(plan_issues_find(&plan, &conf, &issues, &fitting), 0);
	plan.issues = &fitting;
	json = facts_to_json(&plan);
	wanted = json_pack("{s:s, s:s, s:{s:s, s:n}, s:{s:s, s:s, s:s}, s:{s:s, s:n, s:s},"
			   " s:[{s:s, s:s, s:s}]}",
			   "arch", "x86", "accel", "kvm", "host", "release", "6.1.5", "build",
			   "guest", "kernel", "6.6.64", "kind", "elf", "boot_protocol", "pvh",
			   "vmm", "kind", "cloud-hypervisor", "version", "path", "/ch", "backends",
			   "kind", "virtiofsd", "version", "1.14.0", "path", "/v");
	assert_non_null(wanted);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(
				json_object_get(json_object_get(json, "known_issues"), "fitting"),
				0),
			"id")),
		"PVH-6664");
	assert_int_equal(json_object_del(json, "known_issues"), 0);
	assert_true(json_equal(json, wanted));
	json_decref(json);
	json_decref(wanted);

	words = facts_to_words(&plan);
	assert_string_equal(words, "host kernel 6.1.5, guest kernel 6.6.64 (PVH), "
				   "cloud-hypervisor of unknown version, virtiofsd 1.14.0");
	fitting_issues_done(&fitting);
	known_issues_done(&issues);
}

/* Only after something was seen to happen, and only by rows that explain that. */
static void what_happened_is_explained(_unused_ void **state)
{
	IssueFacts facts = pvh_guest("6.6.64", NULL);
	FittingIssues fitting;
	KnownIssues issues;
	Fault fault = { 0 };

	facts.host.release = "6.1.1"; /* whose row only costs time, and explains no death */
	read_shipped(&issues);
	assert_int_equal(known_issues_fitting(&issues, &facts, &fitting), 0);
	assert_false(fitting_issues_explain(NULL, ISSUE_EXPLAINS_SILENT_DEATH, &fault));
	assert_true(fitting.n >= 2);
	for (size_t i = 0; i < fitting.n; i++)
		assert_true(streq(fitting.items[i].issue->id, "PVH-6664") ==
			    (fitting.items[i].issue->explains == ISSUE_EXPLAINS_SILENT_DEATH));
	assert_null(fault.why);
	(void) fault_why(&fault, "tap and backends are not to blame");
	assert_true(fitting_issues_explain(&fitting, ISSUE_EXPLAINS_SILENT_DEATH, &fault));
	assert_non_null(strstr(fault.why, "PVH-6664: the guest's kernel 6.6.64 has it"));
	assert_non_null(strstr(fault.why, "not to blame"));
	assert_non_null(strstr(fault.remedy, "6.6.65 or later"));
	assert_string_equal(fault_evidence_get(&fault, "issue"), "PVH-6664");
	fault_done(&fault);
	fitting_issues_done(&fitting);

	facts.guest.release = "6.6.65";
	assert_int_equal(known_issues_fitting(&issues, &facts, &fitting), 0);
	assert_false(fitting_issues_explain(&fitting, ISSUE_EXPLAINS_SILENT_DEATH, &fault));
	assert_null(fault.why);
	fitting_issues_done(&fitting);
	known_issues_done(&issues);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_ordered),
		cmocka_unit_test(ranges_are_half_open),
		cmocka_unit_test(pvh_is_of_the_guest),
		cmocka_unit_test(debian_tells_its_version_in_the_build),
		cmocka_unit_test(sides_and_conditions),
		cmocka_unit_test(backends_have_versions),
		cmocka_unit_test(what_is_probed),
		cmocka_unit_test(few_refuse),
		cmocka_unit_test(wrong_rows_are_told),
		cmocka_unit_test(the_told_are_sorted),
		cmocka_unit_test(facts_as_data),
		cmocka_unit_test(what_happened_is_explained),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
