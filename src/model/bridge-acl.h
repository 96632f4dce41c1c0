/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * The file that says on which bridges qemu-bridge-helper may put its taps, read as the helper itself reads it
 * (QEMU, qemu-bridge-helper.c: parse_acl_file): lines of "allow", "deny" or "include" and one word.
 */

/* QEMU's CONFIG_QEMU_CONFDIR, as all distributions build it. */
#define BRIDGE_ACL_FILE "/etc/qemu/bridge.conf"

/* The helper reads lines in pieces of that size, and takes each for a line. */
#define BRIDGE_ACL_LINE_BYTES 4096

typedef enum AclWord {
	ACL_NOTHING, /* a comment, or an empty line */
	ACL_ALLOW,
	ACL_DENY,
	ACL_INCLUDE,
	ACL_WRONG, /* the helper reads no further */
} AclWord;

/* Splits the line in place. *ret_argument lies in it; untouched with ACL_NOTHING and ACL_WRONG. */
AclWord bridge_acl_split(char *line, const char **ret_argument);

/* True where that argument of "allow" or "deny" means the bridge: "all", or its name. */
bool bridge_acl_means(const char *argument, const char *bridge);

typedef enum AclVerdict {
	ACL_UNKNOWN, /* nobody has looked */
	ACL_ALLOWED,
	ACL_DENIED, /* by a line, which no other line can undo */
	ACL_NOT_ALLOWED, /* by no line */
	ACL_MISSING, /* there is no file */
	ACL_UNREADABLE,
	ACL_BROKEN, /* by a line that is none, in the file itself */
} AclVerdict;

/* What is so for one bridge, and by which line. */
typedef struct AclFact {
	AclVerdict verdict;
	char *file; /* of the line that decides; NULL: no line does */
	unsigned line;
	char *text; /* the line */
	int error; /* ACL_UNREADABLE: why */
} AclFact;

void acl_fact_done(AclFact *fact);
