/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec-merge.h"

#define NEAREST_AMONG_MAX 64

/* The string by which entries of a list are told apart; NULL where it has none. */
static JsonNode *entry_id(const ObjectType *object, const JsonNode *entry)
{
	JsonNode *id = json_member(entry, "id");

	if (!id && object->default_id)
		id = json_member(entry, object->default_id);
	return id && id->kind == JSON_NODE_STRING ? id : NULL;
}

static JsonNode *entry_find(const ObjectType *object, JsonNode *first, const char *id)
{
	for (JsonNode *entry = first; entry; entry = entry->next) {
		const JsonNode *other = entry_id(object, entry);

		if (other && streq(other->text, id))
			return entry;
	}
	return NULL;
}

static const char *nearest_entry(const ObjectType *object, const JsonNode *list, const char *id)
{
	const char *names[NEAREST_AMONG_MAX];
	size_t n = 0;

	if (!list || list->kind != JSON_NODE_LIST)
		return NULL;
	for (JsonNode *entry = list->children; entry; entry = entry->next) {
		const JsonNode *other = entry_id(object, entry);

		if (other && n < NEAREST_AMONG_MAX)
			names[n++] = other->text;
	}
	return nearest_name(id, names, n);
}

/* Whether the entry asks to be taken out; what is wrong with the asking is told. */
static bool wants_removal(SpecReport *report, const ObjectType *object, const JsonNode *entry)
{
	JsonNode *remove = json_member(entry, REMOVE_KEY);

	if (!remove)
		return false;
	if (remove->kind != JSON_NODE_BOOL || !remove->truth)
		report_value(report, RULE_REMOVE_VALUE, remove,
			     "can only be true; leave it out where %s is to stay", object->name);
	for (JsonNode *member = entry->children; member; member = member->next)
		if (!streq(member->key, REMOVE_KEY) && !streq(member->key, "id") &&
		    !streq(member->key, "description") &&
		    !(object->default_id && streq(member->key, object->default_id)))
			report_key(report, RULE_REMOVE_ALONE, member,
				   "stands beside \"remove\", which takes the whole entry away; "
				   "leave one of them out");
	return true;
}

static void remove_entry(SpecReport *report, const ObjectType *object, const JsonNode *target,
			 JsonNode *below, JsonNode *entry)
{
	JsonNode *id = entry_id(object, entry);
	const char *nearest;
	char words[VALUE_SHOWN_MAX];

	if (!id) {
		report_missing(report, RULE_MISSING_KEY, entry, "id",
			       "is missing; \"remove\" needs to know which entry");
		return;
	}
	if (below) {
		below->replaced = true;
		return;
	}
	if (report->incomplete)
		return;
	nearest = nearest_entry(object, target, id->text);
	report_value(report, RULE_REMOVE_UNKNOWN, id,
		     "there is no entry %s to remove in what this file goes over%s%s%s",
		     string_words(words, id->text), nearest ? "; did you mean \"" : "",
		     nearest ?: "", nearest ? "\"?" : "");
}

/* Tells of ids that one list has twice and takes the later entries out. */
static JsonNode *without_duplicates(SpecReport *report, const ObjectType *object, JsonNode *first)
{
	JsonNode kept = { 0 };

	for (JsonNode *entry = first, *next; entry; entry = next) {
		JsonNode *id = entry_id(object, entry);
		JsonNode *earlier = id ? entry_find(object, kept.children, id->text) : NULL;
		char words[VALUE_SHOWN_MAX];

		next = entry->next;
		if (!earlier) {
			json_append(&kept, entry);
			continue;
		}
		report_value(report, RULE_DUPLICATE_ID, id,
			     "%s is already the id of an entry in line %zu; every entry needs its "
			     "own",
			     string_words(words, id->text), earlier->place.line);
	}
	return kept.children;
}

static JsonNode *merge_list(SpecReport *report, const ObjectType *object, JsonNode *target,
			    JsonNode *patch)
{
	bool has_target = target && target->kind == JSON_NODE_LIST;
	JsonNode *entries = without_duplicates(report, object, json_take_children(patch));
	JsonNode fresh = { 0 };

	for (JsonNode *entry = entries, *next; entry; entry = next) {
		const JsonNode *id = entry_id(object, entry);
		JsonNode *below =
			has_target && id ? entry_find(object, target->children, id->text) : NULL;

		next = entry->next;
		if (wants_removal(report, object, entry)) {
			remove_entry(report, object, target, below, entry);
		} else if (below) {
			below->successor = spec_merge(report, object, below, entry);
			below->replaced = true;
		} else {
			if (entry->kind == JSON_NODE_OBJECT)
				entry = spec_merge(report, object, NULL, entry);
			json_append(&fresh, entry);
		}
	}

	for (JsonNode *old = has_target ? target->children : NULL, *next; old; old = next) {
		next = old->next;
		if (!old->replaced)
			json_append(patch, old);
		else if (old->successor)
			json_append(patch, old->successor);
	}
	for (JsonNode *entry = fresh.children, *next; entry; entry = next) {
		next = entry->next;
		json_append(patch, entry);
	}
	return patch;
}

static JsonNode *merge_member(SpecReport *report, const Field *field, JsonNode *target,
			      JsonNode *patch)
{
	if (patch->kind == JSON_NODE_OBJECT)
		return spec_merge(report,
				  field && field->type == FIELD_OBJECT ? field->object : NULL,
				  target, patch);
	if (patch->kind == JSON_NODE_LIST && field && field->type == FIELD_LIST &&
	    field->object->merges_by_id)
		return merge_list(report, field->object, target, patch);
	return patch;
}

JsonNode *spec_merge(SpecReport *report, const ObjectType *object, JsonNode *target,
		     JsonNode *patch)
{
	JsonNode *members = json_take_children(patch);

	for (JsonNode *member = members, *next; member; member = next) {
		const Field *field = object ? object_field(object, member->key) : NULL;
		JsonNode *below = json_member(target, member->key);

		next = member->next;
		if (below)
			below->replaced = true;
		if (member->kind != JSON_NODE_NULL)
			json_append(patch, merge_member(report, field, below, member));
	}

	if (!target || target->kind != JSON_NODE_OBJECT)
		return patch;
	for (JsonNode *old = target->children, *next; old; old = next) {
		next = old->next;
		if (!old->replaced)
			json_append(patch, old);
	}
	return patch;
}
