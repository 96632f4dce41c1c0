/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "model/man.h"

/*
 * roff takes a '\' and, at the beginning of a line, a '.' or '' for its own; the table's
 * sentences begin with none. The ellipsis is no ASCII.
 */
void man_add_text(StrBuf *buf, const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c == '\\') {
			str_buf_add(buf, "\\e");
		} else if (strncmp(c, "…", strlen("…")) == 0) {
			str_buf_add(buf, "...");
			c += strlen("…") - 1;
		} else {
			str_buf_add_bytes(buf, c, 1);
		}
}

/* mdoc(7) wants each sentence on a line of its own. */
void man_add_sentences(StrBuf *buf, const char *text)
{
	const char *end;

	while ((end = strstr(text, ". ")) != NULL) {
		_cleanup_free_ char *sentence = str_printf("%.*s.", (int) (end - text), text);

		if (!sentence) {
			buf->failed = true;
			return;
		}
		man_add_text(buf, sentence);
		str_buf_add(buf, "\n");
		text = end + 2;
	}
	man_add_text(buf, text);
	str_buf_add(buf, "\n");
}
