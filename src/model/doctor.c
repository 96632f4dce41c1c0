/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/doctor.h"
#include "model/fault-json.h"
#include "model/wrap.h"
#include "mvmd/exit-codes.h"

/* Of the answer of doctor --json; fields are only ever added to it. */
#define DOCTOR_VERSION 1

/* The widest level, and a space behind it. */
#define LEVEL_WIDTH 8
#define MORE_INDENT (LEVEL_WIDTH + 2)

#define PLAIN "\033[0m" /* ECMA-48 */

static const char *const level_words[_DOCTOR_LEVEL_MAX] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_ERROR] = "error",
};

const char *doctor_level_to_string(DoctorLevel level)
{
	return level_words[level];
}

DoctorLevel doctor_level_by_need(const char *vm)
{
	return vm ? DOCTOR_WARNING : DOCTOR_NOTE;
}

void doctor_take(Doctor *doctor, const char *about, DoctorLevel level, Fault *fault)
{
	if (array_grow(&doctor->lines, doctor->n, sizeof(*doctor->lines)) < 0) {
		doctor->failed = true;
		fault_done(fault);
		return;
	}
	if (!fault->what)
		doctor->failed = true;
	doctor->lines[doctor->n++] = (DoctorLine){ about, level, *fault };
	*fault = (Fault){ 0 };
}

void doctor_ok(Doctor *doctor, const char *about, const char *format, ...)
{
	Fault fault = { 0 };
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&fault.what, format, arguments) < 0)
		fault.what = NULL;
	va_end(arguments);
	doctor_take(doctor, about, DOCTOR_OK, &fault);
}

static void drop_line(Doctor *doctor, size_t i)
{
	fault_done(&doctor->lines[i].fault);
	doctor->n--;
	memmove(doctor->lines + i, doctor->lines + i + 1, (doctor->n - i) * sizeof(*doctor->lines));
}

static bool has_error_behind(const Doctor *doctor, size_t n, const char *id)
{
	for (size_t i = n; i < doctor->n; i++)
		if (doctor->lines[i].level == DOCTOR_ERROR && doctor->lines[i].fault.id &&
		    streq(doctor->lines[i].fault.id, id))
			return true;
	return false;
}

void doctor_drop_repeated(Doctor *doctor, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		const DoctorLine *line = &doctor->lines[i];

		if (line->fault.id && line->level != DOCTOR_ERROR &&
		    has_error_behind(doctor, n, line->fault.id)) {
			drop_line(doctor, i);
			n--;
		}
	}
}

static size_t count(const Doctor *doctor, DoctorLevel level)
{
	size_t n = 0;

	for (size_t i = 0; i < doctor->n; i++)
		n += doctor->lines[i].level == level;
	return n;
}

int doctor_exit_code(const Doctor *doctor)
{
	if (count(doctor, DOCTOR_ERROR) > 0)
		return MVMD_EXIT_UNAVAILABLE;
	return count(doctor, DOCTOR_WARNING) > 0 ? MVMD_EXIT_WARNINGS : MVMD_EXIT_OK;
}

/* "warning kvm: …", and why and remedy below it. */
static void add_line(StrBuf *buf, const DoctorLine *line, bool coloured)
{
	static const char *const colours[_DOCTOR_LEVEL_MAX] = {
		[DOCTOR_OK] = "\033[32m",
		[DOCTOR_NOTE] = "\033[36m",
		[DOCTOR_WARNING] = "\033[1;33m",
		[DOCTOR_ERROR] = "\033[1;31m",
	};
	const Fault *fault = &line->fault;
	_cleanup_free_ char *words = str_printf("%s%s%s%s", fault->what, fault->id ? " [" : "",
						fault->id ?: "", fault->id ? "]" : "");
	_cleanup_free_ char *wrapped = NULL;
	StrBuf what = { 0 };

	wrap_add(&what, LEVEL_WIDTH, line->about, words ?: "?");
	if (str_buf_take(&what, &wrapped) < 0) {
		buf->failed = true;
		return;
	}
	/* The level takes the place of the first line's indent. */
	str_buf_add(buf, "%s%-*s%s%s", coloured ? colours[line->level] : "", LEVEL_WIDTH,
		    level_words[line->level], coloured ? PLAIN : "", wrapped + LEVEL_WIDTH);
	if (fault->why)
		wrap_add(buf, MORE_INDENT, "why", fault->why);
	if (fault->remedy)
		wrap_add(buf, MORE_INDENT, "try", fault->remedy);
}

static void add_sum(StrBuf *buf, const Doctor *doctor)
{
	size_t errors = count(doctor, DOCTOR_ERROR), warnings = count(doctor, DOCTOR_WARNING);

	str_buf_add(buf, "\n%zu error%s, %zu warning%s", errors, errors == 1 ? "" : "s", warnings,
		    warnings == 1 ? "" : "s");
	str_buf_add(buf, "%s\n",
		    count(doctor, DOCTOR_OK) < doctor->n ? "; mvmd explain ID tells more" : "");
}

int doctor_to_text(const Doctor *doctor, bool coloured, char **ret)
{
	StrBuf buf = { 0 };

	for (size_t i = 0; i < doctor->n; i++)
		add_line(&buf, &doctor->lines[i], coloured);
	add_sum(&buf, doctor);
	buf.failed |= doctor->failed;
	return str_buf_take(&buf, ret);
}

static json_t *line_to_json(const DoctorLine *line)
{
	const Fault *fault = &line->fault;
	json_t *json =
		json_pack("{s:s, s:s}", "about", line->about, "level", level_words[line->level]);
	json_t *rest = fault->id ? fault_to_json(fault) :
				   json_pack("{s:n, s:n, s:s, s:n, s:n, s:{}}", "id", "severity",
					     "what", fault->what, "why", "remedy", "evidence");

	if (json_object_update(json, rest) < 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(rest);
	return json;
}

int doctor_to_json(const Doctor *doctor, char **ret)
{
	json_t *checks = json_array(), *answer;
	bool failed = doctor->failed;
	char *text = NULL;

	for (size_t i = 0; !failed && i < doctor->n; i++)
		failed = json_array_append_new(checks, line_to_json(&doctor->lines[i])) < 0;
	answer = json_pack("{s:i, s:o}", "version", DOCTOR_VERSION, "checks", checks);
	if (answer && !failed)
		text = json_dumps(answer, JSON_INDENT(2));
	json_decref(answer);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

void doctor_done(Doctor *doctor)
{
	for (size_t i = 0; i < doctor->n; i++)
		fault_done(&doctor->lines[i].fault);
	free(doctor->lines);
	*doctor = (Doctor){ 0 };
}
