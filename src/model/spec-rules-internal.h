/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/spec-rules.h"

/* What the files of rules share, and nobody else. */

typedef struct RuleContext {
	SpecReport *report;
	const JsonNode *root;
	const Spec *spec;
} RuleContext;

/* The object of that key; NULL where it is none, or wrong as a whole. */
const JsonNode *object_of(const RuleContext *context, const char *key);

/* The same for an entry of a list. */
const JsonNode *entry_of(const RuleContext *context, const char *list, size_t i);

/* The member of that key where its value was read without a problem. */
JsonNode *good_member(const JsonNode *node, const char *key);

/* Of an interface's way onto the network, and the keys that go with it. */
void check_attach(const RuleContext *context, size_t i);

/* Of the ports that lead to the guest, of all interfaces together. */
void check_forwards(const RuleContext *context);

/* spec-rules-helper.c: of an entry with "attach": "helper". */
void check_helper(const RuleContext *context, const JsonNode *entry);

/* Of the interfaces, and of one as a bridge's port (spec-rules-port.c). */
void check_interfaces(const RuleContext *context);
void check_port(const RuleContext *context, size_t i);

/* What mvmd makes a bridge with. spec-rules-bridge.c */
void check_create_bridge(const RuleContext *context, size_t i);

/* The same of systemd-networkd. */
void check_networkd(const RuleContext *context, const JsonNode *entry, size_t i);
