/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/backend-args.h"

/* Appends text with each byte of 'special' preceded by 'escape'. */
static void add_escaped(StrBuf *buf, const char *text, const char *special, char escape)
{
	for (const char *c = text; *c; c++) {
		if (strchr(special, *c))
			str_buf_add_bytes(buf, &escape, 1);
		str_buf_add_bytes(buf, c, 1);
	}
}

/* One word of two parts, the second of which is a value with its special bytes escaped. */
static void add_word(StrList *list, const char *prefix, const char *value, const char *special,
		     char escape)
{
	_cleanup_(str_buf_done) StrBuf word = { 0 };

	str_buf_add(&word, "%s", prefix);
	add_escaped(&word, value, special, escape);
	if (word.failed)
		list->failed = true;
	else
		str_list_add(list, "%s", word.text);
}

/*
 * The Rust one. Measured with 1.14 under no_new_privs and without capabilities: for an ordinary user
 * the sandbox is a user namespace. It needs the user's own number mapped (to 0: then files are the
 * guest root's own, and virtiofsd does not warn that it cannot become root); with such a map of one number
 * no newuidmap(1) is called. File handles need CAP_DAC_READ_SEARCH. As root it is mount, pid and network
 * namespaces, and it takes all but the needed capabilities away itself.
 * What it says at "info" and "warn" it says at each reboot of the guest, and none of it is a fault.
 */
static void virtiofsd_args(const PlanBackend *backend, StrList *list)
{
	const SpecShare *share = backend->share;

	str_list_add(list, "--fd=%d", BACKEND_LISTENER_FD);
	str_list_add(list, "--shared-dir=%s", share->source);
	str_list_add(list, "--cache=auto");
	str_list_add(list, "--log-level=error");
	str_list_add(list, "--sandbox=namespace");
	if (backend->identity.uid != 0) {
		str_list_add(list, "--uid-map=:0:%u:1:", (unsigned) backend->identity.uid);
		str_list_add(list, "--gid-map=:0:%u:1:", (unsigned) backend->identity.gid);
		str_list_add(list, "--inode-file-handles=never");
	}
	if (share->readonly)
		str_list_add(list, "--readonly");
}

/*
 * QEMU's old one, in C: serves as root only and has no read-only mode (plan_problems() refuses both).
 * Its "-o" is a list: lib/fuse_opt.c, process_opt_group() takes a comma or a backslash behind a backslash.
 */
static void virtiofsd_c_args(const PlanBackend *backend, StrList *list)
{
	str_list_add(list, "--fd=%d", BACKEND_LISTENER_FD);
	str_list_add(list, "-f");
	str_list_add(list, "-o");
	add_word(list, "source=", backend->share->source, ",\\", '\\');
	str_list_add(list, "-o");
	str_list_add(list, "cache=auto,sandbox=namespace,log_level=warn");
}

/* QEMU's "file" takes no block device (block/file-posix.c: raw_open_common). */
static const char *protocol_driver(const Plan *plan, const SpecDisk *disk)
{
	size_t index = (size_t) (disk - plan->spec->disks);
	const PathFact *path = facts_path(plan->facts, PATH_DISK, index);

	return path && S_ISBLK(path->mode) ? "host_device" : "file";
}

/*
 * Both drivers are named: a format that is probed is one that the guest can choose. Commas in values are
 * doubled (qemu-storage-daemon(1)). One queue per vCPU is on offer; the VMM may take fewer.
 */
static void storage_daemon_args(const Plan *plan, const PlanBackend *backend, StrList *list)
{
	const SpecDisk *disk = backend->disk;
	const char *readonly = disk->readonly ? "on" : "off";
	_cleanup_free_ char *file = NULL;

	file = str_printf("driver=%s,node-name=file,read-only=%s,auto-read-only=off,filename=",
			  protocol_driver(plan, disk), readonly);
	if (!file) {
		list->failed = true;
		return;
	}

	str_list_add(list, "--blockdev");
	add_word(list, file, disk->path, ",", ',');
	str_list_add(list, "--blockdev");
	str_list_add(list, "driver=%s,node-name=disk,read-only=%s,auto-read-only=off,file=file",
		     disk_format_to_string(disk->format), readonly);
	str_list_add(list, "--export");
	str_list_add(list,
		     "type=vhost-user-blk,id=export,node-name=disk,writable=%s,num-queues=%u,"
		     "addr.type=fd,addr.str=%d",
		     disk->readonly ? "off" : "on", (unsigned) plan->spec->cpus,
		     BACKEND_LISTENER_FD);
}

/* "-t 127.0.0.1/8080:80" (passt(1)). */
static void add_forward(const SpecForward *forward, StrList *list)
{
	str_list_add(list, "%s", forward->protocol == PROTOCOL_TCP ? "--tcp-ports" : "--udp-ports");
	str_list_add(list, "%s%s%" PRIu64 ":%" PRIu64, forward->address ?: "",
		     forward->address ? "/" : "", forward->host,
		     forward->guest ? forward->guest : forward->host);
}

/*
 * It is given the VMM's connection, with which it ends, and binds nothing (passt(1), --fd). Without --no-map-gw the
 * guest would reach what on the host listens on the loopback addresses alone, by the address of its gateway.
 */
static void passt_args(const SpecInterface *interface, StrList *list)
{
	str_list_add(list, "--vhost-user");
	str_list_add(list, "--fd");
	str_list_add(list, "%d", BACKEND_LISTENER_FD);
	str_list_add(list, "--foreground");
	str_list_add(list, "--quiet");
	str_list_add(list, "--no-map-gw");
	if (interface->mtu) {
		str_list_add(list, "--mtu");
		str_list_add(list, "%" PRIu64, interface->mtu);
	}
	for (size_t i = 0; i < interface->passt.n_forward; i++)
		add_forward(&interface->passt.forward[i], list);
}

const Program *backend_program(const Plan *plan, const PlanBackend *backend)
{
	switch (backend->kind) {
	case BACKEND_VIRTIOFSD:
		return &plan->facts->virtiofsd;
	case BACKEND_PASST:
		return &plan->facts->passt;
	case BACKEND_STORAGE_DAEMON:
	case BACKEND_EXTERNAL:
	case _BACKEND_KIND_MAX:
	default:
		return &plan->facts->storage_daemon;
	}
}

bool backend_serves_a_connection(const PlanBackend *backend)
{
	return backend->kind == BACKEND_PASST;
}

int backend_args(const Plan *plan, const PlanBackend *backend, StrList *ret)
{
	_cleanup_(str_list_done) StrList list = { 0 };

	str_list_add(&list, "%s", backend_program(plan, backend)->path);
	if (backend->kind == BACKEND_STORAGE_DAEMON)
		storage_daemon_args(plan, backend, &list);
	else if (backend->kind == BACKEND_PASST)
		passt_args(backend->interface, &list);
	else if (plan->facts->virtiofsd_is_c)
		virtiofsd_c_args(backend, &list);
	else
		virtiofsd_args(backend, &list);
	if (list.failed)
		return -ENOMEM;

	*ret = list;
	list = (StrList){ 0 };
	return 0;
}
