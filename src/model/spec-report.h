/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/json-place.h"
#include "model/problem.h"
#include "model/spec.h"

/*
 * The rules of the spec language. Each has its golden file tests/spec/fail-RULE.json, which
 * tests/spec/test-golden.sh makes sure of.
 */
typedef enum SpecRule {
	/* of the text */
	RULE_FILE_TOO_LARGE,
	RULE_FILE_EMPTY,
	RULE_NUL_BYTE,
	RULE_NOT_UTF8,
	RULE_JSON_SYNTAX,
	RULE_TOO_DEEP,
	RULE_TOO_MANY_VALUES,
	RULE_DUPLICATE_KEY,
	RULE_NOT_AN_OBJECT,
	RULE_BAD_PERCENT,
	/* of merging */
	RULE_TEMPLATE_MISSING,
	RULE_TEMPLATE_IN_TEMPLATE,
	RULE_REMOVE_VALUE,
	RULE_REMOVE_ALONE,
	RULE_REMOVE_UNKNOWN,
	RULE_DUPLICATE_ID,
	/* of one value */
	RULE_UNKNOWN_KEY,
	RULE_MISSING_KEY,
	RULE_WRONG_TYPE,
	RULE_UNIT_MISSING,
	RULE_UNIT_UNKNOWN,
	RULE_NUMBER,
	RULE_OUT_OF_RANGE,
	RULE_RANGE,
	RULE_MULTIPLE,
	RULE_CHOICE,
	RULE_EMPTY,
	RULE_TOO_LONG,
	RULE_CONTROL_CHARACTER,
	RULE_PATH,
	RULE_MAC,
	RULE_LINK_NAME,
	RULE_LINK_NAME_TOO_LONG,
	RULE_USER_NAME,
	RULE_ID,
	RULE_VM_NAME,
	RULE_TOO_MANY_ENTRIES,
	/* of values that do not go together */
	RULE_BOOT_CHOICE,
	RULE_BOOT_NEEDS_KERNEL,
	RULE_VMM_ACCEL,
	RULE_OWNER_CHOICE,
	RULE_DISK_CHOICE,
	RULE_DISK_SOCKET_ALONE,
	RULE_DISK_SERIAL,
	RULE_DISK_ON_EXIT,
	RULE_DISK_TWICE,
	RULE_SHARE_CHOICE,
	RULE_SHARE_SOCKET_ALONE,
	RULE_SHARE_TAG_TWICE,
	RULE_SOCKET_TWICE,
	RULE_TAP_TWICE,
	RULE_TAP_IS_BRIDGE,
	RULE_MAC_TWICE,
	RULE_QUEUES_OVER_CPUS,
	RULE_ATTACH_NEEDS,
	RULE_ATTACH_EXCLUDES,
	RULE_PORT_LOCKED,
	RULE_BRIDGE_ADDRESS,
	RULE_BRIDGE_ADDRESS_TWICE,
	RULE_BRIDGE_MADE_TWICE,
	RULE_BRIDGE_VLANS,
	RULE_VLAN_EMPTY,
	RULE_VLAN_TWICE,
	RULE_OFFLOADS_CSUM,
	RULE_RATE_EMPTY,
	RULE_RATE_VMM,
	RULE_FORWARD_ADDRESS,
	RULE_FORWARD_TWICE,
	RULE_MEMORY_SHARED,
	RULE_MEMORY_HUGEPAGES,
	RULE_TOO_MANY_DEVICES,
	RULE_AFTER_ITSELF,
	RULE_AFTER_TWICE,
	RULE_CREDENTIAL_NAME,
	RULE_CREDENTIAL_CHOICE,
	RULE_CREDENTIAL_TAKEN,
	/* of host.conf */
	RULE_UID_RANGE_END,
	RULE_UID_RANGE_NOBODY,
	_SPEC_RULE_MAX,
} SpecRule;

const char *spec_rule_to_string(SpecRule rule);

/*
 * Where the checks of one spec leave what they find. A failed allocation is remembered in 'failed' and
 * seen once, at the end of spec_parse().
 */
typedef struct SpecReport {
	const SpecDoc *docs;
	size_t n_docs;
	Problems *problems;
	bool incomplete; /* a document could not be read: that a thing is missing proves nothing */
	bool failed;
} SpecReport;

/* At a place of a document, with a pointer of the caller's. */
typedef struct ReportPlace {
	size_t document;
	const JsonPlace *place; /* NULL: the file as a whole */
	char *pointer;
} ReportPlace;
void report_at(SpecReport *report, SpecRule rule, ReportPlace at, const char *format, ...)
	_printf_(4, 5);

/* At a node's value, or at its key; marks the node as wrong. */
void report_value(SpecReport *report, SpecRule rule, JsonNode *node, const char *format, ...)
	_printf_(4, 5);
void report_key(SpecReport *report, SpecRule rule, JsonNode *node, const char *format, ...)
	_printf_(4, 5);

/* That the object has no such key, at the object; says nothing where the spec is incomplete. */
void report_missing(SpecReport *report, SpecRule rule, const JsonNode *object, const char *key,
		    const char *format, ...) _printf_(5, 6);

/*
 * A value as a message shows it: strings in quotes and cut where long, lists and objects by kind. The
 * text lies in buffer.
 */
#define VALUE_SHOWN_MAX 64
const char *value_words(char buffer[VALUE_SHOWN_MAX], const JsonNode *node);
const char *string_words(char buffer[VALUE_SHOWN_MAX], const char *text);

/* "FILE:LINE" of a node, for "the first is in …"; the text lies in buffer. */
#define PLACE_SHOWN_MAX 160
const char *place_words(char buffer[PLACE_SHOWN_MAX], const SpecReport *report,
			const JsonNode *node);
