/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/util.h"
#include "model/schema-json.h"
#include "model/spec-values.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

/*
 * Patterns are ECMA-262 expressions. They let "%n", which stands for at least one character, and "%%"
 * pass wherever the name could stand.
 */
#define HEX_PAIR "([0-9A-Fa-f]{2}|%n)"
static const char *const patterns[_FIELD_TYPE_MAX] = {
	[FIELD_PATH] = "^/",
	[FIELD_MAC] = "^" HEX_PAIR "(:" HEX_PAIR "){5}$",
	[FIELD_LINK] = "^([^/:%\\s]|%n){1,15}$",
	[FIELD_USER] = "^([A-Za-z_]|%n)([A-Za-z0-9_.-]|%n)*$",
	[FIELD_ID] = "^([A-Za-z0-9]|%n)([A-Za-z0-9._-]|%n){0,31}$",
	[FIELD_VM] = "^([A-Za-z0-9]|%n)([A-Za-z0-9.-]|%n){0,47}$",
};

static json_t *object_schema(const ObjectType *object);
static json_t *type_schema(const Field *field);

/* Sets a member; NULL where memory is short or was before, so that callers look once, at the end. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* The same for the next element of a list. */
static json_t *with_element(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0) {
		json_decref(array);
		return NULL;
	}
	return array;
}

/* Gives a type, and null beside it: RFC 7396 takes a key away by it. */
static json_t *typed(const char *type)
{
	return json_pack("{s:[s,s]}", "type", type, "null");
}

static json_t *string_schema(const Field *field)
{
	json_t *schema = typed("string");

	if (patterns[field->type])
		schema = with(schema, "pattern", json_string(patterns[field->type]));
	if (field->type == FIELD_STRING && field->min > 0)
		schema = with(schema, "minLength", json_integer((json_int_t) field->min));
	return schema;
}

static json_t *enum_schema(const Field *field)
{
	json_t *words = json_array();

	for (size_t i = 0; i < field->n_choices; i++)
		if (field->choices[i])
			words = with_element(words, json_string(field->choices[i]));
	words = with_element(words, json_null());
	return json_pack("{s:o}", "enum", words);
}

static json_t *integer_schema(const Field *field)
{
	json_t *schema = typed("integer");

	schema = with(schema, "minimum", json_integer((json_int_t) field->min));
	schema = with(schema, "maximum", json_integer((json_int_t) field->max));
	if (field->n_choices > 0)
		return json_pack("{s:[o,o]}", "anyOf", schema, enum_schema(field));
	return schema;
}

/* A number, or two of them; that they are in range is mvmd's to see. */
static json_t *range_schema(const Field *field)
{
	return json_pack("{s:[o,{s:s, s:s}]}", "anyOf", integer_schema(field), "type", "string",
			 "pattern", "^[0-9]+-[0-9]+$");
}

static json_t *quantity_schema(const Unit *units)
{
	_cleanup_free_ char *pattern = NULL;
	StrBuf buf = { 0 };
	json_t *schema;

	str_buf_add(&buf, "^[0-9]+(");
	for (const Unit *unit = units; unit->suffix; unit++)
		str_buf_add(&buf, "%s%s", unit == units ? "" : "|", unit->suffix);
	str_buf_add(&buf, ")$");
	if (str_buf_take(&buf, &pattern) < 0)
		return NULL;
	schema = typed("string");
	schema = with(schema, "pattern", json_string(pattern));
	return schema;
}

/* An object or, where there is a shorthand, the value that stands for it. */
static json_t *shorthand_schema(const Field *field, json_t *schema)
{
	if (!field->shorthand)
		return schema;
	return json_pack("{s:[o,o]}", "anyOf",
			 type_schema(object_field(field->object, field->shorthand)), schema);
}

static json_t *list_schema(const Field *field)
{
	return json_pack("{s:[s,s], s:I, s:o}", "type", "array", "null", "maxItems",
			 (json_int_t) field->max, "items",
			 shorthand_schema(field, object_schema(field->object)));
}

static json_t *map_schema(const Field *field)
{
	return json_pack("{s:[s,s], s:I, s:{s:s}, s:o}", "type", "object", "null", "maxProperties",
			 (json_int_t) field->max, "propertyNames", "pattern",
			 field->object->name_pattern, "additionalProperties",
			 object_schema(field->object));
}

static json_t *type_schema(const Field *field)
{
	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_STRING:
	case FIELD_PATH:
	case FIELD_MAC:
	case FIELD_LINK:
	case FIELD_USER:
	case FIELD_ID:
	case FIELD_VM:
		return string_schema(field);
	case FIELD_BOOL:
	case FIELD_TRISTATE:
		return typed("boolean");
	case FIELD_INTEGER:
		return integer_schema(field);
	case FIELD_RANGE:
		return range_schema(field);
	case FIELD_SIZE:
		return quantity_schema(size_units);
	case FIELD_RATE:
		return quantity_schema(rate_units);
	case FIELD_DURATION:
		return quantity_schema(duration_units);
	case FIELD_ENUM:
		return enum_schema(field);
	case FIELD_OBJECT:
		return object_schema(field->object);
	case FIELD_LIST:
		return list_schema(field);
	case FIELD_MAP:
		return map_schema(field);
	case _FIELD_TYPE_MAX:
		break;
	}
	return NULL;
}

/* A default as JSON: bare words and quantities are strings. */
static json_t *default_value(const Field *field)
{
	if (field->type == FIELD_BOOL)
		return json_boolean(streq(field->fallback, "true"));
	if (field->type == FIELD_INTEGER)
		return json_integer((json_int_t) strtoull(field->fallback, NULL, 10));
	return json_string(field->fallback);
}

static json_t *field_schema(const Field *field)
{
	json_t *schema = type_schema(field);

	if (field->type == FIELD_OBJECT)
		schema = shorthand_schema(field, schema);
	schema = with(schema, "description", json_string(field->sentence));
	if (field->fallback)
		schema = with(schema, "default", default_value(field));
	return schema;
}

static json_t *object_schema(const ObjectType *object)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < object->n_fields; i++)
		properties =
			with(properties, object->fields[i].key, field_schema(&object->fields[i]));
	if (object->merges_by_id)
		properties = with(properties, REMOVE_KEY,
				  json_pack("{s:b, s:s}", "const", 1, "description",
					    "Takes the entry of this id, which the "
					    "template has, away."));
	return json_pack("{s:[s,s], s:s, s:o, s:b}", "type", "object", "null", "description",
			 object->sentence, "properties", properties, "additionalProperties", 0);
}

/* What must be there unless a template may have it; entries that are taken out need only their id. */
static json_t *required_schema(const ObjectType *object)
{
	json_t *required = json_array(), *properties = json_object();

	for (size_t i = 0; i < object->n_fields; i++) {
		const Field *field = &object->fields[i];
		json_t *below;

		if (field->required)
			required = with_element(required, json_string(field->key));
		if (!field->object)
			continue;
		below = required_schema(field->object);
		if (json_object_size(below) == 0)
			json_decref(below);
		else if (field->type == FIELD_LIST)
			properties =
				with(properties, field->key, json_pack("{s:o}", "items", below));
		else
			properties = with(properties, field->key, below);
	}

	if (json_object_size(properties) == 0 && json_array_size(required) == 0) {
		json_decref(properties);
		json_decref(required);
		return json_object();
	}
	return json_pack("{s:o, s:o}", "required", required, "properties", properties);
}

/* A key that must be there may stand in the template, where there can be one. */
static json_t *with_required(json_t *schema, const ObjectType *root)
{
	if (!object_field(root, "template"))
		return with(schema, "allOf", with_element(json_array(), required_schema(root)));
	schema = with(schema, "if", json_pack("{s:{s:[s]}}", "not", "required", "template"));
	return with(schema, "then", required_schema(root));
}

int schema_to_json(const ObjectType *root, char **ret)
{
	json_t *schema = object_schema(root);
	char *text;

	schema = with(schema, "$schema", json_string(DIALECT));
	schema = with(schema, "title", json_string(root->title));
	schema = with(schema, "type", json_string("object"));
	schema = with_required(schema, root);

	text = schema ? json_dumps(schema, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	json_decref(schema);
	if (!text)
		return -ENOMEM;
	*ret = str_printf("%s\n", text);
	free(text);
	return *ret ? 0 : -ENOMEM;
}
