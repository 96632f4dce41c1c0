/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/wrap.h"

#define WIDTH_MAX 80

void wrap_add(StrBuf *buf, size_t indent, const char *label, const char *text)
{
	size_t column = indent;

	str_buf_add(buf, "%*s", (int) indent, "");
	if (label) {
		str_buf_add(buf, "%s:", label);
		column += strlen(label) + 1;
	}
	for (const char *word = text; *word;) {
		size_t length = strcspn(word, " ");

		if (column > indent && column + 1 + length > WIDTH_MAX) {
			str_buf_add(buf, "\n%*s", (int) indent, "");
			column = indent;
		} else if (column > indent) {
			str_buf_add(buf, " ");
			column++;
		}
		str_buf_add_bytes(buf, word, length);
		column += length;
		word += length;
		word += strspn(word, " ");
	}
	str_buf_add(buf, "\n");
}
