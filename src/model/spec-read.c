/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "model/spec-read.h"
#include "model/spec-values.h"

static void *field_at(const Field *field, void *base)
{
	return (char *) base + field->offset;
}

static size_t *list_count(const Field *list, void *base)
{
	return (void *) ((char *) base + list->extra_offset);
}

/* The entry of a list of structs. */
static void *list_entry(const Field *list, void *base, size_t i)
{
	char *const *entries = field_at(list, base);

	return *entries + i * list->object->size;
}

static void report_unknown_key(SpecReport *report, const ObjectType *object, JsonNode *member)
{
	const char *nearest = object_nearest_key(object, member->key);
	_cleanup_free_ char *list = NULL;
	StrBuf buf = { 0 };

	if (nearest) {
		report_key(report, RULE_UNKNOWN_KEY, member,
			   "is no key of %s; did you mean \"%s\"?", object->name, nearest);
		return;
	}
	for (size_t i = 0; i < object->n_fields; i++)
		str_buf_add(&buf, "%s\"%s\"", buf.length ? ", " : "", object->fields[i].key);
	if (str_buf_take(&buf, &list) < 0)
		report->failed = true;
	else
		report_key(report, RULE_UNKNOWN_KEY, member, "is no key of %s; its keys are %s",
			   object->name, list);
}

void spec_check_keys(SpecReport *report, const ObjectType *object, const JsonNode *node)
{
	if (node->kind != JSON_NODE_OBJECT)
		return;
	for (JsonNode *member = node->children; member; member = member->next) {
		const Field *field = object_field(object, member->key);

		if (object->merges_by_id && streq(member->key, REMOVE_KEY))
			continue;
		if (!field)
			report_unknown_key(report, object, member);
		else if (field->type == FIELD_OBJECT)
			spec_check_keys(report, field->object, member);
		else if (field->type == FIELD_LIST && member->kind == JSON_NODE_LIST)
			for (JsonNode *entry = member->children; entry; entry = entry->next)
				spec_check_keys(report, field->object, entry);
		else if (field->type == FIELD_MAP && member->kind == JSON_NODE_OBJECT)
			for (JsonNode *entry = member->children; entry; entry = entry->next)
				spec_check_keys(report, field->object, entry);
	}
}

void spec_object_init(const ObjectType *object, void *base)
{
	for (size_t i = 0; i < object->n_fields; i++) {
		const Field *field = &object->fields[i];
		void *at = field_at(field, base);

		if (field->type == FIELD_OBJECT) {
			spec_object_init(field->object, at);
			if (field->fallback) {
				field = object_field(field->object, field->shorthand);
				at = field_at(field, at);
				(void) spec_value_default(field, object->fields[i].fallback, at);
			}
		} else if (field->fallback) {
			(void) spec_value_default(field, field->fallback, at);
		}
	}
}

/* An object, or what stands for it: "memory": "512MiB". */
static void read_object(SpecReport *report, const Field *field, JsonNode *node, void *base)
{
	const Field *shorthand =
		field->shorthand ? object_field(field->object, field->shorthand) : NULL;
	void *at = field_at(field, base);

	if (field->extra_offset)
		*((bool *) base + field->extra_offset) = true;
	if (node->kind == JSON_NODE_OBJECT)
		spec_object_read(report, field->object, node, at);
	else if (shorthand && node->kind != JSON_NODE_LIST)
		spec_value_read(report, shorthand, node, field_at(shorthand, at));
	else
		spec_value_read(report, field, node, at);
}

/* What is not written where an entry merges by id: the key that stands for the id. */
static void default_entry_id(SpecReport *report, const ObjectType *object, JsonNode *entry,
			     void *base)
{
	const Field *id = object_field(object, "id");
	const Field *from = object_field(object, object->default_id);
	JsonNode *node = json_member(entry, object->default_id);
	char *const *text = field_at(from, base);

	if (!*text || json_member(entry, "id"))
		return;
	if (!spec_id_is_valid(*text)) {
		report_value(report, RULE_ID, node,
			     "is also the id where none is written, and no name for one; write an "
			     "\"id\" such as %s",
			     id->example);
		return;
	}
	if (str_set(field_at(id, base), *text) < 0)
		report->failed = true;
}

static void read_entry(SpecReport *report, const Field *list, JsonNode *entry, void *base)
{
	const ObjectType *object = list->object;
	const Field *shorthand = list->shorthand ? object_field(object, list->shorthand) : NULL;

	spec_object_init(object, base);
	if (list->type == FIELD_MAP &&
	    str_set((void *) ((char *) base + object->name_offset), entry->key) < 0)
		report->failed = true;
	if (shorthand && entry->kind != JSON_NODE_OBJECT) {
		spec_value_read(report, shorthand, entry, field_at(shorthand, base));
		return;
	}
	if (entry->kind != JSON_NODE_OBJECT) {
		report_value(report, RULE_WRONG_TYPE, entry,
			     "is %s; every entry of this %s is an object, %s",
			     json_kind_words(entry->kind),
			     list->type == FIELD_MAP ? "object" : "list", object->name);
		return;
	}
	spec_object_read(report, object, entry, base);
	if (object->default_id)
		default_entry_id(report, object, entry, base);
}

/* Of a list or a map. */
static void read_entries(SpecReport *report, const Field *field, JsonNode *node, void *base)
{
	void **entries = field_at(field, base);
	size_t n = 0, i = 0;

	if (node->kind != (field->type == FIELD_MAP ? JSON_NODE_OBJECT : JSON_NODE_LIST)) {
		spec_value_read(report, field, node, NULL);
		return;
	}
	for (JsonNode *counted = node->children; counted; counted = counted->next)
		n++;
	if (n > field->max) {
		report_value(report, RULE_TOO_MANY_ENTRIES, node,
			     "has %zu entries; possible are at most %" PRIu64, n, field->max);
		n = (size_t) field->max;
	}
	if (n == 0)
		return;
	*entries = calloc(n, field->object->size);
	if (!*entries) {
		report->failed = true;
		return;
	}
	*list_count(field, base) = n;
	for (JsonNode *entry = node->children; entry && i < n; entry = entry->next)
		read_entry(report, field, entry, list_entry(field, base, i++));
}

void spec_object_read(SpecReport *report, const ObjectType *object, JsonNode *node, void *base)
{
	for (size_t i = 0; i < object->n_fields; i++) {
		const Field *field = &object->fields[i];
		JsonNode *member = json_member(node, field->key);

		if (!member && field->required)
			report_missing(report, RULE_MISSING_KEY, node, field->key,
				       "is missing; %s needs it, such as \"%s\": %s", object->name,
				       field->key, field->example);
		else if (!member)
			continue;
		else if (field->type == FIELD_OBJECT)
			read_object(report, field, member, base);
		else if (field->type == FIELD_LIST || field->type == FIELD_MAP)
			read_entries(report, field, member, base);
		else
			spec_value_read(report, field, member, field_at(field, base));
	}
}

static void entry_done(const Field *list, void *base)
{
	spec_object_done(list->object, base);
	if (list->type == FIELD_MAP)
		free(*(char **) (void *) ((char *) base + list->object->name_offset));
}

static void field_done(const Field *field, void *base)
{
	void *at = field_at(field, base);

	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_STRING:
	case FIELD_PATH:
	case FIELD_MAC:
	case FIELD_LINK:
	case FIELD_USER:
	case FIELD_ID:
	case FIELD_VM:
		free(*(char **) at);
		break;
	case FIELD_OBJECT:
		spec_object_done(field->object, at);
		break;
	case FIELD_LIST:
	case FIELD_MAP:
		for (size_t i = 0; i < *list_count(field, base); i++)
			entry_done(field, list_entry(field, base, i));
		free(*(void **) at);
		break;
	case FIELD_BOOL:
	case FIELD_TRISTATE:
	case FIELD_INTEGER:
	case FIELD_RANGE:
	case FIELD_SIZE:
	case FIELD_DURATION:
	case FIELD_RATE:
	case FIELD_ENUM:
	case _FIELD_TYPE_MAX:
		break;
	}
}

void spec_object_done(const ObjectType *object, void *base)
{
	for (size_t i = 0; i < object->n_fields; i++)
		field_done(&object->fields[i], base);
}
