/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "host/bridge-acl.h"

/* A file that includes itself ends there; the helper ends where it has no more descriptors. */
#define INCLUDE_DEPTH_MAX 16

typedef struct AclLook {
	const char *bridge;
	AclFact *fact;
} AclLook;

/* -ENOMEM, or 0. */
static int decide(AclFact *fact, AclVerdict verdict, const char *file, unsigned number,
		  const char *text)
{
	AclFact decided = { .verdict = verdict,
			    .file = strdup(file),
			    .line = number,
			    .text = strndup(text, strcspn(text, "\r\n")) };

	if (!decided.file || !decided.text) {
		acl_fact_done(&decided);
		return -ENOMEM;
	}
	acl_fact_done(fact);
	*fact = decided;
	return 0;
}

static int read_file(const AclLook *look, const char *path, unsigned depth);

/* 0; -ENOMEM; or -EINVAL, where it is no line that the helper understands. */
static int read_line(const AclLook *look, const char *path, unsigned number, const char *text,
		     unsigned depth)
{
	char line[BRIDGE_ACL_LINE_BYTES];
	const char *argument;
	AclFact *fact = look->fact;

	(void) snprintf(line, sizeof(line), "%s", text);
	switch (bridge_acl_split(line, &argument)) {
	case ACL_ALLOW:
		if (fact->verdict == ACL_NOT_ALLOWED && bridge_acl_means(argument, look->bridge))
			return decide(fact, ACL_ALLOWED, path, number, text);
		return 0;
	case ACL_DENY:
		if (fact->verdict != ACL_DENIED && bridge_acl_means(argument, look->bridge))
			return decide(fact, ACL_DENIED, path, number, text);
		return 0;
	case ACL_INCLUDE:
		/* What is wrong with that file is no matter to the helper. */
		return read_file(look, argument, depth + 1) == -ENOMEM ? -ENOMEM : 0;
	case ACL_WRONG:
		if (depth == 0 && decide(fact, ACL_BROKEN, path, number, text) < 0)
			return -ENOMEM;
		return -EINVAL;
	case ACL_NOTHING:
	default:
		return 0;
	}
}

/* 0, or -errno: it could not be opened, or not be read to its end. */
static int read_file(const AclLook *look, const char *path, unsigned depth)
{
	char line[BRIDGE_ACL_LINE_BYTES];
	unsigned number = 0;
	FILE *file;
	int r = 0;

	if (depth > INCLUDE_DEPTH_MAX)
		return -ELOOP;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (r == 0 && fgets(line, sizeof(line), file))
		r = read_line(look, path, ++number, line, depth);
	(void) fclose(file);
	return r;
}

int bridge_acl_look(const char *file, const char *bridge, AclFact *ret)
{
	AclFact fact = { .verdict = ACL_NOT_ALLOWED };
	const AclLook look = { bridge, &fact };
	int r = read_file(&look, file, 0);

	if (r == -ENOMEM) {
		acl_fact_done(&fact);
		return r;
	}
	if (r == -ENOENT || r == -ENOTDIR)
		fact.verdict = ACL_MISSING;
	else if (r < 0 && r != -EINVAL) {
		fact.verdict = ACL_UNREADABLE;
		fact.error = r;
	}
	*ret = fact;
	return 0;
}
