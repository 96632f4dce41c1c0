/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cli/spec-changes.h"
#include "cli/spec-load.h"
#include "host/state-file.h"
#include "model/spec-json.h"

/* The spec of now, as a document; NULL: there is none, and *ret_standing tells why. */
static json_t *load_document(const Places *places, const char *file, SpecStanding *ret_standing)
{
	_cleanup_(spec_free_p) Spec *spec = NULL;
	_cleanup_(fault_done) Fault fault = { 0 };
	Problems problems = { 0 };
	int r = spec_load(places, file, &spec, &problems, &fault);

	problems_done(&problems);
	*ret_standing = r == -ENOENT ? SPEC_GONE : SPEC_WRONG;
	return r < 0 ? NULL : spec_to_json(spec);
}

int spec_changes_look(const Places *places, const VmPlaces *vm, SpecChanges *ret)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	SpecChanges changes = { 0 };
	json_t *now;
	int r = 0;

	if (state_file_read(vm->state_file, &state) < 0 || !state.spec || !state.spec_file) {
		*ret = changes;
		return 0;
	}
	now = load_document(places, state.spec_file, &changes.standing);
	if (now) {
		r = spec_documents_compare(state.spec, now, &changes.keys);
		changes.standing = changes.keys.n > 0 ? SPEC_CHANGED : SPEC_AS_STARTED;
	}
	json_decref(now);
	if (r < 0)
		spec_changes_done(&changes);
	else
		*ret = changes;
	return r;
}

void spec_changes_done(SpecChanges *changes)
{
	str_list_done(&changes->keys);
	*changes = (SpecChanges){ 0 };
}

bool spec_changes_are_there(const SpecChanges *changes)
{
	return changes->standing > SPEC_AS_STARTED;
}

int spec_changes_to_words(const SpecChanges *changes, const char *vm, char **ret)
{
	StrBuf words = { 0 };

	*ret = NULL;
	if (!spec_changes_are_there(changes))
		return 0;
	if (changes->standing == SPEC_GONE)
		str_buf_add(&words, "its file is gone since the start; the VM runs on until it is "
				    "stopped");
	else if (changes->standing == SPEC_WRONG)
		str_buf_add(&words,
			    "as it is now it cannot be started again (mvmd check %s tells why)",
			    vm);
	else
		str_buf_add(&words, "changed since start: ");
	for (size_t i = 0; i < changes->keys.n; i++)
		str_buf_add(&words, "%s%s", i > 0 ? ", " : "", changes->keys.items[i]);
	if (changes->standing == SPEC_CHANGED)
		str_buf_add(&words, " (mvmd restart %s applies it)", vm);
	return str_buf_take(&words, ret);
}

json_t *spec_changes_to_json(const SpecChanges *changes)
{
	json_t *keys;

	if (changes->standing != SPEC_AS_STARTED && changes->standing != SPEC_CHANGED)
		return json_null();
	keys = json_array();
	for (size_t i = 0; i < changes->keys.n; i++)
		(void) json_array_append_new(keys, json_string(changes->keys.items[i]));
	return keys;
}
