/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/names.h"
#include "model/schema.h"
#include "model/spec-merge.h"
#include "model/spec-read.h"
#include "model/spec-report.h"
#include "model/spec-rules.h"
#include "model/spec-text.h"
#include "model/spec.h"

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The first character alphanumeric, the others that or one of 'more'. */
static bool name_is_valid(const char *name, size_t max, const char *more)
{
	size_t n = 1;

	if (!is_alphanumeric(*name))
		return false;
	for (const char *c = name + 1; *c; c++, n++)
		if (n >= max || (!is_alphanumeric(*c) && !strchr(more, *c)))
			return false;
	return true;
}

bool vm_name_is_valid(const char *name)
{
	return name_is_valid(name, VM_NAME_MAX, ".-");
}

bool spec_id_is_valid(const char *id)
{
	return name_is_valid(id, SPEC_ID_MAX, "._-");
}

/* Most specs name no template: then their text, which is to be read once more, need not be read for that. */
static bool may_have_template(const SpecDoc *docs, size_t n_docs)
{
	static const char word[] = "template";

	for (size_t i = 0; i < n_docs; i++)
		if (docs[i].text && (memmem(docs[i].text, docs[i].length, word, strlen(word)) ||
				     memchr(docs[i].text, '\\', docs[i].length)))
			return true;
	return false;
}

bool credential_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > CREDENTIAL_NAME_MAX || streq(name, ".") || streq(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c < ' ' || *c > '~' || strchr("/:=", *c))
			return false;
	return true;
}

int spec_template_name(const SpecDoc *docs, size_t n_docs, const char *name, char **ret)
{
	Problems ignored = { 0 };
	SpecReport report = { .docs = docs, .n_docs = n_docs, .problems = &ignored };
	JsonPool pool = { 0 };
	const JsonNode *latest = NULL;
	char *template = NULL;

	if (!may_have_template(docs, n_docs)) {
		*ret = NULL;
		return 0;
	}
	for (size_t i = 0; i < n_docs; i++) {
		const JsonNode *root = spec_text_read(&report, i, &spec_object, name, &pool);
		const JsonNode *node = json_member(root, "template");

		if (node)
			latest = node;
	}
	if (latest && latest->kind == JSON_NODE_STRING && spec_id_is_valid(latest->text)) {
		template = strdup(latest->text);
		report.failed = report.failed || !template;
	}
	json_pool_done(&pool);
	problems_done(&ignored);
	if (report.failed) {
		free(template);
		return -ENOMEM;
	}
	*ret = template;
	return 0;
}

/* A template cannot have one. Its keys are checked like any other's. */
static void check_template(SpecReport *report, JsonNode *root)
{
	JsonNode *template = json_member(root, "template");

	if (template)
		report_key(report, RULE_TEMPLATE_IN_TEMPLATE, template,
			   "cannot stand in a template: there is one level of them; leave it out");
}

/*
 * All documents merged: the main file's root, so that what is missing is missed there. NULL where there
 * is none to go on with.
 */
static JsonNode *merge_documents(SpecReport *report, const char *name, JsonPool *pool)
{
	JsonNode *merged = NULL, *main_root = NULL;

	for (size_t i = 0; i < report->n_docs; i++) {
		const SpecDoc *doc = &report->docs[i];
		JsonNode *root = doc->missing ? NULL :
						spec_text_read(report, i, &spec_object,
							       doc->expanded ? NULL : name, pool);

		if (!root) {
			report->incomplete = true;
			continue;
		}
		spec_check_keys(report, &spec_object, root);
		if (doc->role == SPEC_DOC_TEMPLATE)
			check_template(report, root);
		if (doc->role == SPEC_DOC_MAIN)
			main_root = root;
		merged = spec_merge(report, &spec_object, merged, root);
	}
	if (merged && main_root && merged != main_root) {
		main_root->children = merged->children;
		main_root->last_child = merged->last_child;
		merged = main_root;
	}
	return merged;
}

/* A template that does not exist is told where it is named. */
static void check_missing_template(SpecReport *report, const JsonNode *root)
{
	JsonNode *template = json_member(root, "template");

	for (size_t i = 0; i < report->n_docs; i++) {
		const SpecDoc *doc = &report->docs[i];

		if (doc->missing && template && !template->wrong)
			report_value(report, RULE_TEMPLATE_MISSING, template,
				     "there is no %s%s%s%s", doc->file,
				     doc->nearest ? "; did you mean \"" : "", doc->nearest ?: "",
				     doc->nearest ? "\"?" : "");
	}
}

static Spec *spec_new(const SpecDoc *docs, size_t n_docs, const char *name)
{
	Spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return NULL;
	spec_object_init(&spec_object, spec);
	if (str_set(&spec->name, name) < 0)
		return spec_free(spec);
	for (size_t i = 0; i < n_docs; i++)
		if (docs[i].role == SPEC_DOC_MAIN && str_set(&spec->file, docs[i].file) < 0)
			return spec_free(spec);
	return spec;
}

int spec_parse(const SpecDoc *docs, size_t n_docs, const char *name, Spec **ret, Problems *problems)
{
	_cleanup_(spec_free_p) Spec *spec = spec_new(docs, n_docs, name);
	SpecReport report = { .docs = docs, .n_docs = n_docs, .problems = problems };
	size_t first = problems->n;
	JsonPool pool = { 0 };
	JsonNode *root;

	if (!spec)
		return -ENOMEM;
	root = merge_documents(&report, name, &pool);
	if (root) {
		check_missing_template(&report, root);
		spec_object_read(&report, &spec_object, root, spec);
		if (!report.incomplete && !report.failed)
			spec_rules_check(&report, root, spec);
	}
	json_pool_done(&pool);
	problems_sort(problems, first);

	if (report.failed)
		return -ENOMEM;
	if (problems->n > first)
		return -EINVAL;
	*ret = TAKE_PTR(spec);
	return 0;
}

Spec *spec_free(Spec *spec)
{
	if (!spec)
		return NULL;
	spec_object_done(&spec_object, spec);
	free(spec->name);
	free(spec->file);
	free(spec);
	return NULL;
}

bool spec_needs_vsock(const Spec *spec)
{
	return spec->has_vsock || spec->ready == READY_GUEST;
}

uint32_t spec_cid(const Spec *spec)
{
	if (!spec_needs_vsock(spec))
		return 0;
	return spec->vsock.cid ? (uint32_t) spec->vsock.cid : cid_derive(spec->name);
}

bool spec_needs_smbios(const Spec *spec)
{
	return spec->n_credentials > 0 || spec->ready == READY_GUEST;
}

NetAttach spec_attach(const SpecInterface *interface)
{
	return interface->attach == ATTACH_UNSET ? ATTACH_BRIDGE : interface->attach;
}

OnDetach spec_on_detach(const SpecInterface *interface)
{
	if (interface->on_detach != ON_DETACH_UNSET)
		return interface->on_detach;
	return spec_attach(interface) == ATTACH_BRIDGE ? ON_DETACH_REPAIR : ON_DETACH_WARN;
}

const char *spec_tap_name(const Spec *spec, const SpecInterface *interface,
			  char buffer[TAP_NAME_MAX + 1])
{
	if (interface->tap)
		return interface->tap;
	(void) tap_name_derive(buffer, spec->name, interface->id);
	return buffer;
}

const char *spec_lower_link(const SpecInterface *interface)
{
	return spec_attach(interface) == ATTACH_MACVTAP ? interface->macvtap.link :
							  interface->bridge;
}

bool attach_is_vhost_user(NetAttach attach)
{
	return attach == ATTACH_VHOST_USER || attach == ATTACH_PASST;
}

bool attach_has_link(NetAttach attach)
{
	return !attach_is_vhost_user(attach);
}

bool spec_has_attach(const Spec *spec, NetAttach attach)
{
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (spec_attach(&spec->interfaces[i]) == attach)
			return true;
	return false;
}

bool spec_needs_links(const Spec *spec)
{
	for (size_t i = 0; i < spec->n_interfaces; i++) {
		NetAttach attach = spec_attach(&spec->interfaces[i]);

		if (attach_has_link(attach) && attach != ATTACH_HELPER)
			return true;
	}
	return false;
}

bool spec_needs_tun(const Spec *spec)
{
	for (size_t i = 0; i < spec->n_interfaces; i++) {
		NetAttach attach = spec_attach(&spec->interfaces[i]);

		if (attach_has_link(attach) && attach != ATTACH_MACVTAP)
			return true;
	}
	return false;
}

bool spec_makes_bridge(const Spec *spec, const char *bridge)
{
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (spec->interfaces[i].has_create_bridge &&
		    streq_null(spec->interfaces[i].bridge, bridge))
			return true;
	return false;
}

bool spec_needs_shared_memory(const Spec *spec)
{
	if (spec->memory.shared == TRISTATE_TRUE || spec->n_shares > 0)
		return true;
	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (attach_is_vhost_user(spec_attach(&spec->interfaces[i])))
			return true;
	for (size_t i = 0; i < spec->n_disks; i++)
		if (spec->disks[i].socket || spec->disks[i].backend == DISK_BY_STORAGE_DAEMON)
			return true;
	return false;
}

bool spec_expects_console(const Spec *spec)
{
	/* The first serial line of x86, and of arm64. */
	static const char *const words[] = { "console=ttyS0", "console=ttyAMA0" };

	for (size_t i = 0; spec->boot.cmdline && i < ELEMENTSOF(words); i++)
		if (strstr(spec->boot.cmdline, words[i]))
			return true;
	return false;
}

uint64_t huge_page_bytes(HugePages size)
{
	static const uint64_t bytes[_HUGE_PAGES_MAX] = {
		[HUGE_PAGES_NONE] = 0,
		[HUGE_PAGES_2MIB] = 2 * MIB,
		[HUGE_PAGES_1GIB] = GIB,
	};

	return size < _HUGE_PAGES_MAX ? bytes[size] : 0;
}
