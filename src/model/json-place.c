/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/json-place.h"
#include "model/utf8.h"

/* Of a longer word, a message shows the beginning. */
#define WORD_SHOWN_MAX 24

typedef struct Scanner {
	const char *text;
	size_t length;
	size_t at;
	size_t line;
	size_t line_at;
	size_t document;
	size_t depth;
	size_t values;
	char *next_key; /* of the next node, which then owns it */
	JsonPlace next_key_place;
	size_t next_index;
	const JsonLimits *limits;
	JsonPool *pool;
	JsonDuplicate on_duplicate;
	void *userdata;
	JsonFlaw *flaw;
} Scanner;

static bool scan_value(Scanner *scanner, JsonNode *parent, JsonNode **ret);

static JsonPlace place_here(const Scanner *scanner)
{
	return (JsonPlace){
		.line = scanner->line,
		.column = scanner->at - scanner->line_at + 1,
		.line_at = scanner->line_at,
	};
}

/* Fails at a place; text is a literal. Always false. */
static bool fail_at(Scanner *scanner, JsonError error, JsonPlace place, const char *text)
{
	scanner->flaw->error = error;
	scanner->flaw->place = place;
	scanner->flaw->text = text;
	return false;
}

static bool fail_syntax(Scanner *scanner, const char *text)
{
	return fail_at(scanner, JSON_ERROR_SYNTAX, place_here(scanner), text);
}

static bool fail_memory(Scanner *scanner)
{
	return fail_at(scanner, JSON_ERROR_MEMORY, place_here(scanner), "out of memory");
}

static bool at_end(const Scanner *scanner)
{
	return scanner->at >= scanner->length;
}

/* The byte here; NUL at the end: the text holds none. */
static char peek(const Scanner *scanner)
{
	if (at_end(scanner))
		return '\0';
	return scanner->text[scanner->at];
}

static void skip_space(Scanner *scanner)
{
	for (; !at_end(scanner); scanner->at++) {
		char c = peek(scanner);

		if (c == '\n') {
			scanner->line++;
			scanner->line_at = scanner->at + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

static bool is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.' || c == '+';
}

static size_t word_length(const Scanner *scanner)
{
	size_t n = 0;

	while (scanner->at + n < scanner->length &&
	       is_word_character(scanner->text[scanner->at + n]))
		n++;
	return n;
}

/* Says what stands here instead of what JSON would have. */
static bool fail_unexpected(Scanner *scanner, const char *wanted)
{
	size_t n = word_length(scanner);
	char c = peek(scanner);
	JsonFlaw *flaw = scanner->flaw;

	if (at_end(scanner))
		return fail_syntax(scanner, "the text ends here, in the middle: a closing '}' or "
					    "']' is missing");
	if (c == '\'')
		return fail_syntax(scanner, "JSON has no single quotes: write \"…\"");
	if (c == '/' || c == '#')
		return fail_syntax(scanner, "JSON has no comments: write a \"description\", which "
					    "every object takes");
	if (n > 0)
		(void) snprintf(flaw->buffer, sizeof(flaw->buffer), "%s, not %.*s%s", wanted,
				(int) (n > WORD_SHOWN_MAX ? WORD_SHOWN_MAX : n),
				scanner->text + scanner->at, n > WORD_SHOWN_MAX ? "…" : "");
	else
		(void) snprintf(flaw->buffer, sizeof(flaw->buffer), "%s", wanted);
	return fail_syntax(scanner, flaw->buffer);
}

static JsonNode *node_new(Scanner *scanner, JsonKind kind, JsonNode *parent)
{
	JsonNode *node;

	if (++scanner->values > scanner->limits->values) {
		(void) fail_at(scanner, JSON_ERROR_VALUES, place_here(scanner), "");
		return NULL;
	}
	node = calloc(1, sizeof(*node));
	if (!node) {
		(void) fail_memory(scanner);
		return NULL;
	}
	node->kind = kind;
	node->document = scanner->document;
	node->place = node->key_place = place_here(scanner);
	node->parent = parent;
	node->index = scanner->next_index;
	if (scanner->next_key) {
		node->key = TAKE_PTR(scanner->next_key);
		node->key_place = scanner->next_key_place;
	}
	node->allocated_before = scanner->pool->latest;
	scanner->pool->latest = node;
	return node;
}

/* jansson decodes escapes: it knows surrogate pairs and what must not be. */
static bool decode_escapes(Scanner *scanner, JsonPlace place, size_t start, char **ret)
{
	json_error_t error;
	json_t *string =
		json_loadb(scanner->text + start, scanner->at - start, JSON_DECODE_ANY, &error);

	if (!string && json_error_code(&error) == json_error_null_character)
		return fail_at(scanner, JSON_ERROR_SYNTAX, place,
			       "the string holds \\u0000, which no name or path can");
	if (!string)
		return fail_at(
			scanner, JSON_ERROR_SYNTAX, place,
			"the string has a wrong escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t and "
			"\\uXXXX are possible");
	*ret = strdup(json_string_value(string));
	json_decref(string);
	return *ret || fail_memory(scanner);
}

/* Reads the string here, quotes and all; a new string in *ret. */
static bool scan_string(Scanner *scanner, char **ret)
{
	JsonPlace place = place_here(scanner);
	size_t start = scanner->at++;
	bool escaped = false;

	for (; peek(scanner) != '"'; scanner->at++) {
		if (at_end(scanner) || peek(scanner) == '\n')
			return fail_at(scanner, JSON_ERROR_SYNTAX, place,
				       "the string does not end in its line: a closing \" is "
				       "missing, or a line break that \\n would stand for");
		if ((unsigned char) peek(scanner) < ' ')
			return fail_syntax(scanner, "a control character in a string is written as "
						    "an escape: \\t, \\u001b");
		if (peek(scanner) == '\\') {
			escaped = true;
			scanner->at++;
			if (at_end(scanner))
				continue;
		}
	}
	scanner->at++;

	if (escaped)
		return decode_escapes(scanner, place, start, ret);
	*ret = strndup(scanner->text + start + 1, scanner->at - start - 2);
	return *ret || fail_memory(scanner);
}

static size_t skip_digits(Scanner *scanner)
{
	size_t start = scanner->at;

	while (peek(scanner) >= '0' && peek(scanner) <= '9')
		scanner->at++;
	return scanner->at - start;
}

/* Skips a number's text. Returns false where it is none. */
static bool skip_number(Scanner *scanner, bool *ret_real)
{
	bool zero;

	if (peek(scanner) == '-')
		scanner->at++;
	zero = peek(scanner) == '0';
	if (zero)
		scanner->at++;
	else if (skip_digits(scanner) == 0)
		return false;

	if (peek(scanner) == '.') {
		*ret_real = true;
		scanner->at++;
		if (skip_digits(scanner) == 0)
			return false;
	}
	if (peek(scanner) == 'e' || peek(scanner) == 'E') {
		*ret_real = true;
		scanner->at++;
		if (peek(scanner) == '+' || peek(scanner) == '-')
			scanner->at++;
		if (skip_digits(scanner) == 0)
			return false;
	}
	return !is_word_character(peek(scanner));
}

static bool scan_number(Scanner *scanner, JsonNode *parent, JsonNode **ret)
{
	size_t start = scanner->at;
	bool real = false;
	JsonNode *node = node_new(scanner, JSON_NODE_INTEGER, parent);

	if (!node)
		return false;
	if (!skip_number(scanner, &real)) {
		scanner->at = start;
		return fail_unexpected(scanner, "a number is digits without leading zero");
	}
	if (real)
		node->kind = JSON_NODE_REAL;
	node->text = strndup(scanner->text + start, scanner->at - start);
	if (!node->text)
		return fail_memory(scanner);
	*ret = node;
	return true;
}

static bool scan_word(Scanner *scanner, JsonNode *parent, JsonNode **ret)
{
	static const struct {
		const char *word;
		JsonKind kind;
		bool truth;
	} words[] = {
		{ "true", JSON_NODE_BOOL, true },
		{ "false", JSON_NODE_BOOL, false },
		{ "null", JSON_NODE_NULL, false },
	};
	size_t n = word_length(scanner);

	for (size_t i = 0; i < ELEMENTSOF(words); i++) {
		if (n != strlen(words[i].word) ||
		    memcmp(scanner->text + scanner->at, words[i].word, n) != 0)
			continue;
		*ret = node_new(scanner, words[i].kind, parent);
		if (!*ret)
			return false;
		(*ret)->truth = words[i].truth;
		scanner->at += n;
		return true;
	}
	return fail_unexpected(scanner,
			       "a value is wanted here (a string in \"…\", a number, true, "
			       "false, null, a list or an object)");
}

/* After a member or element: true at the comma or the closing bracket. */
static bool scan_separator(Scanner *scanner, char closing, const char *wanted, bool *ret_more)
{
	JsonPlace comma;

	skip_space(scanner);
	*ret_more = peek(scanner) == ',';
	if (!*ret_more && peek(scanner) != closing)
		return fail_unexpected(scanner, wanted);

	comma = place_here(scanner);
	scanner->at++;
	if (!*ret_more)
		return true;
	skip_space(scanner);
	if (peek(scanner) == '}' || peek(scanner) == ']')
		return fail_at(scanner, JSON_ERROR_SYNTAX, comma,
			       "a comma after the last entry: JSON takes none there");
	return true;
}

static bool scan_list(Scanner *scanner, JsonNode *list)
{
	bool more;

	skip_space(scanner);
	more = peek(scanner) != ']';
	if (!more)
		scanner->at++;
	for (size_t index = 0; more; index++) {
		JsonNode *element = NULL;

		scanner->next_index = index;
		if (!scan_value(scanner, list, &element))
			return false;
		json_append(list, element);
		if (!scan_separator(scanner, ']', "a ',' or the list's ']' is wanted here", &more))
			return false;
	}
	return true;
}

static bool scan_key(Scanner *scanner, char **ret)
{
	if (peek(scanner) != '"')
		return fail_unexpected(scanner, "a key in \"…\" is wanted here");
	if (!scan_string(scanner, ret))
		return false;
	skip_space(scanner);
	if (peek(scanner) != ':')
		return fail_unexpected(scanner, "a ':' between key and value is wanted here");
	scanner->at++;
	return true;
}

static bool scan_member(Scanner *scanner, JsonNode *object)
{
	JsonNode *member = NULL, *first;

	skip_space(scanner);
	scanner->next_key_place = place_here(scanner);
	if (!scan_key(scanner, &scanner->next_key) || !scan_value(scanner, object, &member))
		return false;

	first = json_member(object, member->key);
	if (first)
		scanner->on_duplicate(scanner->userdata, member, first);
	else
		json_append(object, member);
	return true;
}

static bool scan_object(Scanner *scanner, JsonNode *object)
{
	bool more;

	skip_space(scanner);
	more = peek(scanner) != '}';
	if (!more)
		scanner->at++;
	while (more)
		if (!scan_member(scanner, object) ||
		    !scan_separator(scanner, '}', "a ',' or the object's '}' is wanted here",
				    &more))
			return false;
	return true;
}

static bool scan_nested(Scanner *scanner, JsonNode *parent, JsonNode **ret)
{
	JsonKind kind = peek(scanner) == '{' ? JSON_NODE_OBJECT : JSON_NODE_LIST;
	JsonNode *node;
	bool ok;

	if (scanner->depth >= scanner->limits->depth)
		return fail_at(scanner, JSON_ERROR_DEPTH, place_here(scanner), "");
	node = node_new(scanner, kind, parent);
	if (!node)
		return false;

	scanner->at++;
	scanner->depth++;
	ok = kind == JSON_NODE_OBJECT ? scan_object(scanner, node) : scan_list(scanner, node);
	scanner->depth--;
	*ret = node;
	return ok;
}

static bool scan_value(Scanner *scanner, JsonNode *parent, JsonNode **ret)
{
	JsonNode *node;
	char c;

	skip_space(scanner);
	c = peek(scanner);
	if (c == '{' || c == '[')
		return scan_nested(scanner, parent, ret);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(scanner, parent, ret);
	if (c != '"')
		return scan_word(scanner, parent, ret);

	node = node_new(scanner, JSON_NODE_STRING, parent);
	if (!node || !scan_string(scanner, &node->text))
		return false;
	*ret = node;
	return true;
}

/* Moves to an offset, counting the lines on the way. */
static void move_to(Scanner *scanner, size_t offset)
{
	for (; scanner->at < offset; scanner->at++)
		if (scanner->text[scanner->at] == '\n') {
			scanner->line++;
			scanner->line_at = scanner->at + 1;
		}
}

/* What makes a text no text: found before its structure is looked at. */
static bool check_bytes(Scanner *scanner)
{
	const char *nul = memchr(scanner->text, '\0', scanner->length);
	size_t valid = utf8_valid_prefix(scanner->text, scanner->length);

	if (nul && (size_t) (nul - scanner->text) < valid) {
		move_to(scanner, (size_t) (nul - scanner->text));
		return fail_at(scanner, JSON_ERROR_NUL, place_here(scanner), "");
	}
	if (valid < scanner->length) {
		move_to(scanner, valid);
		return fail_at(scanner, JSON_ERROR_UTF8, place_here(scanner), "");
	}
	if (scanner->length >= 3 && memcmp(scanner->text, "\xef\xbb\xbf", 3) == 0)
		return fail_syntax(scanner, "the file begins with a byte order mark: save it as "
					    "UTF-8 without one");
	return true;
}

bool json_scan(const JsonSource *source, JsonPool *pool, JsonDuplicate on_duplicate, void *userdata,
	       JsonNode **ret, JsonFlaw *flaw)
{
	Scanner scanner = {
		.text = source->text,
		.length = source->length,
		.line = 1,
		.document = source->document,
		.limits = &source->limits,
		.pool = pool,
		.on_duplicate = on_duplicate,
		.userdata = userdata,
		.flaw = flaw,
	};
	JsonNode *root = NULL;

	if (!check_bytes(&scanner))
		return false;
	skip_space(&scanner);
	if (at_end(&scanner))
		return fail_at(&scanner, JSON_ERROR_EMPTY, (JsonPlace){ 1, 1, 0 }, "");
	if (!scan_value(&scanner, NULL, &root)) {
		free(scanner.next_key);
		return false;
	}
	skip_space(&scanner);
	if (!at_end(&scanner))
		return fail_syntax(&scanner,
				   "the text goes on after its end: a '{' or '[' is missing above, "
				   "or a '}' or ']' too many");
	*ret = root;
	return true;
}

void json_pool_done(JsonPool *pool)
{
	while (pool->latest) {
		JsonNode *node = pool->latest;

		pool->latest = node->allocated_before;
		free(node->key);
		free(node->text);
		free(node);
	}
}

JsonNode *json_member(const JsonNode *node, const char *key)
{
	if (!node || node->kind != JSON_NODE_OBJECT)
		return NULL;
	for (JsonNode *child = node->children; child; child = child->next)
		if (streq(child->key, key))
			return child;
	return NULL;
}

JsonNode *json_element(const JsonNode *node, size_t index)
{
	JsonNode *child;

	if (!node || node->kind != JSON_NODE_LIST)
		return NULL;
	for (child = node->children; child && index > 0; child = child->next)
		index--;
	return child;
}

void json_append(JsonNode *parent, JsonNode *child)
{
	child->next = NULL;
	if (parent->last_child)
		parent->last_child->next = child;
	else
		parent->children = child;
	parent->last_child = child;
}

JsonNode *json_take_children(JsonNode *parent)
{
	JsonNode *first = parent->children;

	parent->children = parent->last_child = NULL;
	return first;
}

static void add_token(StrBuf *buf, const char *key)
{
	str_buf_add_bytes(buf, "/", 1);
	for (const char *c = key; *c; c++)
		if (*c == '~')
			str_buf_add_bytes(buf, "~0", 2);
		else if (*c == '/')
			str_buf_add_bytes(buf, "~1", 2);
		else
			str_buf_add_bytes(buf, c, 1);
}

void json_pointer(StrBuf *buf, const JsonNode *node, const char *key)
{
	if (node && node->parent) {
		json_pointer(buf, node->parent, NULL);
		if (node->key)
			add_token(buf, node->key);
		else
			str_buf_add(buf, "/%zu", node->index);
	}
	if (key)
		add_token(buf, key);
}

const char *json_kind_words(JsonKind kind)
{
	static const char *const words[] = {
		[JSON_NODE_NULL] = "null",	  [JSON_NODE_BOOL] = "true or false",
		[JSON_NODE_INTEGER] = "a number", [JSON_NODE_REAL] = "a number with a fraction",
		[JSON_NODE_STRING] = "a string",  [JSON_NODE_LIST] = "a list",
		[JSON_NODE_OBJECT] = "an object",
	};
	_Static_assert(ELEMENTSOF(words) == _JSON_NODE_KIND_MAX, "every kind has its words");

	return words[kind];
}
