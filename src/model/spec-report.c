/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/spec-report.h"
#include "model/utf8.h"

/* Of a longer string, a message shows the beginning. */
#define STRING_SHOWN_BYTES 40

static const char *const rule_table[] = {
	[RULE_FILE_TOO_LARGE] = "file-too-large",
	[RULE_FILE_EMPTY] = "file-empty",
	[RULE_NUL_BYTE] = "nul-byte",
	[RULE_NOT_UTF8] = "not-utf8",
	[RULE_JSON_SYNTAX] = "json-syntax",
	[RULE_TOO_DEEP] = "too-deep",
	[RULE_TOO_MANY_VALUES] = "too-many-values",
	[RULE_DUPLICATE_KEY] = "duplicate-key",
	[RULE_NOT_AN_OBJECT] = "not-an-object",
	[RULE_BAD_PERCENT] = "bad-percent",
	[RULE_TEMPLATE_MISSING] = "template-missing",
	[RULE_TEMPLATE_IN_TEMPLATE] = "template-in-template",
	[RULE_REMOVE_VALUE] = "remove-value",
	[RULE_REMOVE_ALONE] = "remove-alone",
	[RULE_REMOVE_UNKNOWN] = "remove-unknown",
	[RULE_DUPLICATE_ID] = "duplicate-id",
	[RULE_UNKNOWN_KEY] = "unknown-key",
	[RULE_MISSING_KEY] = "missing-key",
	[RULE_WRONG_TYPE] = "wrong-type",
	[RULE_UNIT_MISSING] = "unit-missing",
	[RULE_UNIT_UNKNOWN] = "unit-unknown",
	[RULE_NUMBER] = "number",
	[RULE_OUT_OF_RANGE] = "out-of-range",
	[RULE_RANGE] = "range",
	[RULE_MULTIPLE] = "multiple",
	[RULE_CHOICE] = "choice",
	[RULE_EMPTY] = "empty",
	[RULE_TOO_LONG] = "too-long",
	[RULE_CONTROL_CHARACTER] = "control-character",
	[RULE_PATH] = "path",
	[RULE_MAC] = "mac",
	[RULE_LINK_NAME] = "link-name",
	[RULE_LINK_NAME_TOO_LONG] = "link-name-too-long",
	[RULE_USER_NAME] = "user-name",
	[RULE_ID] = "id",
	[RULE_VM_NAME] = "vm-name",
	[RULE_TOO_MANY_ENTRIES] = "too-many-entries",
	[RULE_BOOT_CHOICE] = "boot-choice",
	[RULE_BOOT_NEEDS_KERNEL] = "boot-needs-kernel",
	[RULE_VMM_ACCEL] = "vmm-accel",
	[RULE_OWNER_CHOICE] = "owner-choice",
	[RULE_DISK_CHOICE] = "disk-choice",
	[RULE_DISK_SOCKET_ALONE] = "disk-socket-alone",
	[RULE_DISK_SERIAL] = "disk-serial",
	[RULE_DISK_ON_EXIT] = "disk-on-exit",
	[RULE_DISK_TWICE] = "disk-twice",
	[RULE_SHARE_CHOICE] = "share-choice",
	[RULE_SHARE_SOCKET_ALONE] = "share-socket-alone",
	[RULE_SHARE_TAG_TWICE] = "share-tag-twice",
	[RULE_SOCKET_TWICE] = "socket-twice",
	[RULE_TAP_TWICE] = "tap-twice",
	[RULE_TAP_IS_BRIDGE] = "tap-is-bridge",
	[RULE_MAC_TWICE] = "mac-twice",
	[RULE_QUEUES_OVER_CPUS] = "queues-over-cpus",
	[RULE_ATTACH_NEEDS] = "attach-needs",
	[RULE_ATTACH_EXCLUDES] = "attach-excludes",
	[RULE_PORT_LOCKED] = "port-locked",
	[RULE_BRIDGE_ADDRESS] = "bridge-address",
	[RULE_BRIDGE_ADDRESS_TWICE] = "bridge-address-twice",
	[RULE_BRIDGE_MADE_TWICE] = "bridge-made-twice",
	[RULE_BRIDGE_VLANS] = "bridge-vlans",
	[RULE_VLAN_EMPTY] = "vlan-empty",
	[RULE_VLAN_TWICE] = "vlan-twice",
	[RULE_OFFLOADS_CSUM] = "offloads-csum",
	[RULE_RATE_EMPTY] = "rate-empty",
	[RULE_RATE_VMM] = "rate-vmm",
	[RULE_FORWARD_ADDRESS] = "forward-address",
	[RULE_FORWARD_TWICE] = "forward-twice",
	[RULE_MEMORY_SHARED] = "memory-shared",
	[RULE_MEMORY_HUGEPAGES] = "memory-hugepages",
	[RULE_TOO_MANY_DEVICES] = "too-many-devices",
	[RULE_AFTER_ITSELF] = "after-itself",
	[RULE_AFTER_TWICE] = "after-twice",
	[RULE_CREDENTIAL_NAME] = "credential-name",
	[RULE_CREDENTIAL_CHOICE] = "credential-choice",
	[RULE_CREDENTIAL_TAKEN] = "credential-taken",
	[RULE_UID_RANGE_END] = "uid-range-end",
	[RULE_UID_RANGE_NOBODY] = "uid-range-nobody",
};
_Static_assert(ELEMENTSOF(rule_table) == _SPEC_RULE_MAX, "every rule has its name");

const char *spec_rule_to_string(SpecRule rule)
{
	return rule_table[rule];
}

static size_t line_length(const SpecDoc *doc, size_t line_at)
{
	const char *start = doc->text + line_at;
	const char *end = memchr(start, '\n', doc->length - line_at);
	size_t length = end ? (size_t) (end - start) : doc->length - line_at;

	return length > 0 && start[length - 1] == '\r' ? length - 1 : length;
}

_printf_(4, 0) static void report_list(SpecReport *report, SpecRule rule, ReportPlace at,
				       const char *format, va_list arguments)
{
	const SpecDoc *doc = &report->docs[at.document];
	char *text = NULL;
	Problem problem = {
		.rule = rule_table[rule],
		.document = at.document,
		.file = doc->file,
		.pointer = at.pointer,
	};
	size_t excerpt_length = 0;

	if (at.place && doc->text) {
		problem.line = at.place->line;
		problem.column = at.place->column;
		problem.excerpt = doc->text + at.place->line_at;
		excerpt_length = line_length(doc, at.place->line_at);
	}
	if (vasprintf(&text, format, arguments) < 0) {
		report->failed = true;
		return;
	}
	problem.text = text;
	if (problems_add(report->problems, &problem, excerpt_length) < 0)
		report->failed = true;
	free(text);
}

void report_at(SpecReport *report, SpecRule rule, ReportPlace at, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_list(report, rule, at, format, arguments);
	va_end(arguments);
}

/* The pointer of a node, and below it of a key where one is given; NULL: out of memory, noted. */
static char *pointer_new(SpecReport *report, const JsonNode *node, const char *key)
{
	StrBuf buf = { 0 };
	char *pointer = NULL;

	json_pointer(&buf, node, key);
	if (str_buf_take(&buf, &pointer) < 0)
		report->failed = true;
	return pointer;
}

void report_value(SpecReport *report, SpecRule rule, JsonNode *node, const char *format, ...)
{
	_cleanup_free_ char *pointer = pointer_new(report, node, NULL);
	va_list arguments;

	node->wrong = true;
	if (!pointer)
		return;
	va_start(arguments, format);
	report_list(report, rule, (ReportPlace){ node->document, &node->place, pointer }, format,
		    arguments);
	va_end(arguments);
}

void report_key(SpecReport *report, SpecRule rule, JsonNode *node, const char *format, ...)
{
	_cleanup_free_ char *pointer = pointer_new(report, node, NULL);
	va_list arguments;

	node->wrong = true;
	if (!pointer)
		return;
	va_start(arguments, format);
	report_list(report, rule, (ReportPlace){ node->document, &node->key_place, pointer },
		    format, arguments);
	va_end(arguments);
}

void report_missing(SpecReport *report, SpecRule rule, const JsonNode *object, const char *key,
		    const char *format, ...)
{
	_cleanup_free_ char *pointer = NULL;
	va_list arguments;

	if (report->incomplete)
		return;
	pointer = pointer_new(report, object, key);
	if (!pointer)
		return;
	va_start(arguments, format);
	report_list(report, rule, (ReportPlace){ object->document, &object->place, pointer },
		    format, arguments);
	va_end(arguments);
}

const char *string_words(char buffer[VALUE_SHOWN_MAX], const char *text)
{
	size_t length = strlen(text);
	bool cut = length > STRING_SHOWN_BYTES;
	size_t shown = cut ? utf8_valid_prefix(text, STRING_SHOWN_BYTES) : length;
	char *end = buffer;

	*end++ = '"';
	memcpy(end, text, shown);
	end += shown;
	memcpy(end, cut ? "…\"" : "\"", cut ? sizeof("…\"") : sizeof("\""));
	return buffer;
}

const char *value_words(char buffer[VALUE_SHOWN_MAX], const JsonNode *node)
{
	switch (node->kind) {
	case JSON_NODE_STRING:
		return string_words(buffer, node->text);
	case JSON_NODE_INTEGER:
	case JSON_NODE_REAL:
		(void) snprintf(buffer, VALUE_SHOWN_MAX, "%.*s", STRING_SHOWN_BYTES, node->text);
		return buffer;
	case JSON_NODE_BOOL:
		return node->truth ? "true" : "false";
	case JSON_NODE_NULL:
	case JSON_NODE_LIST:
	case JSON_NODE_OBJECT:
	case _JSON_NODE_KIND_MAX:
		break;
	}
	return json_kind_words(node->kind);
}

const char *place_words(char buffer[PLACE_SHOWN_MAX], const SpecReport *report,
			const JsonNode *node)
{
	(void) snprintf(buffer, PLACE_SHOWN_MAX, "%s:%zu", report->docs[node->document].file,
			node->place.line);
	return buffer;
}
