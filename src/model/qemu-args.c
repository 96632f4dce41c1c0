/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/qemu-args.h"

/* Ids that the options refer to each other by. */
#define MEMORY_ID  "mem"
#define MONITOR_ID "monitor"
#define CONSOLE_ID "console"

/* How often QEMU tries to reach a lost backend of a disk or an interface. */
#define RECONNECT_MSEC 1000
#define RECONNECT_SEC  1
/* The same as cloud-hypervisor's, so that a share performs alike on both. */
#define SHARE_QUEUE_ENTRIES 1024

static bool version_is_at_least(const Program *program, unsigned major, unsigned minor)
{
	return program->major > major || (program->major == major && program->minor >= minor);
}

/* A value inside an option: QEMU's parser ends it at a comma unless that is doubled (util/qemu-option.c). */
static char *escape(const char *value)
{
	StrBuf buf = { 0 };
	char *escaped = NULL;

	for (; *value; value++)
		str_buf_add_bytes(&buf, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
	return str_buf_take(&buf, &escaped) < 0 ? NULL : escaped;
}

/*
 * An option's value of several parts, grown with StrBuf: part_text() adds ",KEY=VALUE" with the value
 * escaped, option_end() hands "OPTION" and the whole to the vector.
 */
static void part_text(StrBuf *value, const char *key, const char *text)
{
	_cleanup_free_ char *escaped = escape(text);

	if (!escaped)
		value->failed = true;
	else
		str_buf_add(value, ",%s=%s", key, escaped);
}

static void option_end(StrList *args, const char *option, StrBuf *value)
{
	_cleanup_free_ char *text = NULL;

	if (str_buf_take(value, &text) < 0) {
		args->failed = true;
		return;
	}
	str_list_add(args, "%s", option);
	str_list_add(args, "%s", text);
}

static void add_option(StrList *args, const char *option, const char *value)
{
	str_list_add(args, "%s", option);
	str_list_add(args, "%s", value);
}

/*
 * Nothing that was not asked for: no default devices, no configuration of the host, no display; a guest
 * that powers off or panics stays as it is, so that the end is an event and not only an exit code.
 */
static void add_machine(const Plan *plan, StrList *args)
{
	bool own_memory = plan->shared_memory || plan->spec->memory.hugepages != HUGE_PAGES_NONE;

	str_list_add(args, "%s", plan->vmm_program->path);
	str_list_add(args, "-name");
	str_list_add(args, "guest=%s,debug-threads=on", plan->spec->name);
	str_list_add(args, "-nodefaults");
	str_list_add(args, "-no-user-config");
	add_option(args, "-display", "none");
	str_list_add(args, "-S");
	add_option(args, "-action", "shutdown=pause,panic=pause");
	add_option(args, "-sandbox",
		   "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	str_list_add(args, "-machine");
	str_list_add(args, "q35,sata=off,smbus=off,vmport=off%s",
		     own_memory ? ",memory-backend=" MEMORY_ID : "");
}

/*
 * The TCG of QEMU 7.2 gets cmpxchg16b wrong: guest kernels crash at random with it, without it they use
 * something else.
 */
static void add_cpus(const Plan *plan, StrList *args)
{
	bool broken_cx16 = !version_is_at_least(plan->vmm_program, 8, 0);

	add_option(args, "-accel", plan->accel == ACCEL_KVM ? "kvm" : "tcg");
	str_list_add(args, "-cpu");
	if (plan->accel == ACCEL_KVM)
		str_list_add(args, "host");
	else
		str_list_add(args, "max%s", broken_cx16 ? ",-cx16" : "");
	str_list_add(args, "-smp");
	str_list_add(args, "%" PRIu64, plan->spec->cpus);
}

static void add_memory(const Plan *plan, StrList *args)
{
	const SpecMemory *memory = &plan->spec->memory;
	StrBuf value = { 0 };

	str_list_add(args, "-m");
	str_list_add(args, "size=%" PRIu64 "B", memory->size_bytes);
	if (!plan->shared_memory && memory->hugepages == HUGE_PAGES_NONE)
		return;

	str_buf_add(&value, "memory-backend-memfd,id=%s,size=%" PRIu64 ",share=%s", MEMORY_ID,
		    memory->size_bytes, plan->shared_memory ? "on" : "off");
	if (memory->hugepages != HUGE_PAGES_NONE)
		str_buf_add(&value, ",hugetlb=on,hugetlbsize=%" PRIu64,
			    memory->hugepages == HUGE_PAGES_1GIB ? GIB : 2 * MIB);
	option_end(args, "-object", &value);
}

static void add_boot(const SpecBoot *boot, StrList *args)
{
	if (boot->firmware) {
		add_option(args, "-bios", boot->firmware);
		return;
	}
	add_option(args, "-kernel", boot->kernel);
	if (boot->initramfs)
		add_option(args, "-initrd", boot->initramfs);
	if (boot->cmdline)
		add_option(args, "-append", boot->cmdline);
}

/* Listeners with wait=off: QEMU starts without a peer, drops what the console says to nobody. */
static void add_sockets(StrList *args)
{
	str_list_add(args, "-chardev");
	str_list_add(args, "socket,id=" MONITOR_ID ",fd=%d,server=on,wait=off", QEMU_MONITOR_FD);
	add_option(args, "-mon", "chardev=" MONITOR_ID ",mode=control");
	str_list_add(args, "-chardev");
	str_list_add(args, "socket,id=" CONSOLE_ID ",fd=%d,server=on,wait=off", QEMU_CONSOLE_FD);
	add_option(args, "-serial", "chardev:" CONSOLE_ID);
}

/* Node names are numbers of ours: QEMU allows them 31 characters only (block.c: node-name). */
static void add_disk_by_vmm(const Plan *plan, size_t i, StrList *args)
{
	const SpecDisk *disk = &plan->spec->disks[i];
	const char *read_only = disk->readonly ? "on" : "off";
	StrBuf value = { 0 };

	str_buf_add(&value, "driver=file,node-name=file%zu,read-only=%s", i, read_only);
	part_text(&value, "filename", disk->path);
	option_end(args, "-blockdev", &value);

	str_list_add(args, "-blockdev");
	str_list_add(args, "driver=%s,node-name=disk%zu,read-only=%s,file=file%zu",
		     disk_format_to_string(disk->format), i, read_only, i);

	str_buf_add(&value, "virtio-blk-pci,drive=disk%zu,id=disk-%s", i, disk->id);
	if (disk->serial)
		part_text(&value, "serial", disk->serial);
	if (plan->spec->boot.firmware)
		str_buf_add(&value, ",bootindex=%zu", i + 1);
	option_end(args, "-device", &value);
}

static void add_reconnect(const Plan *plan, StrBuf *value)
{
	if (version_is_at_least(plan->vmm_program, 9, 2))
		str_buf_add(value, ",reconnect-ms=%d", RECONNECT_MSEC);
	else
		str_buf_add(value, ",reconnect=%d", RECONNECT_SEC);
}

/*
 * By path and with reconnect, the one way in which QEMU finds a block backend again that was lost. One queue,
 * since qemu-storage-daemon has one unless told otherwise.
 */
static void add_disk_by_backend(const Plan *plan, size_t i, const PlanBackend *backend,
				StrList *args)
{
	StrBuf value = { 0 };

	str_buf_add(&value, "socket,id=blk%zu", i);
	add_reconnect(plan, &value);
	part_text(&value, "path", backend->socket);
	option_end(args, "-chardev", &value);

	str_buf_add(&value, "vhost-user-blk-pci,chardev=blk%zu,num-queues=1,id=disk-%s", i,
		    backend->disk->id);
	if (plan->spec->boot.firmware)
		str_buf_add(&value, ",bootindex=%zu", i + 1);
	option_end(args, "-device", &value);
}

static void add_disks(const Plan *plan, StrList *args)
{
	for (size_t i = 0; i < plan->spec->n_disks; i++) {
		const PlanBackend *backend = plan_backend_of(plan, &plan->spec->disks[i]);

		if (backend)
			add_disk_by_backend(plan, i, backend, args);
		else
			add_disk_by_vmm(plan, i, args);
	}
}

/* ",fd=5", or ",fds=5:6" with an fd per queue pair; beside them no other option of a tap is allowed. */
static void add_queue_fds(StrBuf *value, const char *key, const PlanNic *nic, int first_fd)
{
	str_buf_add(value, ",%s%s=", key, nic->queues > 1 ? "s" : "");
	for (uint32_t queue = 0; queue < nic->queues; queue++)
		str_buf_add(value, "%s%d", queue > 0 ? ":" : "", first_fd + (int) queue);
}

/* UDP segmentation of its own kind, USO, came with QEMU 8.2 (hw/net/virtio-net.c: host_uso). */
static void add_offloads(StrBuf *value, const Plan *plan, const PlanOffloads *offloads)
{
	if (offloads->no_csum)
		str_buf_add(value, ",csum=off,guest_csum=off,gso=off");
	if (offloads->no_tso)
		str_buf_add(value, ",host_tso4=off,host_tso6=off,host_ecn=off,guest_tso4=off,"
				   "guest_tso6=off,guest_ecn=off");
	if (offloads->no_ufo)
		str_buf_add(value, ",host_ufo=off,guest_ufo=off");
	if (offloads->no_ufo && version_is_at_least(plan->vmm_program, 8, 2))
		str_buf_add(value, ",host_uso=off,guest_uso4=off,guest_uso6=off");
}

static void add_tap(const PlanNic *nic, size_t i, int tap_fd, int vhost_fd, StrList *args)
{
	StrBuf value = { 0 };

	str_buf_add(&value, "tap,id=net%zu", i);
	add_queue_fds(&value, "fd", nic, tap_fd);
	str_buf_add(&value, ",vhost=%s", nic->vhost ? "on" : "off");
	if (nic->vhost)
		add_queue_fds(&value, "vhostfd", nic, vhost_fd);
	option_end(args, "-netdev", &value);
}

/* With wait=off it is still that QEMU goes on when the other side has come (net/vhost-user.c: net_vhost_user_init). */
static void add_vhost_user(const Plan *plan, const PlanNic *nic, size_t i,
			   const PlanBackend *backend, StrList *args)
{
	StrBuf value = { 0 };

	str_buf_add(&value, "socket,id=nic%zu", i);
	if (backend_comes_to_vmm(backend))
		str_buf_add(&value, ",server=on,wait=off");
	else
		add_reconnect(plan, &value);
	part_text(&value, "path", backend->socket);
	option_end(args, "-chardev", &value);

	str_list_add(args, "-netdev");
	str_list_add(args, "vhost-user,id=net%zu,chardev=nic%zu,queues=%" PRIu32, i, i,
		     nic->queues);
}

/*
 * One per queue, configuration and control. What is served at a socket is without where there is no KVM: QEMU 7.2 then
 * asks for an irqfd that it has not, and falls (hw/virtio/virtio-pci.c: virtio_pci_one_vector_unmask(), seen).
 */
static void add_vectors(StrBuf *value, const Plan *plan, const PlanNic *nic)
{
	if (attach_is_vhost_user(nic->attach) && plan->accel != ACCEL_KVM)
		str_buf_add(value, ",vectors=0");
	else if (nic->queues > 1)
		str_buf_add(value, ",vectors=%" PRIu32, 2 * nic->queues + 2);
}

/* romfile= leaves out the network boot ROM. */
static void add_nic(const Plan *plan, size_t i, uint32_t mtu, int tap_fd, int vhost_fd,
		    StrList *args)
{
	const PlanNic *nic = &plan->nics[i];
	const PlanBackend *backend = plan_backend_of(plan, nic->spec);
	char mac[MAC_TEXT_MAX];
	StrBuf value = { 0 };

	if (backend)
		add_vhost_user(plan, nic, i, backend, args);
	else
		add_tap(nic, i, tap_fd, vhost_fd, args);

	str_buf_add(&value, "virtio-net-pci,netdev=net%zu,id=net-%s,mac=%s,romfile=", i,
		    nic->spec->id, mac_format(mac, nic->mac));
	if (nic->queues > 1)
		str_buf_add(&value, ",mq=on");
	add_vectors(&value, plan, nic);
	if (mtu > 0)
		str_buf_add(&value, ",host_mtu=%" PRIu32, mtu);
	add_offloads(&value, plan, &nic->offloads);
	option_end(args, "-device", &value);
}

/* Taps and macvtaps come by descriptor, one per pair of queues. */
static size_t nic_fds(const PlanNic *nic)
{
	return attach_has_link(nic->attach) ? nic->queues : 0;
}

size_t qemu_n_vhosts(const Plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_nics; i++)
		n += plan->nics[i].vhost ? plan->nics[i].queues : 0;
	return n;
}

size_t qemu_n_fds(const Plan *plan)
{
	size_t n = QEMU_TAP_FD - QEMU_FIRST_FD + plan->spec->n_shares + plan->n_smbios_strings +
		   qemu_n_vhosts(plan);

	for (size_t i = 0; i < plan->n_nics; i++)
		n += nic_fds(&plan->nics[i]);
	return n;
}

static int add_nics(const Plan *plan, const uint32_t *mtus, StrList *args)
{
	int fd = QEMU_TAP_FD;
	int vhost_fd = QEMU_FIRST_FD + (int) (qemu_n_fds(plan) - qemu_n_vhosts(plan));

	for (size_t i = 0; i < plan->n_nics; i++) {
		const PlanNic *nic = &plan->nics[i];

		add_nic(plan, i, mtus[i], fd, vhost_fd, args);
		fd += (int) nic_fds(nic);
		vhost_fd += nic->vhost ? (int) nic->queues : 0;
	}
	return fd;
}

static void add_shares(const Plan *plan, int first_fd, StrList *args)
{
	for (size_t i = 0; i < plan->spec->n_shares; i++) {
		const SpecShare *share = &plan->spec->shares[i];
		StrBuf value = { 0 };

		str_list_add(args, "-chardev");
		str_list_add(args, "socket,id=fs%zu,fd=%d", i, first_fd + (int) i);

		str_buf_add(&value, "vhost-user-fs-pci,chardev=fs%zu,id=share-%s,queue-size=%d", i,
			    share->id, SHARE_QUEUE_ENTRIES);
		part_text(&value, "tag", share->tag);
		option_end(args, "-device", &value);
	}
}

/* A source of randomness, which cloud-hypervisor's guests have unasked, and the panic device. */
static void add_other_devices(const Plan *plan, StrList *args)
{
	add_option(args, "-device", "virtio-rng-pci");
	add_option(args, "-device", "pvpanic");
	if (plan->cid != 0) {
		str_list_add(args, "-device");
		str_list_add(args, "vhost-vsock-pci,guest-cid=%" PRIu32, plan->cid);
	}
}

/*
 * By descriptors, for everybody may read an argument vector (proc(5), /proc/PID/cmdline). QEMU reads each to its end
 * (hw/smbios/smbios.c: save_opt_list).
 */
static void add_smbios(const Plan *plan, int first_fd, StrList *args)
{
	StrBuf value = { 0 };

	if (plan->n_smbios_strings == 0)
		return;
	str_buf_add(&value, "type=11");
	for (size_t i = 0; i < plan->n_smbios_strings; i++)
		str_buf_add(&value, ",path=/dev/fd/%d", first_fd + (int) i);
	option_end(args, "-smbios", &value);
}

int qemu_args(const Plan *plan, const uint32_t *mtus, StrList *ret)
{
	StrList args = { 0 };
	int share_fd;

	add_machine(plan, &args);
	add_cpus(plan, &args);
	add_memory(plan, &args);
	add_boot(&plan->spec->boot, &args);
	add_sockets(&args);
	add_disks(plan, &args);
	share_fd = add_nics(plan, mtus, &args);
	add_shares(plan, share_fd, &args);
	add_smbios(plan, share_fd + (int) plan->spec->n_shares, &args);
	add_other_devices(plan, &args);

	if (args.failed) {
		str_list_done(&args);
		return -ENOMEM;
	}
	*ret = args;
	return 0;
}
