/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/spec-text.h"

static void on_duplicate(void *userdata, const JsonNode *later, const JsonNode *first)
{
	SpecReport *report = userdata;
	JsonNode copy = *later; /* it will not be in the tree: no mark of it is needed */

	report_key(report, RULE_DUPLICATE_KEY, &copy,
		   "is written twice, first in line %zu; keep one of them", first->key_place.line);
}

static void report_flaw(SpecReport *report, size_t document, const ObjectType *object,
			const JsonFlaw *flaw)
{
	static const SpecRule rules[_JSON_ERROR_MAX] = {
		[JSON_ERROR_EMPTY] = RULE_FILE_EMPTY, [JSON_ERROR_NUL] = RULE_NUL_BYTE,
		[JSON_ERROR_UTF8] = RULE_NOT_UTF8,    [JSON_ERROR_SYNTAX] = RULE_JSON_SYNTAX,
		[JSON_ERROR_DEPTH] = RULE_TOO_DEEP,   [JSON_ERROR_VALUES] = RULE_TOO_MANY_VALUES,
	};
	char pointer[] = "";
	ReportPlace at = { document, &flaw->place, pointer };
	SpecRule rule = rules[flaw->error];

	switch (flaw->error) {
	case JSON_ERROR_EMPTY:
		report_at(report, rule, at, "the file is empty; %s is at least %s", object->name,
			  object->least);
		break;
	case JSON_ERROR_NUL:
		report_at(report, rule, at, "a NUL byte: this is no text; %s is JSON in UTF-8",
			  object->name);
		break;
	case JSON_ERROR_UTF8:
		report_at(report, rule, at, "this is no UTF-8; save the file as UTF-8");
		break;
	case JSON_ERROR_SYNTAX:
		report_at(report, rule, at, "%s", flaw->text);
		break;
	case JSON_ERROR_DEPTH:
		report_at(report, rule, at,
			  "lists and objects are nested more than %d deep, which no key needs",
			  SPEC_DEPTH_MAX);
		break;
	case JSON_ERROR_VALUES:
		report_at(report, rule, at, "the file has too many values; possible are at most %d",
			  SPEC_VALUES_MAX);
		break;
	case JSON_OK:
	case JSON_ERROR_MEMORY:
	case _JSON_ERROR_MAX:
		report->failed = true;
		break;
	}
}

/* Replaces the string's '%n' and '%%'; another '%' is a problem and stays. */
static void expand_string(SpecReport *report, JsonNode *node, const char *vm)
{
	StrBuf buf = { 0 };
	char *expanded;

	if (!strchr(node->text, '%'))
		return;
	for (const char *c = node->text; *c; c++) {
		if (*c == '%' && c[1] == 'n') {
			str_buf_add(&buf, "%s", vm);
			c++;
		} else if (*c == '%' && c[1] == '%') {
			str_buf_add_bytes(&buf, "%", 1);
			c++;
		} else if (*c == '%') {
			char words[VALUE_SHOWN_MAX];

			report_value(report, RULE_BAD_PERCENT, node,
				     "%s has a '%%' with no meaning here; write %%%% for a percent "
				     "sign, %%n for the VM's name",
				     string_words(words, node->text));
			str_buf_done(&buf);
			return;
		} else {
			str_buf_add_bytes(&buf, c, 1);
		}
	}
	if (str_buf_take(&buf, &expanded) < 0) {
		report->failed = true;
		return;
	}
	free(node->text);
	node->text = expanded;
}

/* As deep as the text, which is bounded. */
static void expand_strings(SpecReport *report, JsonNode *node, const char *vm)
{
	if (node->kind == JSON_NODE_STRING)
		expand_string(report, node, vm);
	for (JsonNode *child = node->children; child; child = child->next)
		expand_strings(report, child, vm);
}

JsonNode *spec_text_read(SpecReport *report, size_t document, const ObjectType *object,
			 const char *vm, JsonPool *pool)
{
	const SpecDoc *doc = &report->docs[document];
	const JsonSource source = {
		.text = doc->text,
		.length = doc->length,
		.document = document,
		.limits = { SPEC_DEPTH_MAX, SPEC_VALUES_MAX },
	};
	char pointer[] = "";
	JsonNode *root = NULL;
	JsonFlaw flaw = { 0 };

	if (doc->length > SPEC_FILE_MAX_BYTES) {
		char size[FORMAT_MAX];

		report_at(report, RULE_FILE_TOO_LARGE, (ReportPlace){ document, NULL, pointer },
			  "the file has %zu bytes; possible are at most %s", doc->length,
			  format_size(size, SPEC_FILE_MAX_BYTES));
		return NULL;
	}
	if (!json_scan(&source, pool, on_duplicate, report, &root, &flaw)) {
		report_flaw(report, document, object, &flaw);
		return NULL;
	}
	if (root->kind != JSON_NODE_OBJECT) {
		report_value(report, RULE_NOT_AN_OBJECT, root,
			     "the file holds %s; %s is an object: %s", json_kind_words(root->kind),
			     object->name, object->least);
		return NULL;
	}
	if (vm)
		expand_strings(report, root, vm);
	return root;
}
