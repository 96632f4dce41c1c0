/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/line-limit.h"

#define TOKEN_USEC (USEC_PER_SEC / LINE_LIMIT_PER_SEC)
#define FULL_USEC  (LINE_LIMIT_BURST * TOKEN_USEC)

static uint64_t price_usec(const char *line)
{
	return (1 + strlen(line) / LINE_LIMIT_TOKEN_BYTES) * TOKEN_USEC;
}

static void refill(LineLimit *limit, uint64_t now_usec)
{
	uint64_t passed = now_usec - limit->at_usec;

	if (limit->at_usec == 0 || passed >= FULL_USEC - limit->tokens_usec)
		limit->tokens_usec = FULL_USEC;
	else
		limit->tokens_usec += passed;
	limit->at_usec = now_usec;
}

static void keep(LineLimit *limit, const char *line)
{
	char *copy = strdup(line);

	if (limit->n_kept == LINE_LIMIT_KEPT) {
		free(limit->kept[limit->first_kept]);
		limit->first_kept = (limit->first_kept + 1) % LINE_LIMIT_KEPT;
		limit->n_kept--;
		limit->n_left_out++;
	}
	if (copy)
		limit->kept[(limit->first_kept + limit->n_kept++) % LINE_LIMIT_KEPT] = copy;
	else
		limit->n_left_out++;
}

bool line_limit_take(LineLimit *limit, const char *line, uint64_t now_usec)
{
	uint64_t price = price_usec(line);

	refill(limit, now_usec);
	if (!limit->holding && limit->tokens_usec >= price) {
		limit->tokens_usec -= price;
		return true;
	}
	limit->holding = true;
	keep(limit, line);
	return false;
}

uint64_t line_limit_release(LineLimit *limit, uint64_t now_usec)
{
	uint64_t left_out = limit->n_left_out;

	refill(limit, now_usec);
	limit->n_left_out = 0;
	limit->holding = false;
	return left_out;
}

char *line_limit_next(LineLimit *limit)
{
	uint64_t price;
	char *line;

	if (limit->n_kept == 0)
		return NULL;
	line = limit->kept[limit->first_kept];
	limit->first_kept = (limit->first_kept + 1) % LINE_LIMIT_KEPT;
	limit->n_kept--;
	price = price_usec(line);
	limit->tokens_usec -= price < limit->tokens_usec ? price : limit->tokens_usec;
	return line;
}

void line_limit_done(LineLimit *limit)
{
	char *line;

	while ((line = line_limit_next(limit)))
		free(line);
	*limit = (LineLimit){ 0 };
}
