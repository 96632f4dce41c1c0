/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/host-conf.h"
#include "model/schema.h"
#include "model/spec-merge.h"
#include "model/spec-read.h"
#include "model/spec-report.h"
#include "model/spec-text.h"

#define UID_MIN		1000 /* login.defs(5): below are the system's own */
#define UID_MAX		UINT64_C(4294967294) /* the one above is (uid_t) -1, "no uid" to chown(2) */
#define UID_NOBODY	65534 /* the kernel's overflowuid */
#define START_SLOTS_MAX 1000
#define UID_NONE_16_BIT 65535 /* (uid_t) -1 of old programs */

static const Field uid_range_fields[] = {
	DESCRIPTION_FIELD(UidRange),
	{ .key = "first",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(UidRange, first),
	  .min = UID_MIN,
	  .max = UID_MAX,
	  .fallback = "400000",
	  .example = "400000",
	  .sentence = "The lowest uid. systemd's list of uids (UIDS-GIDS) leaves 65536 to 524287 "
		      "unused; containers begin behind it." },
	{ .key = "count",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(UidRange, count),
	  .min = 1,
	  .max = UID_MAX - UID_MIN + 1,
	  .fallback = "65536",
	  .example = "65536",
	  .sentence = "How many uids there are: as many VMs can have one." },
};

static const ObjectType uid_range_object = {
	.name = "uid_range",
	.sentence =
		"The uids that VMs without a user of their spec's choice run as, and the gids of "
		"the same numbers.",
	.fields = uid_range_fields,
	.n_fields = ELEMENTSOF(uid_range_fields),
	.size = sizeof(UidRange),
};

static const Field helper_fields[] = {
	DESCRIPTION_FIELD(HelperConf),
	{ .key = "program",
	  .type = FIELD_PATH,
	  .offset = offsetof(HelperConf, program),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/usr/libexec/qemu-bridge-helper\"",
	  .sentence = "The program. Unset: searched for where distributions have it." },
};

static const ObjectType helper_object = {
	.name = "helper",
	.sentence = "qemu-bridge-helper, which makes the taps of interfaces with \"attach\": "
		    "\"helper\".",
	.fields = helper_fields,
	.n_fields = ELEMENTSOF(helper_fields),
	.size = sizeof(HelperConf),
};

static const Field host_conf_fields[] = {
	{ .key = "$schema",
	  .type = FIELD_STRING,
	  .offset = offsetof(HostConf, schema),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/usr/share/mvmd/host.schema.json\"",
	  .sentence = "Where an editor finds the JSON Schema; mvmd does nothing with it." },
	DESCRIPTION_FIELD(HostConf),
	{ .key = "uid_range",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(HostConf, uid_range),
	  .object = &uid_range_object,
	  .example = "{ \"first\": 400000 }",
	  .sentence = "Which uids VMs get." },
	{ .key = "helper",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(HostConf, helper),
	  .object = &helper_object,
	  .example = "{ \"program\": \"/usr/libexec/qemu-bridge-helper\" }",
	  .sentence = "Where qemu-bridge-helper is." },
	{ .key = "start_slots",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(HostConf, start_slots),
	  .min = 1,
	  .max = START_SLOTS_MAX,
	  .example = "4",
	  .sentence =
		  "How many VMs may start at the same time; the others wait. Unset: any number." },
	{ .key = "allow_known_issues",
	  .type = FIELD_LIST,
	  .offset = offsetof(HostConf, allow_known_issues),
	  .extra_offset = offsetof(HostConf, n_allow_known_issues),
	  .max = ALLOWED_ISSUES_MAX,
	  .object = &allowed_issue_object,
	  .shorthand = "id",
	  .example = "[ \"PVH-6664\" ]",
	  .sentence = "Known issues for which no VM's start is refused; a spec can have more." },
};

const ObjectType host_conf_object = {
	.name = "host.conf",
	.sentence = "The settings of one host.",
	.fields = host_conf_fields,
	.n_fields = ELEMENTSOF(host_conf_fields),
	.size = sizeof(HostConf),
	.title = "mvmd.host.conf(5): the settings of one host",
	.least = "{}",
};

/* Whether the object, or anything in it, was found wrong before: then nothing follows from the rest. */
static bool is_wrong(const JsonNode *node)
{
	bool wrong = node->wrong;

	for (const JsonNode *child = node->children; child; child = child->next)
		wrong = wrong || child->wrong;
	return wrong;
}

/* A default that does not go with what is written is told, too: at the object, where both meet. */
static void check_uid_range(SpecReport *report, const JsonNode *root, const UidRange *range)
{
	JsonNode *node = json_member(root, "uid_range");
	uint64_t last = range->first + range->count - 1;

	if (!node || is_wrong(node))
		return;
	if (last > UID_MAX)
		report_value(report, RULE_UID_RANGE_END, node,
			     "is from %" PRIu64 " to %" PRIu64 ", and the last uid is %" PRIu64
			     "; take a lower \"first\" or a smaller \"count\"",
			     range->first, last, UID_MAX);
	else if (range->first <= UID_NONE_16_BIT && last >= UID_NOBODY)
		report_value(report, RULE_UID_RANGE_NOBODY, node,
			     "is from %" PRIu64 " to %" PRIu64
			     ", which has %d (nobody) or %d (no user) in it; end it below or "
			     "begin it above them",
			     range->first, last, UID_NOBODY, UID_NONE_16_BIT);
}

static void read_doc(SpecReport *report, HostConf *conf)
{
	JsonPool pool = { 0 };
	JsonNode *root = spec_text_read(report, 0, &host_conf_object, NULL, &pool);

	if (root) {
		spec_check_keys(report, &host_conf_object, root);
		/* Over nothing: null stands for the default here as in a spec. */
		root = spec_merge(report, &host_conf_object, NULL, root);
		spec_object_read(report, &host_conf_object, root, conf);
		check_uid_range(report, root, &conf->uid_range);
	}
	json_pool_done(&pool);
}

int host_conf_parse(const SpecDoc *doc, HostConf *ret, Problems *problems)
{
	_cleanup_(host_conf_done) HostConf conf = { 0 };
	SpecReport report = { .docs = doc, .n_docs = 1, .problems = problems };
	size_t first = problems->n;

	spec_object_init(&host_conf_object, &conf);
	if (doc)
		read_doc(&report, &conf);
	problems_sort(problems, first);

	if (report.failed)
		return -ENOMEM;
	if (problems->n > first)
		return -EINVAL;
	*ret = conf;
	conf = (HostConf){ 0 };
	return 0;
}

void host_conf_done(HostConf *conf)
{
	spec_object_done(&host_conf_object, conf);
	*conf = (HostConf){ 0 };
}
