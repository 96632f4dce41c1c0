/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/spec-rules-internal.h"
#include "model/spec-rules.h"

const JsonNode *object_of(const RuleContext *context, const char *key)
{
	const JsonNode *node = json_member(context->root, key);

	return node && node->kind == JSON_NODE_OBJECT && !node->wrong ? node : NULL;
}

const JsonNode *entry_of(const RuleContext *context, const char *list, size_t i)
{
	const JsonNode *node = json_element(json_member(context->root, list), i);

	return node && node->kind == JSON_NODE_OBJECT && !node->wrong ? node : NULL;
}

JsonNode *good_member(const JsonNode *node, const char *key)
{
	JsonNode *member = json_member(node, key);

	return member && !member->wrong ? member : NULL;
}

static void check_boot(const RuleContext *context)
{
	static const char *const kernel_only[] = { "initramfs", "cmdline" };
	const JsonNode *boot = object_of(context, "boot");
	JsonNode *kernel = json_member(boot, "kernel"), *firmware = json_member(boot, "firmware");

	if (!boot)
		return;
	if (!kernel && !firmware)
		report_missing(context->report, RULE_BOOT_CHOICE, boot, "kernel",
			       "is missing, and so is \"firmware\": one of them boots the guest");
	if (kernel && firmware)
		report_key(context->report, RULE_BOOT_CHOICE, firmware,
			   "excludes \"kernel\": firmware loads the kernel from the first disk; "
			   "keep one of them");
	for (size_t i = 0; i < ELEMENTSOF(kernel_only); i++) {
		JsonNode *member = json_member(boot, kernel_only[i]);

		if (member && firmware && !kernel)
			report_key(context->report, RULE_BOOT_NEEDS_KERNEL, member,
				   "goes with \"kernel\" only: firmware finds its own on the first "
				   "disk; leave it out");
	}
}

static void check_accel(const RuleContext *context)
{
	JsonNode *accel = json_member(context->root, "accel");

	if (accel && context->spec->vmm == VMM_CLOUD_HYPERVISOR &&
	    context->spec->accel == ACCEL_TCG)
		report_value(context->report, RULE_VMM_ACCEL, accel,
			     "\"tcg\" is QEMU's, and \"vmm\" is \"cloud-hypervisor\", which needs "
			     "KVM; change one of them");
}

static void check_owners(const RuleContext *context)
{
	for (size_t i = 0; i < context->spec->n_owners; i++) {
		const JsonNode *owner = entry_of(context, "owners", i);
		JsonNode *user = json_member(owner, "user"), *group = json_member(owner, "group");

		if (owner && !user && !group)
			report_missing(context->report, RULE_OWNER_CHOICE, owner, "user",
				       "is missing, and so is \"group\": an owner is one of them");
		if (user && group)
			report_key(context->report, RULE_OWNER_CHOICE, group,
				   "excludes \"user\": an owner is one of them; write two entries");
	}
}

/* Either a thing of our own or somebody else's socket, which then has its say alone. */
typedef struct SocketChoice {
	const char *list;
	const char *own; /* the key that excludes "socket" */
	SpecRule choice, alone;
	const char *not_with_socket[6]; /* ends with NULL */
} SocketChoice;

static const SocketChoice disk_choice = {
	.list = "disks",
	.own = "path",
	.choice = RULE_DISK_CHOICE,
	.alone = RULE_DISK_SOCKET_ALONE,
	.not_with_socket = { "format", "readonly", "serial", "backend", "on_exit" },
};

static const SocketChoice share_choice = {
	.list = "shares",
	.own = "source",
	.choice = RULE_SHARE_CHOICE,
	.alone = RULE_SHARE_SOCKET_ALONE,
	.not_with_socket = { "readonly", "user", "on_exit" },
};

static void check_socket_choice(const RuleContext *context, const SocketChoice *choice, size_t i)
{
	const JsonNode *entry = entry_of(context, choice->list, i);
	JsonNode *own = json_member(entry, choice->own), *socket = json_member(entry, "socket");

	if (!entry)
		return;
	if (!own && !socket)
		report_missing(context->report, choice->choice, entry, choice->own,
			       "is missing, and so is \"socket\": one of them says where it is");
	if (own && socket)
		report_key(context->report, choice->choice, socket,
			   "excludes \"%s\": either mvmd's own or somebody else's; keep one of "
			   "them",
			   choice->own);
	for (const char *const *key = choice->not_with_socket; socket && *key; key++) {
		JsonNode *member = json_member(entry, *key);

		if (member)
			report_key(context->report, choice->alone, member,
				   "is up to whoever serves the socket; leave it out");
	}
}

static void check_socket_choices(const RuleContext *context)
{
	for (size_t i = 0; i < context->spec->n_disks; i++)
		check_socket_choice(context, &disk_choice, i);
	for (size_t i = 0; i < context->spec->n_shares; i++)
		check_socket_choice(context, &share_choice, i);
}

static void check_serials(const RuleContext *context)
{
	for (size_t i = 0; i < context->spec->n_disks; i++) {
		const SpecDisk *disk = &context->spec->disks[i];
		JsonNode *serial = json_member(entry_of(context, "disks", i), "serial");

		if (serial && !disk->socket && disk->backend == DISK_BY_STORAGE_DAEMON)
			report_key(
				context->report, RULE_DISK_SERIAL, serial,
				"has no effect with \"backend\": \"storage-daemon\", which gives "
				"its own; leave one of them out");
	}
}

static void check_on_exit(const RuleContext *context)
{
	for (size_t i = 0; i < context->spec->n_disks; i++) {
		const SpecDisk *disk = &context->spec->disks[i];
		JsonNode *on_exit = json_member(entry_of(context, "disks", i), "on_exit");

		if (on_exit && !disk->socket && disk->backend == DISK_BY_VMM)
			report_key(context->report, RULE_DISK_ON_EXIT, on_exit,
				   "goes with \"backend\": \"storage-daemon\" only: the VMM itself "
				   "serves this disk; leave it out");
	}
}

static void check_disk_paths(const RuleContext *context)
{
	const Spec *spec = context->spec;

	for (size_t i = 0; i < spec->n_disks; i++) {
		JsonNode *path = good_member(entry_of(context, "disks", i), "path");

		for (size_t j = 0; path && j < i; j++) {
			const SpecDisk *a = &spec->disks[j], *b = &spec->disks[i];
			const JsonNode *other = good_member(entry_of(context, "disks", j), "path");
			char place[PLACE_SHOWN_MAX];

			if (!other || !streq(a->path, b->path) || (a->readonly && b->readonly))
				continue;
			report_value(context->report, RULE_DISK_TWICE, path,
				     "is also the path of another disk (%s); two writers destroy "
				     "what is on it, so only \"readonly\" disks can share one",
				     place_words(place, context->report, other));
			path = NULL;
		}
	}
}

static void check_share_tags(const RuleContext *context)
{
	const Spec *spec = context->spec;

	for (size_t i = 0; i < spec->n_shares; i++) {
		JsonNode *tag = good_member(entry_of(context, "shares", i), "tag");

		for (size_t j = 0; tag && j < i; j++) {
			const JsonNode *other = good_member(entry_of(context, "shares", j), "tag");
			char place[PLACE_SHOWN_MAX];

			if (!other || !streq(spec->shares[i].tag, spec->shares[j].tag))
				continue;
			report_value(context->report, RULE_SHARE_TAG_TWICE, tag,
				     "is also the tag of another share (%s); the guest could mount "
				     "only one of them",
				     place_words(place, context->report, other));
			tag = NULL;
		}
	}
}

/* The i-th device of disks, shares and interfaces together, as far as a socket is concerned. */
static JsonNode *socket_of(const RuleContext *context, size_t i)
{
	const Spec *spec = context->spec;

	if (i < spec->n_disks)
		return good_member(entry_of(context, "disks", i), "socket");
	i -= spec->n_disks;
	if (i < spec->n_shares)
		return good_member(entry_of(context, "shares", i), "socket");
	i -= spec->n_shares;
	return good_member(good_member(entry_of(context, "interfaces", i), "vhost_user"), "socket");
}

static void check_sockets(const RuleContext *context)
{
	const Spec *spec = context->spec;
	size_t n = spec->n_disks + spec->n_shares + spec->n_interfaces;

	for (size_t i = 0; i < n; i++) {
		JsonNode *socket = socket_of(context, i);

		for (size_t j = 0; socket && j < i; j++) {
			const JsonNode *other = socket_of(context, j);
			char place[PLACE_SHOWN_MAX];

			if (!other || !streq(socket->text, other->text))
				continue;
			report_value(context->report, RULE_SOCKET_TWICE, socket,
				     "is also the socket of another device (%s); a vhost-user "
				     "backend serves one",
				     place_words(place, context->report, other));
			socket = NULL;
		}
	}
}

/* The first device that needs the guest's memory shared; NULL: none does. */
static const JsonNode *first_vhost_user(const RuleContext *context)
{
	const Spec *spec = context->spec;

	for (size_t i = 0; i < spec->n_disks; i++)
		if (spec->disks[i].socket || spec->disks[i].backend == DISK_BY_STORAGE_DAEMON)
			return json_element(json_member(context->root, "disks"), i);
	if (spec->n_shares > 0)
		return json_element(json_member(context->root, "shares"), 0);
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (attach_is_vhost_user(spec_attach(&spec->interfaces[i])))
			return json_element(json_member(context->root, "interfaces"), i);
	return NULL;
}

static void check_memory(const RuleContext *context)
{
	const SpecMemory *memory = &context->spec->memory;
	const JsonNode *node = object_of(context, "memory"), *device = first_vhost_user(context);
	JsonNode *shared = good_member(node, "shared"), *pages = good_member(node, "hugepages");
	uint64_t page = memory->hugepages == HUGE_PAGES_1GIB ? GIB : 2 * MIB;
	char size[FORMAT_MAX], place[PLACE_SHOWN_MAX];

	if (shared && memory->shared == TRISTATE_FALSE && device)
		report_value(context->report, RULE_MEMORY_SHARED, shared,
			     "is false, and a backend has to map the memory for the device in %s; "
			     "leave it out",
			     place_words(place, context->report, device));
	if (pages && good_member(node, "size") && memory->size_bytes % page != 0)
		report_value(context->report, RULE_MEMORY_HUGEPAGES, pages,
			     "pages of %s do not divide the memory's %s; change one of them",
			     pages->text, format_size(size, memory->size_bytes));
}

static void check_devices(const RuleContext *context)
{
	static const char *const lists[] = { "disks", "interfaces", "shares" };
	const Spec *spec = context->spec;
	size_t n = spec->n_disks + spec->n_interfaces + spec->n_shares;
	JsonNode *last = NULL;

	for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
		JsonNode *list = json_member(context->root, lists[i]);

		if (list && list->wrong)
			return;
		if (list && list->children)
			last = list;
	}
	if (last && n > SPEC_DEVICES_MAX)
		report_value(context->report, RULE_TOO_MANY_DEVICES, last,
			     "with these the VM has %zu disks, interfaces and shares; at most %d "
			     "fit on its bus",
			     n, SPEC_DEVICES_MAX);
}

/* Names that are right; what stands for the name in this entry. */
static JsonNode *after_of(const RuleContext *context, size_t i)
{
	JsonNode *entry = json_element(json_member(context->root, "after"), i);

	if (!entry || entry->wrong)
		return NULL;
	return entry->kind == JSON_NODE_OBJECT ? good_member(entry, "name") : entry;
}

static void check_after(const RuleContext *context)
{
	const Spec *spec = context->spec;

	for (size_t i = 0; i < spec->n_after; i++) {
		JsonNode *node = after_of(context, i);

		if (node && streq(node->text, spec->name)) {
			report_value(context->report, RULE_AFTER_ITSELF, node,
				     "is this VM itself; leave it out");
			continue;
		}
		for (size_t j = 0; node && j < i; j++) {
			const JsonNode *other = after_of(context, j);
			char place[PLACE_SHOWN_MAX];

			if (!other || !streq(node->text, other->text))
				continue;
			report_value(context->report, RULE_AFTER_TWICE, node,
				     "stands here already (%s); leave one of them out",
				     place_words(place, context->report, other));
			node = NULL;
		}
	}
}

static void check_credential(const RuleContext *context, JsonNode *entry)
{
	static const char words[] = "cannot be the name of a credential: up to 255 printable "
				    "characters of ASCII, none of them '/', ':' or '='";
	JsonNode *file = json_member(entry, "file"), *unit = json_member(entry, "credential");

	if (!credential_name_is_valid(entry->key))
		report_key(context->report, RULE_CREDENTIAL_NAME, entry, "%s", words);
	if (context->spec->ready == READY_GUEST && streq(entry->key, CREDENTIAL_NOTIFY))
		report_key(context->report, RULE_CREDENTIAL_TAKEN, entry,
			   "is what mvmd itself gives the guest with \"ready\": \"guest\"; leave "
			   "one of them out");
	if (entry->kind != JSON_NODE_OBJECT)
		return;
	if (!file && !unit)
		report_missing(context->report, RULE_CREDENTIAL_CHOICE, entry, "file",
			       "is missing, and so is \"credential\": one of them says what it "
			       "is");
	if (file && unit)
		report_key(context->report, RULE_CREDENTIAL_CHOICE, unit,
			   "excludes \"file\": a credential is one of them; keep one");
	if (unit && !unit->wrong && !credential_name_is_valid(unit->text))
		report_value(context->report, RULE_CREDENTIAL_NAME, unit, "%s", words);
}

static void check_credentials(const RuleContext *context)
{
	const JsonNode *credentials = object_of(context, "credentials");

	for (JsonNode *entry = credentials ? credentials->children : NULL; entry;
	     entry = entry->next)
		check_credential(context, entry);
}

void spec_rules_check(SpecReport *report, const JsonNode *root, const Spec *spec)
{
	static void (*const checks[])(const RuleContext *) = {
		check_boot,	  check_accel,	     check_owners,     check_socket_choices,
		check_serials,	  check_on_exit,     check_disk_paths, check_sockets,
		check_share_tags, check_interfaces,  check_memory,     check_devices,
		check_after,	  check_credentials,
	};
	const RuleContext context = { report, root, spec };

	for (size_t i = 0; i < ELEMENTSOF(checks); i++)
		checks[i](&context);
}
