/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "model/ch-config.h"

/* One queue per vCPU, but each is a thread in cloud-hypervisor: so not dozens in a large guest. */
#define DISK_QUEUES_MAX 4
/* virtiofsd, C and Rust, has one request queue beside the hiprio one that is not counted here. */
#define SHARE_QUEUES	    1
#define SHARE_QUEUE_ENTRIES 1024
/* virtio-net wants a receive and a transmit queue per pair. */
#define QUEUES_PER_PAIR 2

/*
 * jansson's setters and packers take ownership of what they are given, also on failure, and pass a NULL
 * on as a failure: so a chain of them needs one check, at its end.
 */
static json_t *payload(const SpecBoot *boot)
{
	if (boot->firmware)
		return json_pack("{s:s}", "firmware", boot->firmware);
	return json_pack("{s:s, s:s*, s:s*}", "kernel", boot->kernel, "initramfs", boot->initramfs,
			 "cmdline", boot->cmdline);
}

static json_t *memory(const Plan *plan)
{
	const SpecMemory *spec = &plan->spec->memory;
	json_t *object = json_pack("{s:I, s:b}", "size", (json_int_t) spec->size_bytes, "shared",
				   plan->shared_memory);
	json_int_t page_bytes =
		spec->hugepages == HUGE_PAGES_1GIB ? (json_int_t) GIB : (json_int_t) (2 * MIB);

	if (object && spec->hugepages != HUGE_PAGES_NONE &&
	    (json_object_set_new(object, "hugepages", json_true()) < 0 ||
	     json_object_set_new(object, "hugepage_size", json_integer(page_bytes)) < 0)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static char *device_id(const char *kind, const char *id)
{
	return str_printf("%s-%s", kind, id);
}

static json_int_t disk_queues(const Spec *spec)
{
	return spec->cpus < DISK_QUEUES_MAX ? (json_int_t) spec->cpus : DISK_QUEUES_MAX;
}

/*
 * image_type is always sent: without it cloud-hypervisor guesses from the contents, which the guest
 * writes (release notes of v51).
 */
static json_t *disk(const Plan *plan, const SpecDisk *spec)
{
	_cleanup_free_ char *id = device_id("disk", spec->id);
	const PlanBackend *backend = plan_backend_of(plan, spec);

	if (!id)
		return NULL;
	if (backend)
		return json_pack("{s:s, s:b, s:s, s:i}", "id", id, "vhost_user", 1, "vhost_socket",
				 backend->socket, "num_queues", 1);
	return json_pack("{s:s, s:s, s:b, s:s, s:s*, s:I}", "id", id, "path", spec->path,
			 "readonly", spec->readonly, "image_type",
			 spec->format == DISK_QCOW2 ? "Qcow2" : "Raw", "serial", spec->serial,
			 "num_queues", disk_queues(plan->spec));
}

static json_t *disks(const Plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->spec->n_disks; i++)
		if (json_array_append_new(array, disk(plan, &plan->spec->disks[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *share(const Plan *plan, const SpecShare *spec)
{
	_cleanup_free_ char *id = device_id("share", spec->id);
	const PlanBackend *backend = plan_backend_of(plan, spec);

	if (!id || !backend)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:i, s:i}", "id", id, "tag", spec->tag, "socket",
			 backend->socket, "num_queues", SHARE_QUEUES, "queue_size",
			 SHARE_QUEUE_ENTRIES);
}

static json_t *shares(const Plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->spec->n_shares; i++)
		if (json_array_append_new(array, share(plan, &plan->spec->shares[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static bool add_rule(json_t *rules, const char *path, int length, const char *access)
{
	return json_array_append_new(rules, json_pack("{s:s%, s:s}", "path", path, (size_t) length,
						      "access", access)) == 0;
}

/* Where it is to listen it makes a socket, and removes it in the end. */
static bool add_listening_rule(json_t *rules, const char *socket)
{
	const char *slash = strrchr(socket, '/');

	return add_rule(rules, socket, slash == socket ? 1 : (int) (slash - socket), "rw");
}

static json_t *landlock_rules(const Plan *plan, const StrList *readable)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < readable->n; i++)
		good = add_rule(array, readable->items[i], (int) strlen(readable->items[i]), "r");
	for (size_t i = 0; good && i < plan->n_backends; i++)
		if (backend_comes_to_vmm(&plan->backends[i]))
			good = add_listening_rule(array, plan->backends[i].socket);
	if (good)
		return array;
	json_decref(array);
	return NULL;
}

static int add_landlock(json_t *config, const Plan *plan, const StrList *readable)
{
	json_t *rules = landlock_rules(plan, readable);

	if (!rules || json_object_set_new(config, "landlock_enable", json_true()) < 0) {
		json_decref(rules);
		return -ENOMEM;
	}
	if (json_array_size(rules) == 0) {
		json_decref(rules);
		return 0;
	}
	return json_object_set_new(config, "landlock_rules", rules) < 0 ? -ENOMEM : 0;
}

/* Only what the spec has: an empty "fs" is as good as none, but absent keys are easier to read. */
static int add_devices(json_t *config, const Plan *plan)
{
	if (plan->spec->n_disks > 0 && json_object_set_new(config, "disks", disks(plan)) < 0)
		return -ENOMEM;
	if (plan->spec->n_shares > 0 && json_object_set_new(config, "fs", shares(plan)) < 0)
		return -ENOMEM;
	if (plan->cid != 0 && json_object_set_new(config, "vsock",
						  json_pack("{s:s, s:I, s:s}", "id", CH_VSOCK_ID,
							    "cid", (json_int_t) plan->cid, "socket",
							    plan->vsock_socket)) < 0)
		return -ENOMEM;
	return 0;
}

static int to_text(const json_t *json, char **ret)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

/* The body without the strings: jansson would leave copies of them behind in freed memory. */
static int config_without_strings(const Plan *plan, const StrList *readable, char **ret)
{
	json_int_t cpus = (json_int_t) plan->spec->cpus;
	json_t *config;
	int r;

	config = json_pack("{s:o, s:{s:I, s:I}, s:o, s:{s:s}, s:{s:s}, s:b}", "payload",
			   payload(&plan->spec->boot), "cpus", "boot_vcpus", cpus, "max_vcpus",
			   cpus, "memory", memory(plan), "serial", "mode", "Tty", "console", "mode",
			   "Off", "pvpanic", 1);
	if (!config)
		return -ENOMEM;

	r = add_devices(config, plan);
	if (r == 0 && readable)
		r = add_landlock(config, plan, readable);
	if (r == 0)
		r = to_text(config, ret);
	json_decref(config);
	return r;
}

#define PLATFORM_BEGIN ",\"platform\":{\"oem_strings\":"
#define PLATFORM_END   "}}"

/* Both are objects as jansson writes them compactly: the last byte of the first is its brace. */
static int add_strings(const char *config, const SmbiosStrings *strings, char **ret)
{
	_cleanup_(secret_free_p) char *list = NULL;
	size_t length = strlen(config) - 1;
	char *to;

	if (smbios_strings_to_json(strings, &list) < 0)
		return -ENOMEM;
	*ret = malloc(length + strlen(PLATFORM_BEGIN) + strlen(list) + sizeof(PLATFORM_END));
	if (!*ret)
		return -ENOMEM;
	to = mempcpy(*ret, config, length);
	to = stpcpy(to, PLATFORM_BEGIN);
	to = stpcpy(to, list);
	(void) stpcpy(to, PLATFORM_END);
	return 0;
}

int ch_config_vm(const Plan *plan, const StrList *readable, const SmbiosStrings *strings,
		 char **ret)
{
	_cleanup_(secret_free_p) char *text = NULL;
	_cleanup_free_ char *config = NULL;
	int r;

	r = config_without_strings(plan, readable, &config);
	if (r == 0 && strings && strings->n > 0)
		r = add_strings(config, strings, &text);
	else if (r == 0)
		text = TAKE_PTR(config);
	if (r < 0)
		return r;
	if (strlen(text) >= CH_CONFIG_MAX_BYTES)
		return -E2BIG;
	*ret = TAKE_PTR(text);
	return 0;
}

int ch_config_length(const Plan *plan, const StrList *readable, size_t strings_bytes, size_t *ret)
{
	_cleanup_free_ char *config = NULL;
	int r = config_without_strings(plan, readable, &config);

	if (r < 0)
		return r;
	*ret = strlen(config) - 1 + strlen(PLATFORM_BEGIN "[]" PLATFORM_END) + strings_bytes;
	return 0;
}

static int add_offloads(json_t *config, const PlanOffloads *offloads)
{
	if ((offloads->no_csum && json_object_set_new(config, "offload_csum", json_false()) < 0) ||
	    (offloads->no_tso && json_object_set_new(config, "offload_tso", json_false()) < 0) ||
	    (offloads->no_ufo && json_object_set_new(config, "offload_ufo", json_false()) < 0))
		return -ENOMEM;
	return 0;
}

/*
 * A bucket that holds the burst and is filled within a time, in whole milliseconds; each direction has its own, and so
 * has each pair of queues (virtio-devices/src/net.rs: activate).
 */
static int add_rate(json_t *config, const PlanRate *rate)
{
	uint64_t bytes = rate->rx_bits / 8, refill_msec;

	if (!rate->by_vmm)
		return 0;
	refill_msec = (rate->burst_bytes * 1000 + bytes - 1) / bytes;
	return json_object_set_new(config, "rate_limiter_config",
				   json_pack("{s:{s:I, s:I}}", "bandwidth", "size",
					     (json_int_t) (bytes * refill_msec / 1000),
					     "refill_time", (json_int_t) refill_msec)) < 0 ?
		       -ENOMEM :
		       0;
}

/* passt tells the guest its MTU by DHCP and router advertisements (passt(1), --mtu). */
static json_t *served_by(const PlanNic *nic, const PlanBackend *backend)
{
	bool listens = backend_comes_to_vmm(backend);
	bool tells_mtu = nic->mtu && nic->attach == ATTACH_VHOST_USER;

	return json_pack("{s:b, s:s, s:s, s:o*}", "vhost_user", 1, "vhost_socket", backend->socket,
			 "vhost_mode", listens ? "Server" : "Client", "mtu",
			 tells_mtu ? json_integer(nic->mtu) : NULL);
}

/*
 * No mtu, ip or host_mac with a tap: cloud-hypervisor would set them on it, for which it has no right; it reads
 * the tap's MTU and tells the guest (net_util/src/open_tap.rs).
 */
int ch_config_nic(const Plan *plan, const PlanNic *nic, char **ret)
{
	const PlanBackend *backend = plan_backend_of(plan, nic->spec);
	_cleanup_free_ char *id = device_id("net", nic->spec->id);
	char mac[MAC_TEXT_MAX];
	json_t *config;
	int r;

	if (!id)
		return -ENOMEM;
	config = json_pack("{s:s, s:s, s:I}", "id", id, "mac", mac_format(mac, nic->mac),
			   "num_queues", (json_int_t) nic->queues * QUEUES_PER_PAIR);
	if (!config || (backend && json_object_update_new(config, served_by(nic, backend)) < 0)) {
		json_decref(config);
		return -ENOMEM;
	}
	r = add_offloads(config, &nic->offloads);
	if (r == 0)
		r = add_rate(config, &nic->rate);
	if (r == 0)
		r = to_text(config, ret);
	json_decref(config);
	return r;
}
