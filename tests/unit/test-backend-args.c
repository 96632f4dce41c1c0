/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of the backends; each was tried with the real program (tests/parts/test-backend.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/backend-args.h"

#define TEXT(text) ((char *) (uintptr_t) (text)) /* string literals, which nobody writes to */

typedef struct World {
	Spec spec;
	Facts facts;
	Plan plan;
	PlanBackend backend;
	SpecDisk disk;
	SpecShare share;
	PathFact path;
} World;

static void world_init(World *world)
{
	*world = (World){
		.spec = { .cpus = 2, .disks = &world->disk, .n_disks = 1 },
		.facts = { .virtiofsd = { .path = TEXT("/usr/libexec/virtiofsd") },
			   .storage_daemon = { .path = TEXT("/usr/bin/qemu-storage-daemon") },
			   .paths = &world->path,
			   .n_paths = 1 },
		.plan = { .spec = &world->spec, .facts = &world->facts },
		.disk = { .id = TEXT("root"), .path = TEXT("/srv/a.raw") },
		.share = { .id = TEXT("data"), .tag = TEXT("data"), .source = TEXT("/srv/data") },
		.path = { .role = PATH_DISK, .mode = S_IFREG | 0600 },
	};
}

/* Compares with the words of 'expected', which ends with NULL. */
static void assert_args(const World *world, const char *const *expected)
{
	_cleanup_(str_list_done) StrList args = { 0 };
	size_t n = 0;

	assert_int_equal(backend_args(&world->plan, &world->backend, &args), 0);
	for (; expected[n]; n++) {
		assert_true(n < args.n);
		assert_string_equal(args.items[n], expected[n]);
	}
	assert_int_equal(args.n, n);
	assert_null(args.items[n]);
}

#define ASSERT_ARGS(world, ...) assert_args(world, (const char *const[]){ __VA_ARGS__, NULL })

static void serve_share(World *world, uid_t uid)
{
	world->backend = (PlanBackend){ .kind = BACKEND_VIRTIOFSD,
					.id = world->share.id,
					.share = &world->share,
					.identity = { .uid = uid, .gid = uid } };
}

static void serve_disk(World *world)
{
	world->backend = (PlanBackend){ .kind = BACKEND_STORAGE_DAEMON,
					.id = world->disk.id,
					.disk = &world->disk };
}

static void test_share_of_ordinary_user(void **state)
{
	World world;

	world_init(&world);
	serve_share(&world, 400000);
	ASSERT_ARGS(
		&world, "/usr/libexec/virtiofsd", "--fd=3", "--shared-dir=/srv/data",
		"--cache=auto", "--log-level=error", "--sandbox=namespace",
		"--uid-map=:0:400000:1:", "--gid-map=:0:400000:1:", "--inode-file-handles=never");
}

static void test_share_of_root(void **state)
{
	World world;

	world_init(&world);
	serve_share(&world, 0);
	world.share.readonly = true;
	ASSERT_ARGS(&world, "/usr/libexec/virtiofsd", "--fd=3", "--shared-dir=/srv/data",
		    "--cache=auto", "--log-level=error", "--sandbox=namespace", "--readonly");
}

/* One word stays one word, whatever the path is. */
static void test_share_with_odd_path(void **state)
{
	World world;

	world_init(&world);
	serve_share(&world, 0);
	world.share.source = TEXT("/srv/a,b c\\d\"%s");
	ASSERT_ARGS(&world, "/usr/libexec/virtiofsd", "--fd=3", "--shared-dir=/srv/a,b c\\d\"%s",
		    "--cache=auto", "--log-level=error", "--sandbox=namespace");
}

static void test_share_by_old_virtiofsd(void **state)
{
	World world;

	world_init(&world);
	serve_share(&world, 0);
	world.facts.virtiofsd_is_c = true;
	world.share.source = TEXT("/srv/a,b\\101");
	ASSERT_ARGS(&world, "/usr/libexec/virtiofsd", "--fd=3", "-f", "-o",
		    "source=/srv/a\\,b\\\\101", "-o",
		    "cache=auto,sandbox=namespace,log_level=warn");
}

static void test_disk(void **state)
{
	World world;

	world_init(&world);
	serve_disk(&world);
	ASSERT_ARGS(&world, "/usr/bin/qemu-storage-daemon", "--blockdev",
		    "driver=file,node-name=file,read-only=off,auto-read-only=off,"
		    "filename=/srv/a.raw",
		    "--blockdev",
		    "driver=raw,node-name=disk,read-only=off,auto-read-only=off,file=file",
		    "--export",
		    "type=vhost-user-blk,id=export,node-name=disk,writable=on,num-queues=2,"
		    "addr.type=fd,addr.str=3");
}

static void test_disk_that_is_device_qcow2_readonly_with_comma(void **state)
{
	World world;

	world_init(&world);
	serve_disk(&world);
	world.disk.path = TEXT("/dev/a,b");
	world.disk.format = DISK_QCOW2;
	world.disk.readonly = true;
	world.path.mode = S_IFBLK | 0600;
	ASSERT_ARGS(&world, "/usr/bin/qemu-storage-daemon", "--blockdev",
		    "driver=host_device,node-name=file,read-only=on,auto-read-only=off,"
		    "filename=/dev/a,,b",
		    "--blockdev",
		    "driver=qcow2,node-name=disk,read-only=on,auto-read-only=off,file=file",
		    "--export",
		    "type=vhost-user-blk,id=export,node-name=disk,writable=off,num-queues=2,"
		    "addr.type=fd,addr.str=3");
}

/* Each protocol has an option; a port of the same number is written, too. */
static void test_passt(void **state)
{
	SpecForward forward[] = {
		{ .protocol = PROTOCOL_TCP, .host = 8080, .guest = 80 },
		{ .protocol = PROTOCOL_UDP, .address = TEXT("127.0.0.1"), .host = 5353 },
		{ .protocol = PROTOCOL_TCP, .address = TEXT("::1"), .host = 8443, .guest = 443 },
	};
	SpecInterface interface = { .id = TEXT("net0") };
	World world;

	world_init(&world);
	world.facts.passt.path = TEXT("/usr/bin/passt");
	world.backend = (PlanBackend){ .kind = BACKEND_PASST, .interface = &interface };
	ASSERT_ARGS(&world, "/usr/bin/passt", "--vhost-user", "--fd", "3", "--foreground",
		    "--quiet", "--no-map-gw");
	assert_true(backend_serves_a_connection(&world.backend));

	interface.mtu = 1500;
	interface.passt = (SpecPasst){ .forward = forward, .n_forward = ELEMENTSOF(forward) };
	ASSERT_ARGS(&world, "/usr/bin/passt", "--vhost-user", "--fd", "3", "--foreground",
		    "--quiet", "--no-map-gw", "--mtu", "1500", "--tcp-ports", "8080:80",
		    "--udp-ports", "127.0.0.1/5353:5353", "--tcp-ports", "::1/8443:443");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passt),
		cmocka_unit_test(test_share_of_ordinary_user),
		cmocka_unit_test(test_share_of_root),
		cmocka_unit_test(test_share_with_odd_path),
		cmocka_unit_test(test_share_by_old_virtiofsd),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_disk_that_is_device_qcow2_readonly_with_comma),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
