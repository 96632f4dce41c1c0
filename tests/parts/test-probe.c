/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about this host, with programs of our own in a PATH of our own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/probe.h"
#include "host/spawn.h"

#define RM_LIMIT_USEC (30 * USEC_PER_SEC)
#define UID_FIRST     700000
#define TEXT(text)    ((char *) (uintptr_t) (text)) /* string literals, which nobody writes to */

typedef struct World {
	char directory[32]; /* holds "bin", "state", "asked" */
	Spec spec;
	HostConf host_conf;
	ProbeOptions options;
	Facts facts;
	char state[64];
} World;

static int setup(void **state)
{
	World *world = calloc(1, sizeof(*world));
	char path[64];

	assert_non_null(world);
	(void) strcpy(world->directory, "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	assert_int_equal(chmod(world->directory, 0755), 0);
	(void) snprintf(path, sizeof(path), "%s/bin", world->directory);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	(void) snprintf(world->state, sizeof(world->state), "%s/state", world->directory);
	assert_int_equal(mkdir(world->state, 0755), 0);
	world->host_conf.uid_range = (UidRange){ .first = UID_FIRST, .count = 1 };
	world->options.state_directory = world->state;
	world->options.host_conf = &world->host_conf;
	world->spec = (Spec){ .name = TEXT("web1"), .cpus = 1 };
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	World *world = *state;
	char *const argv[] = { TEXT("rm"), TEXT("-r"), world->directory, NULL };
	_cleanup_free_ char *output = NULL;

	facts_done(&world->facts);
	assert_int_equal(spawn_read("/bin/rm", argv, RM_LIMIT_USEC, &output), 0);
	free(world);
	return 0;
}

/* A program that says a version, and leaves a mark each time it is asked. */
static void install(const World *world, const char *name, const char *says)
{
	char path[96];
	FILE *file;

	(void) snprintf(path, sizeof(path), "%s/bin/%s", world->directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	(void) fprintf(file, "#!/bin/sh\necho x >>%s/asked\necho '%s'\n", world->directory, says);
	(void) fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static long times_asked(const World *world)
{
	char path[64];
	struct stat st;

	(void) snprintf(path, sizeof(path), "%s/asked", world->directory);
	return stat(path, &st) < 0 ? 0 : (long) st.st_size / 2;
}

static void probe(World *world)
{
	Fault fault = { 0 };

	facts_done(&world->facts);
	if (facts_probe(&world->spec, &world->options, &world->facts, &fault) < 0)
		fail_msg("%s", fault.what);
}

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("# uids of VMs are root's to give\n");
	skip();
}

static void assert_version(const char *text, const char *version, unsigned major, unsigned minor)
{
	Program program = { 0 };

	assert_true(version_parse(text, &program));
	assert_string_equal(program.version, version);
	assert_int_equal(program.major, major);
	assert_int_equal(program.minor, minor);
	free(program.version);
}

static void test_versions(void **state)
{
	Program program = { 0 };

	assert_version("cloud-hypervisor v53.0", "53.0", 53, 0);
	assert_version("cloud-hypervisor v52.1.0-14-gabc", "52.1.0-14-gabc", 52, 1);
	assert_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", "7.2.22", 7, 2);
	assert_version("virtiofsd 1.13.0", "1.13.0", 1, 13);
	assert_version("x86 2 tool 3.4, built today", "3.4", 3, 4);
	assert_false(version_parse("", &program));
	assert_false(version_parse("version 7", &program));
	assert_false(version_parse("7. of 8", &program));
	assert_null(program.version);
}

/* The first line of a file; "" where there is none. */
static void first_line(const char *path, char line[256])
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return;
	if (!fgets(line, 256, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	(void) fclose(file);
}

static void test_host(void **state)
{
	World *world = *state;
	char line[256];

	probe(world);
	first_line("/proc/sys/kernel/osrelease", line);
	assert_string_equal(world->facts.host.release, line);
	first_line("/proc/sys/kernel/version", line);
	assert_string_equal(world->facts.host.build, line);
	first_line("/proc/sys/kernel/io_uring_disabled", line);
	assert_int_equal(world->facts.host.holds[HOST_IO_URING_DISABLED], streq(line, "2"));
	assert_false(world->facts.host.holds[HOST_PROBE_NONE]);
	/* A model of Zen 4 is one of AMD's. */
	assert_true(world->facts.host.holds[HOST_AMD_CPU] ||
		    !world->facts.host.holds[HOST_ZEN4_CLIENT_CPU]);
}

static void test_program(void **state)
{
	World *world = *state;

	install(world, "cloud-hypervisor", "cloud-hypervisor v53.0");
	probe(world);
	assert_non_null(strstr(world->facts.cloud_hypervisor.path, "/bin/cloud-hypervisor"));
	assert_string_equal(world->facts.cloud_hypervisor.version, "53.0");
	assert_int_equal(world->facts.cloud_hypervisor.major, 53);
	assert_null(world->facts.storage_daemon.path); /* nobody needs it */
}

/* In a folder of root's own; for root itself it is no obstacle. */
static void test_program_that_the_vm_may_not_execute(void **state)
{
	World *world = *state;

	need_root();
	install(world, "cloud-hypervisor", "cloud-hypervisor v53.0");
	assert_int_equal(chmod(getenv("PATH"), 0700), 0);
	probe(world);
	assert_int_equal(world->facts.cloud_hypervisor.major, 53);
	assert_int_equal(world->facts.cloud_hypervisor.error, -EACCES);
	assert_int_equal(world->facts.cloud_hypervisor.uid, UID_FIRST);
	assert_int_equal(chmod(getenv("PATH"), 0755), 0);
	probe(world);
	assert_int_equal(world->facts.cloud_hypervisor.error, 0);
}

static void test_cache(void **state)
{
	World *world = *state;
	char path[96];
	FILE *file;

	install(world, "cloud-hypervisor", "cloud-hypervisor v52.0");
	probe(world);
	probe(world);
	assert_int_equal(times_asked(world), 1);
	assert_int_equal(world->facts.cloud_hypervisor.major, 52);

	install(world, "cloud-hypervisor", "cloud-hypervisor v153.0"); /* an upgrade */
	probe(world);
	assert_int_equal(times_asked(world), 2);
	assert_int_equal(world->facts.cloud_hypervisor.major, 153);

	(void) snprintf(path, sizeof(path), "%s/.programs.json", world->state);
	file = fopen(path, "we");
	(void) fputs("{\"", file);
	(void) fclose(file);
	probe(world);
	assert_int_equal(times_asked(world), 3);
	assert_int_equal(world->facts.cloud_hypervisor.major, 153);
	probe(world);
	assert_int_equal(times_asked(world), 3);
}

static void test_no_state_directory(void **state)
{
	World *world = *state;

	install(world, "cloud-hypervisor", "cloud-hypervisor v53.0");
	assert_int_equal(rmdir(world->state), 0);
	probe(world);
	assert_int_equal(world->facts.cloud_hypervisor.major, 53);
	assert_int_equal(mkdir(world->state, 0755), 0); /* for the teardown; nobody made it */
}

static void test_program_without_version(void **state)
{
	World *world = *state;

	install(world, "cloud-hypervisor", "I would rather not say");
	probe(world);
	assert_non_null(world->facts.cloud_hypervisor.path);
	assert_null(world->facts.cloud_hypervisor.version);
}

static void test_only_what_is_needed(void **state)
{
	World *world = *state;
	_cleanup_free_ char *qemu = NULL;
	struct utsname host;

	assert_int_equal(uname(&host), 0);
	qemu = str_printf("qemu-system-%s", host.machine);
	install(world, "cloud-hypervisor", "cloud-hypervisor v53.0");
	install(world, qemu, "QEMU emulator version 9.1.0");
	world->spec.vmm = VMM_QEMU;
	probe(world);
	assert_int_equal(times_asked(world), 1);
	assert_int_equal(world->facts.qemu.major, 9);
	assert_null(world->facts.cloud_hypervisor.path);
}

/* The Rust one is preferred though it comes later in the PATH. */
static void test_virtiofsd(void **state)
{
	World *world = *state;
	_cleanup_free_ char *path = NULL, *other = NULL;
	SpecShare share = { .id = TEXT("a"), .tag = TEXT("a"), .source = TEXT("/") };

	world->spec.shares = &share;
	world->spec.n_shares = 1;
	world->spec.vmm = VMM_QEMU;
	install(world, "virtiofsd", "virtiofsd version 7.2.22 (Debian)");
	other = str_printf("%s/bin/other", world->directory);
	assert_int_equal(mkdir(other, 0755), 0);
	install(world, "other/virtiofsd", "virtiofsd 1.13.0");
	path = str_printf("%s/bin:%s", world->directory, other);
	assert_int_equal(setenv("PATH", path, 1), 0);
	probe(world);
	assert_false(world->facts.virtiofsd_is_c);
	assert_string_equal(world->facts.virtiofsd.version, "1.13.0");
}

static void test_identity_of_its_own(void **state)
{
	World *world = *state;

	need_root();
	probe(world);
	assert_int_equal(world->facts.vm.uid, UID_FIRST);
	assert_int_equal(world->facts.vm.gid, UID_FIRST);
	assert_true(world->facts.vm_uid_is_new);
	probe(world);
	assert_true(world->facts.vm_uid_is_new); /* a look takes nothing */
	world->options.allocate_uid = true;
	probe(world);
	probe(world);
	assert_false(world->facts.vm_uid_is_new);
	assert_int_equal(world->facts.vm.uid, UID_FIRST);
}

/* The range has one uid, and another VM has it. */
static void test_no_uid_left(void **state)
{
	World *world = *state;
	_cleanup_(fault_done) Fault fault = { 0 };

	need_root();
	world->options.allocate_uid = true;
	probe(world);
	facts_done(&world->facts);
	world->spec.name = TEXT("web2");
	assert_int_equal(facts_probe(&world->spec, &world->options, &world->facts, &fault),
			 -ENOSPC);
	assert_non_null(strstr(fault.remedy, "host.conf"));

	world->host_conf.uid_range.first = UID_FIRST + 1;
	probe(world);
	assert_int_equal(world->facts.vm.uid, UID_FIRST + 1);
}

static void test_named_users(void **state)
{
	World *world = *state;
	SpecShare shares[] = {
		{ .id = TEXT("a"), .tag = TEXT("a"), .source = TEXT("/"), .user = TEXT("root") },
		{ .id = TEXT("b"), .tag = TEXT("b"), .source = TEXT("/") }
	};

	world->spec.user = TEXT("daemon");
	world->spec.shares = shares;
	world->spec.n_shares = 2;
	world->spec.vmm = VMM_QEMU;
	probe(world);
	assert_int_equal(world->facts.vm.uid, 1); /* Debian, Fedora and LSB agree */
	assert_int_equal(world->facts.share_users[0].uid, 0);
	assert_int_equal(world->facts.share_users[1].uid, 1);
	assert_int_equal(world->facts.user_error, 0);

	world->spec.user = TEXT("no-such-user");
	probe(world);
	assert_int_equal(world->facts.user_error, -ESRCH);
	assert_string_equal(world->facts.unknown_user, "no-such-user");
}

static void test_paths(void **state)
{
	World *world = *state;
	_cleanup_free_ char *kernel = str_printf("%s/vmlinuz", world->directory);
	_cleanup_free_ char *image = str_printf("%s/disk", world->directory);
	SpecDisk disk = { .id = TEXT("root"), .path = image };
	const PathFact *fact;
	int fd;

	need_root();
	world->spec.boot.kernel = kernel;
	world->spec.disks = &disk;
	world->spec.n_disks = 1;
	fd = open(image, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, 4096), 0);
	(void) close(fd);

	probe(world);
	assert_int_equal(world->facts.n_paths, 2);
	fact = facts_path(&world->facts, PATH_KERNEL, 0);
	assert_int_equal(fact->error, -ENOENT);
	assert_string_equal(fact->blocked_at, kernel);
	fact = facts_path(&world->facts, PATH_DISK, 0);
	assert_int_equal(fact->error, -EACCES); /* to write, as the VM's own user */
	assert_int_equal(fact->size_bytes, 4096);
	assert_null(facts_path(&world->facts, PATH_SHARE, 0));

	disk.readonly = true;
	probe(world);
	assert_int_equal(facts_path(&world->facts, PATH_DISK, 0)->error, 0);
}

static void test_bridges(void **state)
{
	World *world = *state;
	SpecInterface interfaces[] = { { .id = TEXT("a"), .bridge = TEXT("lo") },
				       { .id = TEXT("b"), .bridge = TEXT("no-such-br") } };

	world->spec.interfaces = interfaces;
	world->spec.n_interfaces = 2;
	probe(world);
	assert_int_equal(world->facts.n_interfaces, 2);
	assert_int_equal(world->facts.bridges[0].ifindex, 1);
	assert_false(world->facts.bridges[0].is_bridge);
	assert_int_equal(world->facts.bridges[1].ifindex, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_versions),
		TEST(test_host),
		TEST(test_program),
		TEST(test_program_that_the_vm_may_not_execute),
		TEST(test_cache),
		TEST(test_no_state_directory),
		TEST(test_program_without_version),
		TEST(test_only_what_is_needed),
		TEST(test_virtiofsd),
		TEST(test_identity_of_its_own),
		TEST(test_no_uid_left),
		TEST(test_named_users),
		TEST(test_paths),
		TEST(test_bridges),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
