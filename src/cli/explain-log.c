/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "base/util.h"
#include "cli/explain-log.h"
#include "model/log-patterns.h"
#include "mvmd/exit-codes.h"

/* A longer line is read in parts. */
#define LINE_MAX_BYTES 8192

/* Returns 0 or -errno. */
static int read_log(FILE *file, LogReading *reading)
{
	char line[LINE_MAX_BYTES];
	int r = 0;

	while (r == 0 && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n")] = '\0';
		r = log_reading_add(reading, line);
	}
	return r == 0 && ferror(file) ? -EIO : r;
}

int explain_log(const char *path, bool json)
{
	bool is_stdin = streq(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	_cleanup_(log_reading_done) LogReading reading = { 0 };
	_cleanup_free_ char *text = NULL;
	int r;

	if (!file) {
		log_line(LOG_LEVEL_ERROR, "cannot open %s: %s", path, strerror(errno));
		return MVMD_EXIT_USAGE;
	}
	r = read_log(file, &reading);
	if (!is_stdin)
		(void) fclose(file);
	if (r == 0)
		r = json ? log_reading_to_json(&reading, &text) :
			   log_reading_to_text(&reading, &text);
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot read %s: %s", path, strerror(-r));
		return MVMD_EXIT_SYSTEM;
	}
	(void) printf("%s%s", text, json ? "\n" : "");
	return MVMD_EXIT_OK;
}
