/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "model/names.h"
#include "model/spec-values.h"
#include "model/utf8.h"

/* What the kind of value is called, and which JSON it is written as. */
typedef struct FieldKind {
	JsonKind json;
	const char *words;
} FieldKind;

static const FieldKind field_kinds[] = {
	[FIELD_TEXT] = { JSON_NODE_STRING, "a string" },
	[FIELD_STRING] = { JSON_NODE_STRING, "a string" },
	[FIELD_PATH] = { JSON_NODE_STRING, "a path" },
	[FIELD_BOOL] = { JSON_NODE_BOOL, "true or false" },
	[FIELD_TRISTATE] = { JSON_NODE_BOOL, "true or false" },
	[FIELD_INTEGER] = { JSON_NODE_INTEGER, "a whole number" },
	[FIELD_RANGE] = { JSON_NODE_STRING, "a number or a range" },
	[FIELD_SIZE] = { JSON_NODE_STRING, "a size with its unit" },
	[FIELD_DURATION] = { JSON_NODE_STRING, "a time with its unit" },
	[FIELD_RATE] = { JSON_NODE_STRING, "a rate with its unit" },
	[FIELD_ENUM] = { JSON_NODE_STRING, "a word" },
	[FIELD_MAC] = { JSON_NODE_STRING, "an address" },
	[FIELD_LINK] = { JSON_NODE_STRING, "a name" },
	[FIELD_USER] = { JSON_NODE_STRING, "a name" },
	[FIELD_ID] = { JSON_NODE_STRING, "a name" },
	[FIELD_VM] = { JSON_NODE_STRING, "a name" },
	[FIELD_OBJECT] = { JSON_NODE_OBJECT, "an object" },
	[FIELD_LIST] = { JSON_NODE_LIST, "a list" },
	[FIELD_MAP] = { JSON_NODE_OBJECT, "an object" },
};
_Static_assert(ELEMENTSOF(field_kinds) == _FIELD_TYPE_MAX, "every type has its words");

/* What people write for a unit, and which one they mean. */
typedef struct UnitAlias {
	const char *written;
	const char *meant;
} UnitAlias;

static const UnitAlias size_aliases[] = {
	{ "k", "KiB" },	  { "kb", "KiB" },  { "kib", "KiB" }, { "m", "MiB" },	{ "mb", "MiB" },
	{ "mib", "MiB" }, { "g", "GiB" },   { "gb", "GiB" },  { "gib", "GiB" }, { "t", "TiB" },
	{ "tb", "TiB" },  { "tib", "TiB" }, { "byte", "B" },  { "bytes", "B" }, { "b", "B" },
};

static const UnitAlias duration_aliases[] = {
	{ "sec", "s" },
	{ "secs", "s" },
	{ "second", "s" },
	{ "seconds", "s" },
	{ "msec", "ms" },
	{ "millisecond", "ms" },
	{ "milliseconds", "ms" },
	{ "usec", "us" },
	{ "microseconds", "us" },
	{ "m", "min" },
	{ "mins", "min" },
	{ "minute", "min" },
	{ "minutes", "min" },
	{ "hour", "h" },
	{ "hours", "h" },
	{ "hr", "h" },
	{ "s", "s" },
	{ "min", "min" },
	{ "h", "h" },
	{ "ms", "ms" },
	{ "us", "us" },
};

static const UnitAlias rate_aliases[] = {
	{ "k", "kbit" },      { "kb", "kbit" },	    { "kbit", "kbit" },	  { "kbps", "kbit" },
	{ "kbit/s", "kbit" }, { "m", "Mbit" },	    { "mb", "Mbit" },	  { "mbit", "Mbit" },
	{ "mbps", "Mbit" },   { "mbit/s", "Mbit" }, { "g", "Gbit" },	  { "gb", "Gbit" },
	{ "gbit", "Gbit" },   { "gbps", "Gbit" },   { "gbit/s", "Gbit" }, { "bits", "bit" },
	{ "bps", "bit" },
};

/* What differs between sizes, durations and rates. */
typedef struct Quantity {
	const Unit *units;
	const UnitAlias *aliases;
	size_t n_aliases;
	const char *(*format)(char buffer[FORMAT_MAX], uint64_t value);
	const char *unit_list;
} Quantity;

static const Quantity size_quantity = {
	size_units, size_aliases, ELEMENTSOF(size_aliases), format_size, "B, KiB, MiB, GiB, TiB",
};
static const Quantity duration_quantity = {
	duration_units,	 duration_aliases,    ELEMENTSOF(duration_aliases),
	format_duration, "us, ms, s, min, h",
};

static const Quantity rate_quantity = {
	rate_units, rate_aliases, ELEMENTSOF(rate_aliases), format_rate, "bit, kbit, Mbit, Gbit",
};

static const Quantity *field_quantity(const Field *field)
{
	if (field->type == FIELD_RATE)
		return &rate_quantity;
	return field->type == FIELD_SIZE ? &size_quantity : &duration_quantity;
}

void field_words(StrBuf *buf, const Field *field)
{
	str_buf_add(buf, "%s", field_kinds[field->type].words);
	if (field->type != FIELD_BOOL && field->type != FIELD_TRISTATE && field->example)
		str_buf_add(buf, ", such as %s", field->example);
	for (size_t i = 0; field->type == FIELD_INTEGER && i < field->n_choices; i++)
		str_buf_add(buf, ", or \"%s\"", field->choices[i]);
}

static void report_type(SpecReport *report, const Field *field, JsonNode *node)
{
	const char *is = node->kind == JSON_NODE_BOOL ? (node->truth ? "true" : "false") :
			 node->kind == JSON_NODE_REAL ? node->text :
							json_kind_words(node->kind);
	_cleanup_free_ char *wanted = NULL;
	StrBuf buf = { 0 };

	field_words(&buf, field);
	if (str_buf_take(&buf, &wanted) < 0)
		report->failed = true;
	else
		report_value(report, RULE_WRONG_TYPE, node, "is %.40s; wanted is %s", is, wanted);
}

static void report_range(SpecReport *report, const Field *field, JsonNode *node)
{
	char words[VALUE_SHOWN_MAX], min[FORMAT_MAX], max[FORMAT_MAX];

	if (field->type == FIELD_INTEGER || field->type == FIELD_RANGE) {
		(void) snprintf(min, sizeof(min), "%" PRIu64, field->min);
		(void) snprintf(max, sizeof(max), "%" PRIu64, field->max);
	} else {
		(void) field_quantity(field)->format(min, field->min);
		(void) field_quantity(field)->format(max, field->max);
	}
	report_value(report, RULE_OUT_OF_RANGE, node, "%s is out of range; possible is %s to %s",
		     value_words(words, node), min, max);
}

/* The unit that was meant, by what people write; NULL: unknown. */
static const char *unit_meant(const Quantity *quantity, const char *suffix)
{
	for (size_t i = 0; i < quantity->n_aliases; i++)
		if (strcasecmp(quantity->aliases[i].written, suffix) == 0)
			return quantity->aliases[i].meant;
	return NULL;
}

/* "512MiB": digits and the unit behind them. */
typedef struct QuantityText {
	size_t digits;
	const char *suffix;
	bool too_large;
	uint64_t number;
	uint64_t factor; /* of the suffix; 0: it is no unit */
} QuantityText;

static QuantityText quantity_split(const Quantity *quantity, const char *text)
{
	QuantityText split = { .digits = strspn(text, "0123456789") };

	split.suffix = text + split.digits;
	for (const Unit *unit = quantity->units; unit->suffix; unit++)
		if (streq(unit->suffix, split.suffix))
			split.factor = unit->factor;
	for (size_t i = 0; i < split.digits; i++)
		if (__builtin_mul_overflow(split.number, 10, &split.number) ||
		    __builtin_add_overflow(split.number, (uint64_t) (text[i] - '0'), &split.number))
			split.too_large = true;
	return split;
}

/* Whether the text is a number with a unit; else tells what it is. */
static bool quantity_check(SpecReport *report, const Field *field, JsonNode *node,
			   const QuantityText *split)
{
	const Quantity *quantity = field_quantity(field);
	const char *suffix = split->suffix, *meant;
	char words[VALUE_SHOWN_MAX];

	(void) value_words(words, node);
	if (split->digits == 0 || *suffix == '.' || *suffix == ',') {
		report_value(report, RULE_NUMBER, node,
			     "%s is no whole number with a unit, such as %s", words,
			     field->example);
		return false;
	}
	if (!*suffix) {
		report_value(report, RULE_UNIT_MISSING, node,
			     "%s has no unit; write it with one of %s, such as %s", words,
			     quantity->unit_list, field->example);
		return false;
	}
	if (split->factor > 0)
		return true;

	meant = unit_meant(quantity, suffix + strspn(suffix, " "));
	if (meant && split->digits < VALUE_SHOWN_MAX)
		report_value(report, RULE_UNIT_UNKNOWN, node,
			     "%s has a wrong unit; write \"%.*s%s\"", words, (int) split->digits,
			     node->text, meant);
	else
		report_value(report, RULE_UNIT_UNKNOWN, node,
			     "%s has an unknown unit; the units are %s", words,
			     quantity->unit_list);
	return false;
}

static void read_quantity(SpecReport *report, const Field *field, JsonNode *node, uint64_t *target)
{
	QuantityText split;
	uint64_t value = 0;
	char words[VALUE_SHOWN_MAX], multiple[FORMAT_MAX];

	if (node->kind == JSON_NODE_INTEGER || node->kind == JSON_NODE_REAL) {
		report_value(report, RULE_UNIT_MISSING, node,
			     "%s has no unit; write a string with one of %s, such as %s",
			     value_words(words, node), field_quantity(field)->unit_list,
			     field->example);
		return;
	}
	if (node->kind != JSON_NODE_STRING) {
		report_type(report, field, node);
		return;
	}
	split = quantity_split(field_quantity(field), node->text);
	if (!quantity_check(report, field, node, &split))
		return;
	if (split.too_large || __builtin_mul_overflow(split.number, split.factor, &value) ||
	    value < field->min || value > field->max) {
		report_range(report, field, node);
		return;
	}
	if (field->multiple && value % field->multiple != 0) {
		report_value(report, RULE_MULTIPLE, node, "%s is no multiple of %s",
			     value_words(words, node), format_size(multiple, field->multiple));
		return;
	}
	*target = value;
}

static bool choice_find(const Field *field, const char *text, unsigned *ret)
{
	for (unsigned i = 0; i < field->n_choices; i++)
		if (field->choices[i] && streq(field->choices[i], text)) {
			*ret = i;
			return true;
		}
	return false;
}

static void read_integer(SpecReport *report, const Field *field, JsonNode *node, uint64_t *target)
{
	uint64_t value;
	unsigned choice;

	if (node->kind == JSON_NODE_STRING && choice_find(field, node->text, &choice)) {
		*target = choice;
		return;
	}
	if (node->kind != JSON_NODE_INTEGER) {
		report_type(report, field, node);
		return;
	}
	if (parse_u64(node->text, field->max, &value) < 0 || value < field->min) {
		report_range(report, field, node);
		return;
	}
	*target = value;
}

/* "20-29": two numbers and nothing else. A number that is too large is told as one that is out of range. */
static bool range_split(const char *text, NumberRange *ret)
{
	size_t first = strspn(text, "0123456789"), last = 0;
	char number[VALUE_SHOWN_MAX];

	if (text[first] == '-')
		last = strspn(text + first + 1, "0123456789");
	if (first == 0 || last == 0 || text[first + 1 + last] || first >= sizeof(number))
		return false;
	(void) snprintf(number, sizeof(number), "%.*s", (int) first, text);
	if (parse_u64(number, UINT64_MAX, &ret->first) < 0)
		ret->first = UINT64_MAX;
	if (parse_u64(text + first + 1, UINT64_MAX, &ret->last) < 0)
		ret->last = UINT64_MAX;
	return true;
}

static void read_range(SpecReport *report, const Field *field, JsonNode *node, NumberRange *target)
{
	NumberRange range = { 0 };
	char words[VALUE_SHOWN_MAX];

	if (node->kind == JSON_NODE_INTEGER) {
		uint64_t number = 0;

		read_integer(report, field, node, &number);
		*target = (NumberRange){ number, number };
		return;
	}
	if (node->kind != JSON_NODE_STRING) {
		report_type(report, field, node);
		return;
	}
	if (!range_split(node->text, &range))
		report_value(report, RULE_RANGE, node,
			     "%s is no range; write the first and the last with a '-' between, "
			     "such as %s, or a number without quotes",
			     value_words(words, node), field->example);
	else if (range.first < field->min || range.first > field->max || range.last > field->max)
		report_range(report, field, node);
	else if (range.last < range.first)
		report_value(report, RULE_RANGE, node, "%s ends before it begins",
			     value_words(words, node));
	else
		*target = range;
}

static void read_choice(SpecReport *report, const Field *field, JsonNode *node, unsigned *target)
{
	_cleanup_free_ char *list = NULL;
	char words[VALUE_SHOWN_MAX];
	StrBuf buf = { 0 };

	if (node->kind != JSON_NODE_STRING) {
		report_type(report, field, node);
		return;
	}
	if (choice_find(field, node->text, target))
		return;
	for (size_t i = 0; i < field->n_choices; i++)
		if (field->choices[i])
			str_buf_add(&buf, "%s\"%s\"", buf.length ? ", " : "", field->choices[i]);
	if (str_buf_take(&buf, &list) < 0)
		report->failed = true;
	else
		report_value(report, RULE_CHOICE, node, "%s is not possible; possible are %s",
			     value_words(words, node), list);
}

static void read_truth(SpecReport *report, const Field *field, JsonNode *node, void *target)
{
	if (node->kind != JSON_NODE_BOOL)
		report_type(report, field, node);
	else if (field->type == FIELD_BOOL)
		*(bool *) target = node->truth;
	else
		*(Tristate *) target = node->truth ? TRISTATE_TRUE : TRISTATE_FALSE;
}

static bool has_control_character(const char *text)
{
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return true;
	return false;
}

/* What a user may be called, systemd's "relaxed" rule (NAMES of its manual), ASCII only. */
static bool user_name_is_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	return *name && strchr(letters, *name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-") ==
		       strlen(name);
}

/* The rules of one kind of string; lengths are looked at before. Returns false where told. */
static bool check_string_kind(SpecReport *report, const Field *field, JsonNode *node)
{
	char words[VALUE_SHOWN_MAX];
	MacAddress mac;

	(void) value_words(words, node);
	if (field->type == FIELD_PATH && node->text[0] != '/')
		report_value(report, RULE_PATH, node,
			     "%s is no absolute path; it has to begin with /", words);
	else if (field->type == FIELD_ID && !spec_id_is_valid(node->text))
		report_value(
			report, RULE_ID, node,
			"%s cannot be a name here: up to %d letters, digits, '.', '_', '-', the "
			"first a letter or digit",
			words, SPEC_ID_MAX);
	else if (field->type == FIELD_VM && !vm_name_is_valid(node->text))
		report_value(
			report, RULE_VM_NAME, node,
			"%s cannot be the name of a VM: up to %d letters, digits, '.' and '-', "
			"the first a letter or digit",
			words, VM_NAME_MAX);
	else if (field->type == FIELD_USER && !user_name_is_valid(node->text))
		report_value(report, RULE_USER_NAME, node,
			     "%s cannot be the name of a user or group: letters, digits, '.', '_', "
			     "'-', the first a letter or '_'",
			     words);
	else if (field->type == FIELD_LINK && !link_name_is_valid(node->text))
		report_value(report, RULE_LINK_NAME, node,
			     "%s cannot be the name of a network interface: no spaces, '/', ':', "
			     "'%%', and neither \".\" nor \"..\"",
			     words);
	else if (field->type == FIELD_MAC && !mac_parse(node->text, &mac))
		report_value(report, RULE_MAC, node,
			     "%s is no address of one interface; write six octets such as %s, the "
			     "first of them even",
			     words, field->example);
	else
		return true;
	return false;
}

static bool check_string(SpecReport *report, const Field *field, JsonNode *node)
{
	size_t length = strlen(node->text);
	char words[VALUE_SHOWN_MAX];

	(void) value_words(words, node);
	if (length < field->min) {
		report_value(report, RULE_EMPTY, node, "is empty; write something such as %s",
			     field->example);
		return false;
	}
	if (field->type == FIELD_TEXT)
		return true;
	if (has_control_character(node->text)) {
		report_value(report, RULE_CONTROL_CHARACTER, node,
			     "%s has a control character in it, such as a line break; take it out",
			     words);
		return false;
	}
	if (field->type == FIELD_LINK && length > field->max) {
		report_value(report, RULE_LINK_NAME_TOO_LONG, node,
			     "%s has %zu bytes; the name of a network interface has at most %d",
			     words, length, TAP_NAME_MAX);
		return false;
	}
	if (field->type != FIELD_ID && field->type != FIELD_VM && field->max &&
	    length > field->max) {
		report_value(report, RULE_TOO_LONG, node,
			     "%s has %zu bytes; possible are at most %" PRIu64, words, length,
			     field->max);
		return false;
	}
	return check_string_kind(report, field, node);
}

static void read_string(SpecReport *report, const Field *field, JsonNode *node, char **target)
{
	if (node->kind != JSON_NODE_STRING)
		report_type(report, field, node);
	else if (check_string(report, field, node) && str_set(target, node->text) < 0)
		report->failed = true;
}

void spec_value_read(SpecReport *report, const Field *field, JsonNode *node, void *target)
{
	if (node->wrong)
		return;
	switch (field->type) {
	case FIELD_BOOL:
	case FIELD_TRISTATE:
		read_truth(report, field, node, target);
		break;
	case FIELD_INTEGER:
		read_integer(report, field, node, target);
		break;
	case FIELD_RANGE:
		read_range(report, field, node, target);
		break;
	case FIELD_SIZE:
	case FIELD_DURATION:
	case FIELD_RATE:
		read_quantity(report, field, node, target);
		break;
	case FIELD_ENUM:
		read_choice(report, field, node, target);
		break;
	case FIELD_TEXT:
	case FIELD_STRING:
	case FIELD_PATH:
	case FIELD_MAC:
	case FIELD_LINK:
	case FIELD_USER:
	case FIELD_ID:
	case FIELD_VM:
		read_string(report, field, node, target);
		break;
	case FIELD_OBJECT:
	case FIELD_LIST:
	case FIELD_MAP:
	case _FIELD_TYPE_MAX:
		report_type(report, field, node);
		break;
	}
}

int spec_value_default(const Field *field, const char *text, void *target)
{
	QuantityText split;

	switch (field->type) {
	case FIELD_BOOL:
		*(bool *) target = streq(text, "true");
		return 0;
	case FIELD_INTEGER:
		return parse_u64(text, field->max, target);
	case FIELD_ENUM:
		return choice_find(field, text, target) ? 0 : -EINVAL;
	case FIELD_SIZE:
	case FIELD_DURATION:
	case FIELD_RATE:
		split = quantity_split(field_quantity(field), text);
		*(uint64_t *) target = split.number * split.factor;
		return split.factor > 0 ? 0 : -EINVAL;
	case FIELD_TEXT:
	case FIELD_STRING:
	case FIELD_PATH:
	case FIELD_TRISTATE:
	case FIELD_RANGE:
	case FIELD_MAC:
	case FIELD_LINK:
	case FIELD_USER:
	case FIELD_ID:
	case FIELD_VM:
	case FIELD_OBJECT:
	case FIELD_LIST:
	case FIELD_MAP:
	case _FIELD_TYPE_MAX:
		break;
	}
	return -EINVAL;
}
