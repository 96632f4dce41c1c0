/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/util.h"
#include "model/guest-report.h"
#include "model/utf8.h"

#define EXIT_STATUS_MAX 255

void guest_report_init(GuestReport *report)
{
	*report = (GuestReport){ .exit_status = -1 };
}

void guest_report_new_life(GuestReport *report)
{
	uint64_t n_messages = report->n_messages;

	guest_report_init(report);
	report->n_messages = n_messages;
}

/* One value, not ended by a NUL. */
typedef struct Value {
	const char *text;
	size_t length;
} Value;

/* Returns whether the word is another one than before. */
static bool set_word(char word[GUEST_WORD_MAX + 1], const Value *value)
{
	char before[GUEST_WORD_MAX + 1];
	size_t length = value->length < GUEST_WORD_MAX ? value->length : GUEST_WORD_MAX;

	memcpy(before, word, sizeof(before));
	memcpy(word, value->text, length);
	word[length] = '\0';
	text_clean(word, length);
	return !streq(before, word);
}

static void drop_unit(GuestReport *report, size_t i)
{
	report->n_units--;
	memmove(report->units[i], report->units[i + 1],
		(report->n_units - i) * sizeof(report->units[0]));
}

static void set_unit(GuestReport *report, const Value *value, bool is_active)
{
	char name[GUEST_WORD_MAX + 1] = "";

	(void) set_word(name, value);
	for (size_t i = report->n_units; i-- > 0;)
		if (streq(report->units[i], name))
			drop_unit(report, i);
	if (!is_active)
		return;
	if (report->n_units == GUEST_UNITS_MAX)
		drop_unit(report, 0);
	memcpy(report->units[report->n_units++], name, sizeof(name));
}

static void set_exit_status(GuestReport *report, const Value *value)
{
	char word[GUEST_WORD_MAX + 1] = "";
	uint64_t number;

	(void) set_word(word, value);
	if (parse_u64(word, EXIT_STATUS_MAX, &number) == 0)
		report->exit_status = (int) number;
}

/* Whether the line is that key's; then its value. */
static bool is_key(const char *line, size_t length, const char *key, Value *ret)
{
	size_t n = strlen(key);

	if (length <= n || memcmp(line, key, n) != 0 || line[n] != '=')
		return false;
	*ret = (Value){ line + n + 1, length - n - 1 };
	return true;
}

static unsigned read_line(GuestReport *report, const char *line, size_t length)
{
	Value value;

	if (is_key(line, length, "READY", &value)) {
		if (report->ready || value.length != 1 || value.text[0] != '1')
			return 0;
		report->ready = true;
		return GUEST_NEWS_READY;
	}
	if (is_key(line, length, "STATUS", &value))
		return set_word(report->status, &value) ? GUEST_NEWS_STATUS : 0;
	if (is_key(line, length, "X_SYSTEMD_UNIT_ACTIVE", &value))
		set_unit(report, &value, true);
	else if (is_key(line, length, "X_SYSTEMD_UNIT_INACTIVE", &value))
		set_unit(report, &value, false);
	else if (is_key(line, length, "X_SYSTEMD_HOSTNAME", &value))
		(void) set_word(report->hostname, &value);
	else if (is_key(line, length, "X_SYSTEMD_SHUTDOWN", &value))
		(void) set_word(report->shutdown, &value);
	else if (is_key(line, length, "EXIT_STATUS", &value))
		set_exit_status(report, &value);
	return 0;
}

unsigned guest_report_read(GuestReport *report, const char *message, size_t length)
{
	const char *end = message + length;
	unsigned news = 0;

	report->n_messages++;
	while (message < end) {
		const char *newline = memchr(message, '\n', (size_t) (end - message));
		const char *line_end = newline ?: end;

		news |= read_line(report, message, (size_t) (line_end - message));
		message = newline ? newline + 1 : end;
	}
	return news;
}
