/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/bridge-acl.h"
#include "model/names.h"

/* isspace(3) in the C locale, which is the helper's. */
#define SPACES " \t\n\v\f\r"

/* As the helper: at the first space; at the first tab only where there is no space at all. */
static char *end_of_word(char *word)
{
	return strchr(word, ' ') ?: strchr(word, '\t');
}

static void trim_end(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && strchr(SPACES, text[length - 1]))
		text[--length] = '\0';
}

AclWord bridge_acl_split(char *line, const char **ret_argument)
{
	char *word = line + strspn(line, SPACES), *argument;
	AclWord kind = ACL_WRONG;

	if (*word == '#' || *word == '\0')
		return ACL_NOTHING;
	argument = end_of_word(word);
	if (!argument)
		return ACL_WRONG;
	*argument++ = '\0';
	argument += strspn(argument, SPACES);
	trim_end(argument);

	if (streq(word, "allow"))
		kind = ACL_ALLOW;
	else if (streq(word, "deny"))
		kind = ACL_DENY;
	else if (streq(word, "include"))
		kind = ACL_INCLUDE;
	if (kind != ACL_WRONG)
		*ret_argument = argument;
	return kind;
}

/* The helper keeps no more of a name than a link's can have. */
bool bridge_acl_means(const char *argument, const char *bridge)
{
	return streq(argument, "all") ||
	       (strncmp(argument, bridge, TAP_NAME_MAX) == 0 && strlen(bridge) <= TAP_NAME_MAX);
}

void acl_fact_done(AclFact *fact)
{
	free(fact->file);
	free(fact->text);
	*fact = (AclFact){ 0 };
}
