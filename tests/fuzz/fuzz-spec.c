/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "fuzz/fuzz-spec.h"
#include "model/address.h"
#include "model/conflicts.h"
#include "model/host-conf.h"
#include "model/json-place.h"
#include "model/names.h"
#include "model/nic.h"
#include "model/spec-json.h"
#include "model/spec.h"

/* Between the documents of one input: template, main file, drop-ins. No byte of JSON. */
#define SEPARATOR 0x1e
#define DOCS_MAX  4

static void ignore_duplicate(void *userdata, const JsonNode *later, const JsonNode *first)
{
	assert(streq(later->key, first->key));
	(void) userdata;
}

/* Our scanner takes exactly what jansson takes, but for limits of either. */
static void compare_with_jansson(const char *text, size_t length)
{
	const JsonSource source = { text, length, 0, { SPEC_DEPTH_MAX, SPEC_VALUES_MAX } };
	JsonNode *root = NULL;
	JsonPool pool = { 0 };
	JsonFlaw flaw = { 0 };
	json_error_t error;
	json_t *json = json_loadb(text, length, JSON_DECODE_ANY, &error);
	bool ours = json_scan(&source, &pool, ignore_duplicate, NULL, &root, &flaw);

	if (ours && !json)
		assert(json_error_code(&error) == json_error_numeric_overflow);
	/* jansson takes a NUL behind the value for the end of the text. */
	if (!ours && json)
		assert(flaw.error == JSON_ERROR_DEPTH || flaw.error == JSON_ERROR_VALUES ||
		       flaw.error == JSON_ERROR_NUL);
	json_decref(json);
	json_pool_done(&pool);
}

static void check_port(const SpecInterface *interface)
{
	PlanRate rate = nic_rate(interface);
	IpAddress address;

	assert(interface->vlan.pvid <= VLAN_MAX);
	for (size_t i = 0; i < interface->vlan.n_tagged; i++) {
		NumberRange range = interface->vlan.tagged[i].vlan;

		assert(range.first >= VLAN_MIN && range.first <= range.last &&
		       range.last <= VLAN_MAX);
	}
	for (size_t i = 0; i < interface->create_bridge.n_addresses; i++)
		assert(ip_address_parse(interface->create_bridge.addresses[i].address, &address));
	assert(!rate_is_set(&rate) || rate.burst_bytes >= RATE_BURST_MIN_BYTES);
	assert(!rate.by_vmm || rate.rx_bits == rate.tx_bits);
}

/* What every consumer of a right spec relies on. */
static void check_spec(const Spec *spec)
{
	size_t devices = spec->n_disks + spec->n_interfaces + spec->n_shares;

	assert(devices <= SPEC_DEVICES_MAX);
	assert((spec->boot.kernel != NULL) != (spec->boot.firmware != NULL));
	assert(spec->cpus >= 1 && spec->memory.size_bytes >= 16 * MIB);
	assert(spec->timeouts.stop_usec > 0);
	for (size_t i = 0; i < spec->n_disks; i++)
		assert(spec_id_is_valid(spec->disks[i].id) &&
		       (spec->disks[i].path != NULL) != (spec->disks[i].socket != NULL));
	for (size_t i = 0; i < spec->n_interfaces; i++) {
		const SpecInterface *interface = &spec->interfaces[i];

		assert(spec_id_is_valid(interface->id));
		assert(interface->bridge ? link_name_is_valid(interface->bridge) :
					   spec_attach(interface) != ATTACH_BRIDGE);
		assert(!interface->tap || link_name_is_valid(interface->tap));
		assert(interface->queues <= spec->cpus); /* 0: auto */
		check_port(interface);
	}
	for (size_t i = 0; i < spec->n_shares; i++)
		assert(spec_id_is_valid(spec->shares[i].id) && spec->shares[i].tag &&
		       (spec->shares[i].source != NULL) != (spec->shares[i].socket != NULL));
	for (size_t i = 0; i < spec->n_owners; i++)
		assert((spec->owners[i].user != NULL) != (spec->owners[i].group != NULL));
}

/* What the record of a running VM has of it is the same spec. */
static void check_document(const Spec *spec)
{
	json_t *document = spec_to_json(spec), *again;
	Problems problems = { 0 };
	Spec *read = NULL;

	assert(document);
	assert(spec_from_json(document, spec->name, spec->file, &read, &problems) == 0);
	again = spec_to_json(read);
	assert(json_equal(document, again));
	json_decref(document);
	json_decref(again);
	(void) spec_free(read);
}

static void check_problems(const Problems *problems)
{
	char *text = NULL;

	for (size_t i = 0; i < problems->n; i++) {
		const Problem *problem = &problems->items[i];

		assert(problem->rule && problem->file && problem->pointer && problem->text);
		assert(!problem->excerpt || problem->caret <= strlen(problem->excerpt));
		assert(i == 0 || problem[-1].document <= problem->document);
	}
	assert(problems_to_text(problems, true, &text) == 0);
	for (const char *c = text; *c; c++)
		assert((unsigned char) *c >= ' ' || *c == '\n' || *c == '\t');
	free(text);
}

static void parse(const SpecDoc *docs, size_t n)
{
	Problems problems = { 0 };
	Spec *spec = NULL;
	char *template = NULL;
	int r = spec_parse(docs, n, "web1", &spec, &problems);

	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (spec != NULL) && (r == 0) == (problems.n == 0));
	check_problems(&problems);
	if (spec) {
		ConflictSpec twice[] = { { spec, NULL }, { spec, NULL } };
		FaultList conflicts = { 0 };

		check_spec(spec);
		check_document(spec);
		assert(spec_conflicts(twice, ELEMENTSOF(twice), &conflicts) == 0);
		assert(conflicts.n >= 2 * spec->n_interfaces);
		fault_list_done(&conflicts);
	}
	assert(spec_template_name(docs, n, "web1", &template) == 0);
	assert(!template || spec_id_is_valid(template));
	free(template);
	(void) spec_free(spec);
	problems_done(&problems);
}

/* The same text as host.conf. */
static void parse_host_conf(const SpecDoc *doc)
{
	Problems problems = { 0 };
	HostConf conf = { 0 };
	int r = host_conf_parse(doc, &conf, &problems);

	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (problems.n == 0));
	check_problems(&problems);
	if (r == 0)
		assert(conf.uid_range.first >= 1000 && conf.uid_range.count >= 1 &&
		       conf.uid_range.first + conf.uid_range.count - 1 < UINT32_MAX);
	host_conf_done(&conf);
	problems_done(&problems);
}

/* Splits the input; with one document it is the main file. Returns how many there are. */
static size_t split(const char *text, size_t size, SpecDoc docs[DOCS_MAX])
{
	static char file[] = "fuzz.json";
	size_t n = 0;

	for (const char *at = text, *end = text + size; n < DOCS_MAX; n++) {
		const char *stop =
			n + 1 < DOCS_MAX ? memchr(at, SEPARATOR, (size_t) (end - at)) : NULL;
		size_t length = (size_t) ((stop ? stop : end) - at);

		docs[n] = (SpecDoc){ .file = file, .length = length, .text = malloc(length + 1) };
		assert(docs[n].text);
		memcpy(docs[n].text, at, length);
		if (!stop) {
			n++;
			break;
		}
		at = stop + 1;
	}
	for (size_t i = 0; i < n; i++)
		docs[i].role = n == 1 || i == 1 ? SPEC_DOC_MAIN :
			       i == 0		? SPEC_DOC_TEMPLATE :
						  SPEC_DOC_DROP_IN;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SpecDoc docs[DOCS_MAX] = { 0 };
	size_t n = split((const char *) data, size, docs);

	compare_with_jansson(docs[0].text, docs[0].length);
	parse(docs, n);
	parse_host_conf(&docs[0]);
	for (size_t i = 0; i < n; i++)
		free(docs[i].text);
	return 0;
}
