/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

/*
 * JSON text (RFC 8259) as a tree whose every node knows its place in the text. JSON libraries drop that,
 * and without it an error could not say where a value came from.
 *
 * Nodes keep 'parent' and 'index' as they were written, also after merging has moved them below another
 * node: so place and pointer always speak of the file that a person has to edit.
 */
typedef enum JsonKind {
	JSON_NODE_NULL,
	JSON_NODE_BOOL,
	JSON_NODE_INTEGER,
	JSON_NODE_REAL, /* a number with a fraction or an exponent */
	JSON_NODE_STRING,
	JSON_NODE_LIST,
	JSON_NODE_OBJECT,
	_JSON_NODE_KIND_MAX,
} JsonKind;

typedef struct JsonPlace {
	size_t line; /* from 1 */
	size_t column; /* from 1, in bytes */
	size_t line_at; /* offset of the line's first byte */
} JsonPlace;

typedef struct JsonNode {
	JsonKind kind;
	size_t document; /* which text, as the caller numbers them */
	JsonPlace place; /* of the value */
	JsonPlace key_place; /* of the key; without key as place */
	char *key; /* NULL: an element of a list, or the root */
	char *text; /* of a string: decoded; of a number: as written; else NULL */
	bool truth; /* of a boolean */
	bool wrong; /* a problem was told about it: what follows from it is not */
	bool replaced; /* in merging, by successor, or by nothing */
	struct JsonNode *successor;
	struct JsonNode *parent; /* as written */
	size_t index; /* in the parent's list, as written */
	struct JsonNode *children, *last_child, *next; /* as merged */
	struct JsonNode *allocated_before;
} JsonNode;

/* Owns all nodes of some trees. Zero-initialise. */
typedef struct JsonPool {
	JsonNode *latest;
} JsonPool;

typedef enum JsonError {
	JSON_OK,
	JSON_ERROR_EMPTY, /* nothing but white space */
	JSON_ERROR_NUL,
	JSON_ERROR_UTF8,
	JSON_ERROR_SYNTAX,
	JSON_ERROR_DEPTH,
	JSON_ERROR_VALUES,
	JSON_ERROR_MEMORY,
	_JSON_ERROR_MAX,
} JsonError;

typedef struct JsonLimits {
	size_t depth; /* of nested lists and objects */
	size_t values;
} JsonLimits;

/* What json_scan() found wrong, and where. */
typedef struct JsonFlaw {
	JsonError error;
	JsonPlace place;
	const char *text; /* for people: a string literal, or lies in buffer */
	char buffer[160];
} JsonFlaw;

/* A text to read. */
typedef struct JsonSource {
	const char *text;
	size_t length;
	size_t document; /* goes to each node */
	JsonLimits limits;
} JsonSource;

/* Called for each key that its object has already: the later one is left out of the tree. */
typedef void (*JsonDuplicate)(void *userdata, const JsonNode *later, const JsonNode *first);

/*
 * Reads the text. The root goes to *ret, all memory to pool, which must outlive it.
 * Returns true; or false, then flaw tells and *ret is untouched.
 */
bool json_scan(const JsonSource *source, JsonPool *pool, JsonDuplicate on_duplicate, void *userdata,
	       JsonNode **ret, JsonFlaw *flaw);
void json_pool_done(JsonPool *pool);

/* The member of that key, NULL where there is none or node is no object; of a NULL node too. */
JsonNode *json_member(const JsonNode *node, const char *key);

/* The element of that index in the list as merged; else NULL. */
JsonNode *json_element(const JsonNode *node, size_t index);

void json_append(JsonNode *parent, JsonNode *child);

/* Takes all of parent's children; they keep 'next', by which the caller walks them. */
JsonNode *json_take_children(JsonNode *parent);

/* RFC 6901, in the document that the node was written in, with "/KEY" behind where key is set. */
void json_pointer(StrBuf *buf, const JsonNode *node, const char *key);

/* "a string", "an object", … for messages. */
const char *json_kind_words(JsonKind kind);
