/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/spec.h"

/* A spec of so many words; the test ends where it is wrong. Freed by spec_free(). */
static inline Spec *spec_of(const char *name, const char *json)
{
	_cleanup_free_ char *file = str_printf("/etc/mvmd/%s.json", name);
	_cleanup_free_ char *text = strdup(json);
	const SpecDoc doc = {
		.role = SPEC_DOC_MAIN,
		.file = file,
		.text = text,
		.length = strlen(json),
	};
	Problems problems = { 0 };
	Spec *spec = NULL;

	assert_int_equal(spec_parse(&doc, 1, name, &spec, &problems), 0);
	return spec;
}
