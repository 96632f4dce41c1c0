/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "model/schema.h"
#include "model/spec-json.h"
#include "model/spec-values.h"

static json_t *object_to_json(const ObjectType *object, const void *base);

static const void *field_at(const Field *field, const void *base)
{
	return (const char *) base + field->offset;
}

static size_t entry_count(const Field *field, const void *base)
{
	const size_t *n = (const void *) ((const char *) base + field->extra_offset);

	return *n;
}

static json_t *text_to_json(const void *at)
{
	const char *text = *(char *const *) at;

	return text ? json_string(text) : NULL;
}

/* A number out of its range is one that was not written: an MTU of 0. */
static json_t *number_to_json(const Field *field, const void *at)
{
	uint64_t value = *(const uint64_t *) at;
	char text[FORMAT_MAX];

	if (value < field->n_choices)
		return json_string(field->choices[value]);
	if (value < field->min || value > field->max)
		return NULL;
	if (field->type == FIELD_SIZE)
		return json_string(format_size(text, value));
	if (field->type == FIELD_DURATION)
		return json_string(format_duration(text, value));
	if (field->type == FIELD_RATE)
		return json_string(format_rate(text, value));
	return json_integer((json_int_t) value);
}

static json_t *range_to_json(const void *at)
{
	const NumberRange *range = at;

	if (range->first == 0)
		return NULL;
	return range->first == range->last ?
		       json_integer((json_int_t) range->first) :
		       json_sprintf("%" PRIu64 "-%" PRIu64, range->first, range->last);
}

static json_t *tristate_to_json(const void *at)
{
	Tristate value = *(const Tristate *) at;

	return value == TRISTATE_UNSET ? NULL : json_boolean(value == TRISTATE_TRUE);
}

static json_t *choice_to_json(const Field *field, const void *at)
{
	unsigned value = *(const unsigned *) at;

	return field->choices[value] ? json_string(field->choices[value]) : NULL;
}

static json_t *list_to_json(const Field *field, const void *base)
{
	const char *entries = *(char *const *) field_at(field, base);
	size_t n = entry_count(field, base);
	json_t *list = n > 0 ? json_array() : NULL;

	for (size_t i = 0; i < n; i++)
		(void) json_array_append_new(
			list, object_to_json(field->object, entries + i * field->object->size));
	return list;
}

static json_t *map_to_json(const Field *field, const void *base)
{
	const char *entries = *(char *const *) field_at(field, base);
	size_t n = entry_count(field, base);
	json_t *map = n > 0 ? json_object() : NULL;

	for (size_t i = 0; i < n; i++) {
		const char *entry = entries + i * field->object->size;
		char *const *name = (const void *) (entry + field->object->name_offset);

		(void) json_object_set_new(map, *name, object_to_json(field->object, entry));
	}
	return map;
}

/* An object of which nothing is written is told from none only where that makes a difference. */
static json_t *member_to_json(const Field *field, const void *base)
{
	bool optional = field->extra_offset != 0;
	json_t *object;

	if (optional && !*((const bool *) base + field->extra_offset))
		return NULL;
	object = object_to_json(field->object, field_at(field, base));
	if (!optional && json_object_size(object) == 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* NULL: there is nothing to write. */
static json_t *value_to_json(const Field *field, const void *at)
{
	switch (field->type) {
	case FIELD_BOOL:
		return json_boolean(*(const bool *) at);
	case FIELD_TRISTATE:
		return tristate_to_json(at);
	case FIELD_INTEGER:
	case FIELD_SIZE:
	case FIELD_DURATION:
	case FIELD_RATE:
		return number_to_json(field, at);
	case FIELD_RANGE:
		return range_to_json(at);
	case FIELD_ENUM:
		return choice_to_json(field, at);
	case FIELD_STRING:
	case FIELD_PATH:
	case FIELD_MAC:
	case FIELD_LINK:
	case FIELD_USER:
	case FIELD_ID:
	case FIELD_VM:
		return text_to_json(at);
	case FIELD_OBJECT:
	case FIELD_LIST:
	case FIELD_MAP:
	case FIELD_TEXT:
	case _FIELD_TYPE_MAX:
	default:
		return NULL;
	}
}

/* A value of any type that has a default. */
typedef union DefaultValue {
	bool truth;
	uint64_t number;
	unsigned choice;
} DefaultValue;

/* Some keys may not be written beside others, not even with the value that they have anyway. */
static bool is_default(const Field *field, const json_t *value)
{
	DefaultValue standard = { .number = 0 };
	json_t *json;
	bool equal;

	if (!field->fallback || spec_value_default(field, field->fallback, &standard) < 0)
		return false;
	json = value_to_json(field, &standard);
	equal = json_equal(json, value);
	json_decref(json);
	return equal;
}

static json_t *field_to_json(const Field *field, const void *base)
{
	json_t *value;

	if (field->type == FIELD_OBJECT)
		return member_to_json(field, base);
	if (field->type == FIELD_LIST)
		return list_to_json(field, base);
	if (field->type == FIELD_MAP)
		return map_to_json(field, base);
	value = value_to_json(field, field_at(field, base));
	if (value && is_default(field, value)) {
		json_decref(value);
		return NULL;
	}
	return value;
}

/* What leads to the document, and is not of it. */
static bool is_of_the_file(const char *key)
{
	return streq(key, "$schema") || streq(key, "template");
}

static json_t *object_to_json(const ObjectType *object, const void *base)
{
	json_t *json = json_object();

	for (size_t i = 0; i < object->n_fields; i++) {
		const Field *field = &object->fields[i];
		json_t *value = is_of_the_file(field->key) ? NULL : field_to_json(field, base);

		if (value)
			(void) json_object_set_new(json, field->key, value);
	}
	return json;
}

json_t *spec_to_json(const Spec *spec)
{
	return object_to_json(&spec_object, spec);
}

int spec_from_json(const json_t *document, const char *name, const char *file, Spec **ret,
		   Problems *problems)
{
	_cleanup_free_ char *text = json_dumps(document, 0), *path = strdup(file);
	SpecDoc doc = { .role = SPEC_DOC_MAIN,
			.file = path,
			.text = text,
			.length = text ? strlen(text) : 0,
			.expanded = true };

	if (!text || !path)
		return -ENOMEM;
	return spec_parse(&doc, 1, name, ret, problems);
}

int spec_documents_compare(const json_t *before, const json_t *now, StrList *ret)
{
	for (size_t i = 0; i < spec_object.n_fields; i++) {
		const char *key = spec_object.fields[i].key;
		json_t *a = json_object_get(before, key), *b = json_object_get(now, key);

		if (a != b && !json_equal(a, b))
			str_list_add(ret, "%s", key);
	}
	return ret->failed ? -ENOMEM : 0;
}
