/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/util.h"
#include "model/man.h"
#include "model/schema-man.h"

static void add_choices(StrBuf *buf, const Field *field)
{
	bool first = true;

	for (size_t i = 0; i < field->n_choices; i++) {
		if (!field->choices[i])
			continue;
		str_buf_add(buf, "%s%s", first ? "" : " | ", field->choices[i]);
		first = false;
	}
}

static void add_range(StrBuf *buf, const Field *field)
{
	char min[FORMAT_MAX], max[FORMAT_MAX];

	if (field->type == FIELD_SIZE)
		str_buf_add(buf, "size, %s to %s", format_size(min, field->min),
			    format_size(max, field->max));
	else if (field->type == FIELD_RATE)
		str_buf_add(buf, "rate, %s to %s", format_rate(min, field->min),
			    format_rate(max, field->max));
	else if (field->type == FIELD_DURATION)
		str_buf_add(buf, "time, %s to %s", format_duration(min, field->min),
			    format_duration(max, field->max));
	else
		str_buf_add(buf, "%s, %" PRIu64 " to %" PRIu64,
			    field->type == FIELD_RANGE ? "number or range" : "number", field->min,
			    field->max);
}

/* "path", "number, 1 to 255; default 1": what the value is. */
static void add_type(StrBuf *buf, const Field *field)
{
	static const char *const words[_FIELD_TYPE_MAX] = {
		[FIELD_TEXT] = "text",
		[FIELD_STRING] = "string",
		[FIELD_PATH] = "path",
		[FIELD_BOOL] = "boolean",
		[FIELD_TRISTATE] = "boolean",
		[FIELD_MAC] = "MAC address",
		[FIELD_LINK] = "name",
		[FIELD_USER] = "name",
		[FIELD_ID] = "name",
		[FIELD_VM] = "name",
		[FIELD_OBJECT] = "object",
		[FIELD_LIST] = "list",
		[FIELD_MAP] = "object of names and objects",
	};

	if (field->type == FIELD_ENUM)
		add_choices(buf, field);
	else if (words[field->type])
		str_buf_add(buf, "%s", words[field->type]);
	else
		add_range(buf, field);
	if (field->type == FIELD_INTEGER && field->n_choices > 0) {
		str_buf_add(buf, ", or ");
		add_choices(buf, field);
	}
	if (field->type == FIELD_STRING || field->type == FIELD_LINK)
		str_buf_add(buf, ", at most %" PRIu64 " bytes", field->max);
	if (field->shorthand)
		str_buf_add(buf, " %s%s",
			    field->type == FIELD_LIST ? "of objects or their " : "or ",
			    field->shorthand);
	if (field->type == FIELD_LIST || field->type == FIELD_MAP)
		str_buf_add(buf, ", at most %" PRIu64, field->max);
	if (field->required)
		str_buf_add(buf, "; required");
	if (field->fallback)
		str_buf_add(buf, "; default %s", field->fallback);
}

static void add_field(StrBuf *buf, const Field *field)
{
	str_buf_add(buf, ".It Cm %s Pq ", field->key);
	add_type(buf, field);
	str_buf_add(buf, "\n");
	man_add_sentences(buf, field->sentence);
}

/* One section; 'description' is told once, on the page. */
static void add_object(StrBuf *buf, const char *title, const ObjectType *object)
{
	str_buf_add(buf, ".Ss %s\n", title);
	man_add_sentences(buf, object->sentence);
	str_buf_add(buf, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < object->n_fields; i++)
		if (object->fields[i].type != FIELD_TEXT)
			add_field(buf, &object->fields[i]);
	if (object->merges_by_id)
		str_buf_add(buf, ".It Cm " REMOVE_KEY " Pq true\n"
				 "Takes the entry of this id away; see\n.Sx MERGING .\n");
	str_buf_add(buf, ".El\n");
}

/* The object of a key and, after it, those in it: "interfaces: vlan". */
static void add_objects(StrBuf *buf, const char *path, const Field *field)
{
	char title[64];

	if (!field->object)
		return;
	(void) snprintf(title, sizeof(title), "%s%s",
			field->type == FIELD_OBJECT ? "" : "Entries of ", path);
	add_object(buf, title, field->object);
	for (size_t i = 0; i < field->object->n_fields; i++) {
		const Field *member = &field->object->fields[i];

		(void) snprintf(title, sizeof(title), "%s: %s", path, member->key);
		add_objects(buf, title, member);
	}
}

int schema_to_man(const ObjectType *root, char **ret)
{
	StrBuf buf = { 0 };

	add_object(&buf, "The file itself", root);
	for (size_t i = 0; i < root->n_fields; i++)
		add_objects(&buf, root->fields[i].key, &root->fields[i]);
	return str_buf_take(&buf, ret);
}
