/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "model/attempts.h"

/* A pause is longer by up to this part of itself, so that many VMs do not try in step. */
#define BACKOFF_JITTER_PART 4

#define MOMENT_MAX sizeof("18446744073709.9s")

uint64_t backoff_usec(const Backoff *backoff, unsigned n, uint32_t random)
{
	uint64_t pause = backoff->first_usec;

	for (unsigned i = 1; i < n && pause < backoff->max_usec; i++)
		pause *= 2;
	if (pause > backoff->max_usec)
		pause = backoff->max_usec;
	return pause + random % (pause / BACKOFF_JITTER_PART + 1);
}

void attempts_begin(Attempts *attempts, const Backoff *backoff, uint64_t now_usec,
		    uint64_t timeout_usec)
{
	*attempts = (Attempts){ .backoff = *backoff,
				.began_usec = now_usec,
				.end_usec = now_usec + timeout_usec };
}

static bool is_same_result(const AttemptResult *a, const AttemptResult *b)
{
	return a->error == b->error && streq_null(a->words, b->words);
}

/* The record of such results, a new one where there is room; NULL: none is left. */
static AttemptRecord *record_of(Attempts *attempts, const AttemptResult *result)
{
	for (size_t i = 0; i < attempts->n_records; i++)
		if (is_same_result(&attempts->records[i].result, result))
			return &attempts->records[i];
	if (attempts->n_records == ATTEMPT_RESULTS_MAX)
		return NULL;
	attempts->records[attempts->n_records] =
		(AttemptRecord){ .result = *result, .first_usec = attempts->last_usec };
	return &attempts->records[attempts->n_records++];
}

void attempts_add(Attempts *attempts, uint64_t now_usec, const AttemptResult *result)
{
	AttemptRecord *record;

	attempts->n++;
	attempts->n_in_a_row++;
	attempts->last_usec = now_usec - attempts->began_usec;
	record = record_of(attempts, result);
	if (!record)
		return;
	record->n++;
	record->last_usec = attempts->last_usec;
}

bool attempts_next(const Attempts *attempts, uint64_t now_usec, uint32_t random, uint64_t *ret_usec)
{
	uint64_t next = now_usec + backoff_usec(&attempts->backoff, attempts->n_in_a_row, random);

	if (now_usec >= attempts->end_usec)
		return false;
	*ret_usec = next < attempts->end_usec ? next : attempts->end_usec;
	return true;
}

void attempts_stir(Attempts *attempts)
{
	attempts->n_in_a_row = 0;
}

const AttemptResult *attempts_last(const Attempts *attempts)
{
	const AttemptRecord *last = NULL;

	for (size_t i = 0; i < attempts->n_records; i++)
		if (!last || attempts->records[i].last_usec >= last->last_usec)
			last = &attempts->records[i];
	return last ? &last->result : NULL;
}

/* "35ms", "59.2s": as exact as a person cares for. */
static const char *format_moment(char text[MOMENT_MAX], uint64_t usec)
{
	if (usec < USEC_PER_SEC)
		(void) snprintf(text, MOMENT_MAX, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
	else
		(void) snprintf(text, MOMENT_MAX, "%" PRIu64 ".%" PRIu64 "s", usec / USEC_PER_SEC,
				usec % USEC_PER_SEC / (USEC_PER_SEC / 10));
	return text;
}

static void add_record(StrBuf *text, const AttemptRecord *record)
{
	const AttemptResult *result = &record->result;
	char first[MOMENT_MAX], last[MOMENT_MAX];

	str_buf_add(text, "%u × %s (", record->n, result->words ?: strerror(-result->error));
	if (record->n > 1)
		str_buf_add(text, "first after %s, last after %s)",
			    format_moment(first, record->first_usec),
			    format_moment(last, record->last_usec));
	else
		str_buf_add(text, "after %s)", format_moment(first, record->first_usec));
}

char *attempts_to_text(const Attempts *attempts, const char *verb)
{
	unsigned left = attempts->n;
	char moment[MOMENT_MAX], *ret;
	StrBuf text = { 0 };

	str_buf_add(&text, "%s %u time%s in %s", verb, attempts->n, attempts->n == 1 ? "" : "s",
		    format_moment(moment, attempts->last_usec));
	for (size_t i = 0; i < attempts->n_records; i++) {
		str_buf_add(&text, i == 0 ? ": " : ", ");
		add_record(&text, &attempts->records[i]);
		left -= attempts->records[i].n;
	}
	if (left > 0)
		str_buf_add(&text, ", %u × something else", left);
	return str_buf_take(&text, &ret) == 0 ? ret : NULL;
}

int attempts_tell(const Attempts *attempts, const char *verb, Fault *fault)
{
	_cleanup_free_ char *text = attempts_to_text(attempts, verb);
	_cleanup_free_ char *why =
		text && fault->why ? str_printf("%s; %s", fault->why, text) : NULL;

	if (!text)
		return fault->error;
	(void) fault_evidence(fault, "attempts", "%s", text);
	return fault_why(fault, "%s", why ?: text);
}
