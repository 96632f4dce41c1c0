/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/spec.h"

/*
 * The tables of keys: one of the spec, one of host.conf. A table drives the reader, the defaults,
 * freeing, merging, `mvmd schema` and the table in the man page, so that they cannot drift.
 */

typedef enum FieldType {
	FIELD_TEXT, /* free text for people */
	FIELD_STRING,
	FIELD_PATH, /* absolute */
	FIELD_BOOL,
	FIELD_TRISTATE, /* a boolean without a default of its own */
	FIELD_INTEGER,
	FIELD_RANGE, /* numbers in a row: 20, or "20-29" */
	FIELD_SIZE, /* "512MiB"; bytes */
	FIELD_DURATION, /* "30s"; microseconds */
	FIELD_RATE, /* "100Mbit"; bits a second */
	FIELD_ENUM,
	FIELD_MAC,
	FIELD_LINK, /* the name of a network interface */
	FIELD_USER, /* of a user or a group */
	FIELD_ID,
	FIELD_VM, /* the name of a VM */
	FIELD_OBJECT,
	FIELD_LIST, /* of objects */
	FIELD_MAP, /* an object whose keys are names, its values objects; in the struct as a list */
	_FIELD_TYPE_MAX,
} FieldType;

typedef struct ObjectType ObjectType;

typedef struct Field {
	const char *key;
	FieldType type;
	bool required;
	size_t offset; /* of the value in the object's struct */
	size_t extra_offset; /* lists and maps: of the count; objects: of the bool "it was written"; 0: none */
	uint64_t min,
		max; /* of numbers; of the bytes of strings; of the entries of lists and maps */
	uint64_t multiple; /* sizes; 0: any */
	const char *fallback; /* the default, in the spec's own words; NULL: none */
	const char *const *
		choices; /* enums: the words by value; NULL in it: cannot be written. Integers: words for values below min */
	size_t n_choices;
	const ObjectType *object; /* objects, lists and maps */
	const char *
		shorthand; /* what is no object, as the value or in the list, stands for this key */
	const char *example; /* a value as one writes it, for messages and the man page */
	const char *sentence; /* what it is, ending in a dot */
} Field;

struct ObjectType {
	const char *name; /* with its article, "a disk" */
	const char *sentence;
	const Field *fields;
	size_t n_fields;
	size_t size; /* of its struct */
	const char
		*default_id; /* lists that merge by id: the key that stands for an unwritten id */
	bool merges_by_id;
	size_t name_offset; /* entries of maps: where the name goes, a char * of their own */
	const char *name_pattern; /* the same: what a name is made of, as JSON Schema says it */
	const char *title; /* roots: of the JSON Schema */
	const char *least; /* roots: the shortest that is right, for messages */
};

/* The roots: of a spec, and of host.conf. */
extern const ObjectType spec_object, host_conf_object;

/* What both of them may have in a list. */
extern const ObjectType allowed_issue_object;

/* The details of an interface's way onto the network. */
extern const ObjectType macvtap_object, vhost_user_object, passt_object;

/* The entries of the spec's lists of devices, and of its map of credentials. */
extern const ObjectType disk_object, interface_object, share_object, credential_object;

/* Of an interface's keys. */
extern const ObjectType vlan_object, offloads_object, rate_object, create_bridge_object;

/* Of an interface: the details of a way onto the network. */
extern const ObjectType networkd_object;

#define PATH_MAX_BYTES	 4095 /* limits.h: PATH_MAX is 4096 with the NUL */
#define SOCKET_MAX_BYTES 107 /* unix(7): sun_path is 108 bytes with the NUL */
#define USER_MAX_BYTES	 32 /* utmp.h: UT_NAMESIZE; what useradd(8) allows */

/* The field that every object with fixed keys has. */
#define DESCRIPTION_FIELD(record)                                                                  \
	{                                                                                          \
		.key = "description", .type = FIELD_TEXT, .offset = offsetof(record, description), \
		.max = SPEC_FILE_MAX_BYTES, .example = "\"the shop's web server\"",                \
		.sentence = "Free text for people; mvmd does nothing with it.",                    \
	}

/* What the end of a backend leads to; its words are by BackendOnExit. */
extern const char *const on_exit_words[_BACKEND_ON_EXIT_MAX];
#define ON_EXIT(record, word, what)                                                                \
	{                                                                                          \
		.key = "on_exit", .type = FIELD_ENUM, .offset = offsetof(record, on_exit),         \
		.choices = on_exit_words, .n_choices = _BACKEND_ON_EXIT_MAX, .example = (word),    \
		.sentence = (what),                                                                \
	}

/* How an entry of a list that merges by id is taken out; no field: it never reaches the Spec. */
#define REMOVE_KEY "remove"

const Field *object_field(const ObjectType *object, const char *key);

/* The nearest key of the object to word, "remove" included where it is one; NULL: none is near. */
const char *object_nearest_key(const ObjectType *object, const char *word);

/* The units that sizes and durations are written in, largest last; ends with a NULL suffix. */
typedef struct Unit {
	const char *suffix;
	uint64_t factor;
} Unit;
extern const Unit size_units[], duration_units[], rate_units[];
