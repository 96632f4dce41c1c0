/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "model/findings.h"
#include "model/man.h"
#include "model/wrap.h"

#define TEXT_INDENT 2

const FindingTable *const finding_tables[FINDING_TABLES] = {
	&findings_of_files,  &findings_of_host,	 &findings_of_network,	&findings_of_attach,
	&findings_of_ports,  &findings_of_run,	 &findings_of_guest,	&findings_of_doctor,
	&findings_of_issues, &findings_of_units, &findings_of_adoption,
};

const char *finding_severity_to_string(FindingSeverity severity)
{
	static const char *const words[_FINDING_SEVERITY_MAX] = {
		[FINDING_ERROR] = "error",
		[FINDING_WARNING] = "warning",
		[FINDING_NOTE] = "note",
	};

	return words[severity];
}

const Finding *finding_find(const char *id)
{
	for (size_t t = 0; t < FINDING_TABLES; t++)
		for (size_t i = 0; i < finding_tables[t]->n; i++)
			if (streq(finding_tables[t]->findings[i].id, id))
				return &finding_tables[t]->findings[i];
	return NULL;
}

const char *finding_nearest(const char *id)
{
	const char *nearest[FINDING_TABLES];
	size_t n = 0;

	for (size_t t = 0; t < FINDING_TABLES; t++) {
		const FindingTable *table = finding_tables[t];
		const char *best = NULL;

		for (size_t i = 0; i < table->n; i++) {
			const char *row = nearest_name(id, &table->findings[i].id, 1);

			if (row && (!best || edit_distance(id, row) < edit_distance(id, best)))
				best = row;
		}
		if (best)
			nearest[n++] = best;
	}
	return nearest_name(id, nearest, n);
}

int finding_to_text(const Finding *finding, char **ret)
{
	StrBuf buf = { 0 };

	str_buf_add(&buf, "%s (%s): %s\n\n", finding->id,
		    finding_severity_to_string(finding->severity), finding->title);
	wrap_add(&buf, TEXT_INDENT, "What happened", finding->what);
	wrap_add(&buf, TEXT_INDENT, "Why", finding->why);
	wrap_add(&buf, TEXT_INDENT, "What to do", finding->remedy);
	if (finding->evidence)
		wrap_add(&buf, TEXT_INDENT, "Evidence", finding->evidence);
	return str_buf_take(&buf, ret);
}

int findings_to_list(char **ret)
{
	StrBuf buf = { 0 };
	size_t widest = 0;

	for (size_t t = 0; t < FINDING_TABLES; t++)
		for (size_t i = 0; i < finding_tables[t]->n; i++)
			if (strlen(finding_tables[t]->findings[i].id) > widest)
				widest = strlen(finding_tables[t]->findings[i].id);
	for (size_t t = 0; t < FINDING_TABLES; t++) {
		const FindingTable *table = finding_tables[t];

		str_buf_add(&buf, "%s%s\n", t ? "\n" : "", table->title);
		for (size_t i = 0; i < table->n; i++)
			str_buf_add(&buf, "  %-*s  %s\n", (int) widest, table->findings[i].id,
				    table->findings[i].title);
	}
	return str_buf_take(&buf, ret);
}

int findings_to_man(char **ret)
{
	StrBuf buf = { 0 };

	for (size_t t = 0; t < FINDING_TABLES; t++) {
		const FindingTable *table = finding_tables[t];

		str_buf_add(&buf, ".Sh %s\n.Bl -tag -width Ds\n", table->title);
		for (size_t i = 0; i < table->n; i++) {
			const Finding *finding = &table->findings[i];

			str_buf_add(&buf, ".It Sy %s Pq %s\n", finding->id,
				    finding_severity_to_string(finding->severity));
			man_add_sentences(&buf, finding->what);
			str_buf_add(&buf, ".Pp\n");
			man_add_sentences(&buf, finding->why);
			str_buf_add(&buf, ".Pp\n");
			man_add_sentences(&buf, finding->remedy);
			if (finding->evidence)
				str_buf_add(&buf, ".Pp\nEvidence: %s.\n", finding->evidence);
		}
		str_buf_add(&buf, ".El\n");
	}
	return str_buf_take(&buf, ret);
}

static json_t *evidence_to_json(const Finding *finding)
{
	static const char separator[] = ", ";
	json_t *list = json_array();

	for (const char *key = finding->evidence ?: ""; *key;) {
		size_t length = strcspn(key, separator);

		(void) json_array_append_new(list, json_stringn(key, length));
		key += length;
		key += strspn(key, separator);
	}
	return list;
}

static json_t *to_json(const Finding *finding)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id", finding->id, "severity",
			 finding_severity_to_string(finding->severity), "title", finding->title,
			 "what", finding->what, "why", finding->why, "remedy", finding->remedy,
			 "evidence", evidence_to_json(finding));
}

/* Takes json. */
static int dump(json_t *json, char **ret)
{
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int finding_to_json(const Finding *finding, char **ret)
{
	return dump(json_pack("{s:i, s:o}", "version", 1, "finding", to_json(finding)), ret);
}

int findings_to_json(char **ret)
{
	json_t *list = json_array();

	for (size_t t = 0; t < FINDING_TABLES; t++)
		for (size_t i = 0; i < finding_tables[t]->n; i++)
			if (json_array_append_new(list, to_json(&finding_tables[t]->findings[i])) <
			    0) {
				json_decref(list);
				return -ENOMEM;
			}
	return dump(json_pack("{s:i, s:o}", "version", 1, "findings", list), ret);
}
