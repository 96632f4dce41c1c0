/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of entries in the journal: they are for scripts and for catalogs elsewhere, so they never change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/message-id.h"
#include "model/catalog.h"
#include "model/findings.h"
#include "mvmd/journal.h"

#define CATALOG_WIDTH_MAX 80

static const char *const kinds[] = {
	MVMD_MESSAGE_STATE,	 MVMD_MESSAGE_STEP,	MVMD_MESSAGE_STEP_WAIT,
	MVMD_MESSAGE_FACTS,	 MVMD_MESSAGE_RUNNING,	MVMD_MESSAGE_ADOPTED,
	MVMD_MESSAGE_RELOADED,	 MVMD_MESSAGE_GUEST,	MVMD_MESSAGE_MENDED,
	MVMD_MESSAGE_STOP,	 MVMD_MESSAGE_ENDED,	MVMD_MESSAGE_NEXT_TRY,
	MVMD_MESSAGE_START_SLOT, MVMD_MESSAGE_SPEC,	MVMD_MESSAGE_CHILD,
	MVMD_MESSAGE_CONSOLE,	 MVMD_MESSAGE_LEFT_OUT, MVMD_MESSAGE_LOST,
	MVMD_MESSAGE_NAMESPACE
};

static void is_an_id(const char *id)
{
	assert_int_equal(strlen(id), 32);
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
}

/* Reckoned by another program from the definition in base/message-id.h. */
static void ids_of_findings_stay(_unused_ void **state)
{
	char id[MESSAGE_ID_MAX];

	assert_string_equal(message_id_of_finding(id, "tap-held"),
			    "b089fcd598168f2b90d8c897aca726f1");
	assert_string_equal(message_id_of_finding(id, "guest-panic"),
			    "95afef78cb588efeadebb71e43dbef48");
	assert_string_equal(message_id_of_finding(id, "listener"),
			    "699e2839648d856ca0b3ec98e2d15030");
	assert_string_equal(message_id_of_finding(id, ""), "992e1ae1d799894c851a51dc0a102e64");
}

static void kinds_stay(_unused_ void **state)
{
	assert_string_equal(MVMD_MESSAGE_STATE, "baab920f665849c6ab77eb397255c7ce");
	assert_string_equal(MVMD_MESSAGE_RUNNING, "ad99e95091ea47878e2c7f5af832fc66");
	assert_string_equal(MVMD_MESSAGE_ADOPTED, "c5aa74f2744e41acbbc9b9f6ec0cdc16");
	assert_string_equal(MVMD_MESSAGE_ENDED, "3d1e653344f9457f8f77624b1005e12c");
	assert_string_equal(MVMD_MESSAGE_CONSOLE, "6c5fa08969904d76abbb995a9c88df9f");
	for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
		is_an_id(kinds[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(kinds[i], kinds[j]);
	}
}

static void ids_differ(_unused_ void **state)
{
	char id[MESSAGE_ID_MAX], other[MESSAGE_ID_MAX];

	for (size_t t = 0; t < FINDING_TABLES; t++)
		for (size_t i = 0; i < finding_tables[t]->n; i++) {
			is_an_id(message_id_of_finding(id, finding_tables[t]->findings[i].id));
			for (size_t k = 0; k < ELEMENTSOF(kinds); k++)
				assert_string_not_equal(id, kinds[k]);
			for (size_t u = 0; u <= t; u++)
				for (size_t j = 0; j < (u == t ? i : finding_tables[u]->n); j++)
					assert_string_not_equal(
						id,
						message_id_of_finding(
							other, finding_tables[u]->findings[j].id));
		}
}

/* Fields that each entry has of whose kind the catalog speaks. */
static bool is_sent(const char *name, size_t length)
{
	static const char *const sent[] = {
		MVMD_FIELD_VM,	   MVMD_FIELD_STATE,  MVMD_FIELD_STATE_BEFORE,
		MVMD_FIELD_EVENT,  MVMD_FIELD_STEP,   MVMD_FIELD_TOOK_USEC,
		MVMD_FIELD_VMM,	   MVMD_FIELD_PID,    MVMD_FIELD_EXIT_CODE,
		MVMD_FIELD_LINES,  MVMD_FIELD_STREAM, MVMD_FIELD_EVIDENCE,
		MVMD_FIELD_MENDED,
	};

	for (size_t i = 0; i < ELEMENTSOF(sent); i++)
		if (strlen(sent[i]) == length && memcmp(sent[i], name, length) == 0)
			return true;
	return false;
}

static void assert_catalog_line(const char *line, size_t length)
{
	assert_true(length <= CATALOG_WIDTH_MAX);
	/* catalog.c:catalog_import_file() takes these for comments, wherever they stand. */
	assert_true(length == 0 || (line[0] != '#' && line[0] != ';'));
	for (const char *at = line; (at = memchr(at, '@', length - (size_t) (at - line)));) {
		size_t name = strspn(++at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

		if (name == 0 || at[name] != '@')
			continue;
		assert_true(is_sent(at, name));
		at += name + 1;
	}
}

static void catalog_is_well_formed(_unused_ void **state)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t entries = 0, findings = 0;

	assert_int_equal(catalog_to_text(&text), 0);
	line = strstr(text, "\n\n") + 1; /* the first comment may be one */
	for (size_t length; *line; line += length + 1) {
		length = strcspn(line, "\n");
		assert_catalog_line(line, length);
		if (strncmp(line, "-- ", 3) == 0)
			entries++;
		assert_int_equal(line[length], '\n');
	}
	for (size_t t = 0; t < FINDING_TABLES; t++)
		findings += finding_tables[t]->n;
	/* The kinds but those of lines that somebody else wrote, and the namespace. */
	assert_int_equal(entries, findings + ELEMENTSOF(kinds) - 3);
}

static void catalog_explains_findings(_unused_ void **state)
{
	const Finding *finding = finding_find("tap-held");
	_cleanup_free_ char *text = NULL, *head = NULL;
	char id[MESSAGE_ID_MAX];
	const char *entry;

	assert_int_equal(catalog_to_text(&text), 0);
	head = str_printf("\n-- %s\nSubject: %s\nDefined-By: mvmd\n"
			  "Documentation: man:mvmd-errors(7)\n\n",
			  message_id_of_finding(id, finding->id), finding->title);
	entry = strstr(text, head);
	assert_non_null(entry);
	assert_int_equal(strncmp(entry + strlen(head), finding->what, 20), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_findings_stay),
		cmocka_unit_test(kinds_stay),
		cmocka_unit_test(ids_differ),
		cmocka_unit_test(catalog_is_well_formed),
		cmocka_unit_test(catalog_explains_findings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
