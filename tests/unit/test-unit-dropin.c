/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that systemd is given of one VM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/unit-dropin.h"
#include "unit/specs.h"

#define HEAD                                                                                       \
	"# Written by mvmd-generator from the spec of web1, at boot and at each\n"                 \
	"# systemctl daemon-reload; mvmd@.service(8) tells more.\n"                                \
	"\n[Unit]\n"

static char *dropin_of(const char *json)
{
	Spec *spec = spec_of("web1", json);
	StartOrder order = { 0 };
	char *text = NULL;

	assert_int_equal(start_order_build(&spec, 1, &order), 0);
	assert_int_equal(unit_dropin_text(&order.vms[0], false, &text), 0);
	start_order_done(&order);
	(void) spec_free(spec);
	return text;
}

static void assert_dropin(const char *json, const char *wanted)
{
	_cleanup_free_ char *text = dropin_of(json);

	assert_string_equal(text, wanted);
}

static void test_least(void **state)
{
	assert_dropin("{ \"accel\": \"kvm\", \"boot\": { \"kernel\": \"/srv/vmlinuz\" } }",
		      HEAD "RequiresMountsFor=\"/srv/vmlinuz\"\n"
			   "\n[Service]\n");
}

static void test_attach(void **state)
{
	assert_dropin(
		"{ \"accel\": \"kvm\", \"boot\": { \"kernel\": \"/srv/vmlinuz\" }, \"interfaces\": ["
		"  { \"id\": \"a\", \"attach\": \"macvtap\", \"macvtap\": { \"link\": \"eth0\" } },"
		"  { \"id\": \"b\", \"attach\": \"passt\" },"
		"  { \"id\": \"c\", \"bridge\": \"br0\" } ] }",
		HEAD "RequiresMountsFor=\"/srv/vmlinuz\"\n"
		     "Wants=modprobe@macvtap.service\n"
		     "After=modprobe@macvtap.service\n"
		     "\n[Service]\n"
		     "# With QEMU and KVM the kernel moves the frames of taps.\n"
		     "DeviceAllow=/dev/vhost-net rw\n"
		     "# The device of its macvtap, /dev/tapN.\n"
		     "DeviceAllow=char-macvtap rw\n"
		     "# The sandbox of passt: namespaces, in which it sees no file.\n"
		     "RestrictNamespaces=user mnt pid ipc uts\n"
		     "SystemCallFilter=@mount unshare\n"
		     "# It makes the guest's connections, and takes those to its ports.\n"
		     "RestrictAddressFamilies=AF_INET AF_INET6\n"
		     "IPAddressAllow=any\n");
}

static void test_typical(void **state)
{
	assert_dropin(
		"{ \"vmm\": \"cloud-hypervisor\","
		"  \"boot\": { \"kernel\": \"/srv/vm/vmlinuz\", \"initramfs\": \"/srv/vm/initrd\","
		"              \"cmdline\": \"console=ttyS0 password=secret\" },"
		"  \"after\": [ \"db1\", { \"name\": \"router\" } ],"
		"  \"vsock\": {},"
		"  \"disks\": [ { \"id\": \"root\", \"path\": \"/srv/vm/web1.raw\" },"
		"             { \"id\": \"fast\", \"path\": \"/dev/vg0/web1\" },"
		"             { \"id\": \"iso\", \"path\": \"/dev/disk/by-id/x\", \"readonly\": true },"
		"             { \"id\": \"far\", \"socket\": \"/run/spdk.sock\" } ],"
		"  \"credentials\": { \"key\": { \"file\": \"/srv/key\" },"
		"                   \"password\": { \"credential\": \"db\" } },"
		"  \"shares\": [ { \"tag\": \"data\", \"source\": \"/srv/data\" } ] }",
		HEAD
		"After=mvmd@db1.service\n"
		"After=mvmd@router.service\n"
		"RequiresMountsFor=\"/srv/vm/vmlinuz\"\n"
		"RequiresMountsFor=\"/srv/vm/initrd\"\n"
		"RequiresMountsFor=\"/srv/vm/web1.raw\"\n"
		"RequiresMountsFor=\"/srv/data\"\n"
		"RequiresMountsFor=\"/srv/key\"\n"
		"\n[Service]\n"
		"# Its disks, and of no other VM.\n"
		"DeviceAllow=\"/dev/vg0/web1\" rw\n"
		"DeviceAllow=\"/dev/disk/by-id/x\" r\n"
		"# The sandbox of virtiofsd: namespaces, in which it mounts the share alone.\n"
		"RestrictNamespaces=user mnt pid net\n"
		"SystemCallFilter=@mount unshare\n"
		"# It mounts a /proc of its own, which takes a whole one to be there: the unit's is "
		"covered in part.\n"
		"TemporaryFileSystem=/run/mvmd-proc:mode=0700\n"
		"BindPaths=/proc:/run/mvmd-proc/proc:norbind\n");
}

/* What it may come to run under QEMU, which "auto" does not say before the start. */
static void test_qemu(void **state)
{
	assert_dropin("{ \"boot\": { \"firmware\": \"/srv/OVMF.fd\" }, \"vsock\": {} }",
		      HEAD "RequiresMountsFor=\"/srv/OVMF.fd\"\n"
			   "\n[Service]\n"
			   "# QEMU's vsock is a device of the kernel's.\n"
			   "DeviceAllow=/dev/vhost-vsock rw\n");
	assert_dropin("{ \"boot\": { \"firmware\": \"/srv/OVMF.fd\" }, \"ready\": \"guest\" }",
		      HEAD "RequiresMountsFor=\"/srv/OVMF.fd\"\n"
			   "\n[Service]\n"
			   "# QEMU's vsock is a device of the kernel's.\n"
			   "DeviceAllow=/dev/vhost-vsock rw\n"
			   "# There mvmd hears the guest say that it is ready.\n"
			   "RestrictAddressFamilies=AF_VSOCK\n");
	assert_dropin(
		"{ \"vmm\": \"cloud-hypervisor\", \"boot\": { \"firmware\": \"/srv/OVMF.fd\" },"
		"  \"ready\": \"guest\" }",
		HEAD "RequiresMountsFor=\"/srv/OVMF.fd\"\n"
		     "\n[Service]\n");
	assert_dropin("{ \"accel\": \"kvm\", \"boot\": { \"firmware\": \"/srv/OVMF.fd\" },"
		      "  \"interfaces\": [ { \"id\": \"net0\", \"bridge\": \"br0\" } ] }",
		      HEAD "RequiresMountsFor=\"/srv/OVMF.fd\"\n"
			   "\n[Service]\n"
			   "# With QEMU and KVM the kernel moves the frames of taps.\n"
			   "DeviceAllow=/dev/vhost-net rw\n");
	assert_dropin("{ \"accel\": \"tcg\", \"boot\": { \"firmware\": \"/srv/OVMF.fd\" } }",
		      HEAD "RequiresMountsFor=\"/srv/OVMF.fd\"\n"
			   "\n[Service]\n"
			   "# QEMU without KVM executes what it has just written.\n"
			   "MemoryDenyWriteExecute=no\n");
	assert_dropin(
		"{ \"accel\": \"kvm\", \"boot\": { \"firmware\": \"/srv/OVMF.fd\" }, \"netns\": \"blue\" }",
		HEAD "RequiresMountsFor=\"/srv/OVMF.fd\"\n"
		     "\n[Service]\n"
		     "# The network namespace of VMM and taps; mvmd itself may not enter one.\n"
		     "NetworkNamespacePath=/run/netns/blue\n");
}

static void test_root_shares(void **state)
{
	static const char root_lines[] =
		"CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER "
		"CAP_FSETID\n"
		"CapabilityBoundingSet=CAP_MKNOD CAP_SETFCAP CAP_SETPCAP CAP_SYS_ADMIN\n"
		"RestrictSUIDSGID=no\n";
	_cleanup_free_ char *alone = dropin_of(
		"{ \"boot\": { \"kernel\": \"/k\" },"
		"  \"shares\": [ { \"tag\": \"a\", \"source\": \"/a\", \"user\": \"root\" } ] }");
	_cleanup_free_ char *both = dropin_of(
		"{ \"boot\": { \"kernel\": \"/k\" },"
		"  \"shares\": [ { \"tag\": \"a\", \"source\": \"/a\", \"user\": \"root\" },"
		"                { \"tag\": \"b\", \"source\": \"/b\" } ] }");
	_cleanup_free_ char *by_vm =
		dropin_of("{ \"boot\": { \"kernel\": \"/k\" }, \"user\": \"root\","
			  "  \"shares\": [ { \"tag\": \"a\", \"source\": \"/a\" } ] }");
	_cleanup_free_ char *elsewhere =
		dropin_of("{ \"boot\": { \"kernel\": \"/k\" }, \"user\": \"root\","
			  "  \"shares\": [ { \"tag\": \"a\", \"socket\": \"/run/a\" } ] }");

	assert_non_null(strstr(alone, "\nRestrictNamespaces=mnt pid net\n"));
	assert_non_null(strstr(alone, "\nSystemCallFilter=@mount unshare setns\n"));
	assert_non_null(strstr(alone, root_lines));
	assert_non_null(strstr(both, "\nRestrictNamespaces=user mnt pid net\n"));
	assert_non_null(strstr(both, root_lines));
	assert_non_null(strstr(by_vm, root_lines));
	assert_null(strstr(elsewhere, "RestrictNamespaces"));
	assert_null(strstr(elsewhere, "CapabilityBoundingSet"));
}

/* The lines of a VM with such a share, what its spec has beside it, and the lines that say what it sees. */
static void assert_view(const char *more, const char *lines)
{
	_cleanup_free_ char *json =
		str_printf("{ \"user\": \"root\", \"boot\": { \"kernel\": \"/k\" }, %s }", more);
	_cleanup_free_ char *text = dropin_of(json);
	const char *view = strstr(text, "\nRestrictSUIDSGID=no\n");

	assert_non_null(view);
	assert_string_equal(view + strlen("\nRestrictSUIDSGID=no\n"), lines);
}

#define WRITABLE                                                                                   \
	"# Root's rights on files end where the spec does: nothing else can be written.\n"         \
	"ProtectSystem=strict\n"                                                                   \
	"ReadWritePaths=-/run/mvmd -/var/lib/mvmd\n"
#define ANYWHERE "# Its spec has the VM write anywhere.\nProtectSystem=full\n"
#define NO_HOMES "# Nor are users' homes any business of such a VM.\nProtectHome=yes\n"
#define HOMES	 "# Its spec names something in a user's home.\nProtectHome=no\n"

static void test_view(void **state)
{
	assert_view("\"shares\": [ { \"tag\": \"a\", \"source\": \"/srv/50%% a\" },"
		    "  { \"tag\": \"b\", \"source\": \"/srv/b\", \"readonly\": true },"
		    "  { \"tag\": \"c\", \"source\": \"/etc/c\" } ],"
		    "\"disks\": [ { \"id\": \"a\", \"path\": \"/homes/a.raw\" },"
		    "  { \"id\": \"b\", \"path\": \"/dev/vg0/b\" },"
		    "  { \"id\": \"c\", \"path\": \"/srv/c\", \"readonly\": true } ],"
		    "\"interfaces\": [ { \"id\": \"a\", \"attach\": \"vhost-user\", \"vhost_user\":"
		    "    { \"socket\": \"/run/ovs/a.sock\", \"mode\": \"server\" } },"
		    "  { \"id\": \"b\", \"attach\": \"vhost-user\", \"vhost_user\":"
		    "    { \"socket\": \"/run/vpp/b.sock\", \"mode\": \"client\" } } ]",
		    WRITABLE "ReadWritePaths=-\"/homes/a.raw\"\n"
			     "ReadWritePaths=-\"/srv/50%% a\"\n"
			     "ReadWritePaths=-\"/run/ovs\"\n" NO_HOMES);
	assert_view("\"shares\": [ { \"tag\": \"a\", \"source\": \"/home/\" } ]",
		    WRITABLE "ReadWritePaths=-\"/home/\"\n" HOMES);
	assert_view("\"shares\": [ { \"tag\": \"a\", \"source\": \"/a\" } ],"
		    "\"credentials\": { \"a\": { \"file\": \"//root/./key\" } }",
		    WRITABLE "ReadWritePaths=-\"/a\"\n" HOMES);
	assert_view("\"shares\": [ { \"tag\": \"a\", \"source\": \"/run\", \"readonly\": true } ]",
		    WRITABLE HOMES);
	assert_view("\"shares\": [ { \"tag\": \"a\", \"source\": \"/\" } ]", ANYWHERE HOMES);
	assert_view("\"shares\": [ { \"tag\": \"a\", \"source\": \"/a/../b\" } ]", ANYWHERE HOMES);
}

/* Words in quotes, and no specifiers. */
static void test_odd_paths(void **state)
{
	assert_dropin(
		"{ \"accel\": \"kvm\","
		"  \"boot\": { \"kernel\": \"/srv/my \\\"kernel\\\"\" },"
		"  \"disks\": [ { \"id\": \"a\", \"path\": \"/dev/disk/by-label/a\\\\x20b\" },"
		"             { \"id\": \"b\", \"path\": \"/srv/100%%.raw\" },"
		"             { \"id\": \"c\", \"path\": \"/srv/$HOME;'\xc3\xa4'\" },"
		"             { \"id\": \"d\", \"path\": \"/srv/../dev/sda\" },"
		"             { \"id\": \"e\", \"path\": \"/dev/..\" },"
		"             { \"id\": \"f\", \"path\": \"/srv/..x/y..\" } ] }",
		HEAD "RequiresMountsFor=\"/srv/my \\\"kernel\\\"\"\n"
		     "RequiresMountsFor=\"/srv/100%%.raw\"\n"
		     "RequiresMountsFor=\"/srv/$HOME;'\xc3\xa4'\"\n"
		     "RequiresMountsFor=\"/srv/..x/y..\"\n"
		     "\n[Service]\n"
		     "# Its disks, and of no other VM.\n"
		     "DeviceAllow=\"/dev/disk/by-label/a\\\\x20b\" rw\n");
}

static void test_circle(void **state)
{
	Spec *specs[] = {
		spec_of("a", "{ \"boot\": { \"kernel\": \"/k\" }, \"after\": [ \"b\", \"x\" ] }"),
		spec_of("b", "{ \"boot\": { \"kernel\": \"/k\" }, \"after\": [ \"a\", \"x\" ] }"),
	};
	_cleanup_free_ char *a = NULL, *b = NULL;
	StartOrder order = { 0 };

	assert_int_equal(start_order_build(specs, ELEMENTSOF(specs), &order), 0);
	assert_int_equal(unit_dropin_text(start_order_find(&order, "a"), false, &a), 0);
	assert_int_equal(unit_dropin_text(start_order_find(&order, "b"), false, &b), 0);
	assert_non_null(strstr(a, "After=mvmd@b.service\nAfter=mvmd@x.service\n"));
	assert_null(strstr(b, "After=mvmd@a.service"));
	assert_non_null(strstr(b, "After=mvmd@x.service"));
	start_order_done(&order);
	(void) spec_free(specs[0]);
	(void) spec_free(specs[1]);
}

static void assert_missing(const char *loaded, const char *wanted, const char *lines)
{
	StrList missing = { 0 };
	StrBuf buf = { 0 };

	assert_int_equal(unit_dropin_missing(loaded, wanted, &missing), 0);
	for (size_t i = 0; i < missing.n; i++)
		str_buf_add(&buf, "%s\n", missing.items[i]);
	assert_string_equal(buf.text ?: "", lines);
	str_buf_done(&buf);
	str_list_done(&missing);
}

static void test_missing(void **state)
{
	static const char wanted[] = HEAD "After=mvmd@a.service\n\n[Service]\nA=1\nB=2\n";

	assert_missing(NULL, wanted, "A=1\nB=2\n");
	assert_missing("", wanted, "A=1\nB=2\n");
	assert_missing(wanted, wanted, "");
	assert_missing("[Service]\nB=2\nA=1", wanted, "");
	assert_missing("[Service]\nA=12\nB=2\n", wanted, "A=1\n");
	assert_missing("", HEAD "\n[Service]\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least),	    cmocka_unit_test(test_attach),
		cmocka_unit_test(test_typical),	    cmocka_unit_test(test_qemu),
		cmocka_unit_test(test_root_shares), cmocka_unit_test(test_odd_paths),
		cmocka_unit_test(test_circle),	    cmocka_unit_test(test_missing),
		cmocka_unit_test(test_view),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
