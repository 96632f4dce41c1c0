/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/passt.h"
#include "host/probe.h"

/* net/ipv4/af_inet.c: inet_init_net(); ports from here on are anybody's. */
#define FIRST_FREE_PORT		"/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define FIRST_FREE_PORT_DEFAULT 1024

static const char *const no_places[] = { NULL };

/*
 * "passt 2025_05_03.587980c", "passt 0.0~git20250503.587980c-2" (Debian): the second word. Debian 12's says "passt unknown
 * version", and later ones lose what they say where it is no terminal (conf.c of 2025-05-03: _exit(2) before stdout
 * is flushed).
 */
static int take_version(const char *line, Program *program)
{
	const char *start = line + strcspn(line, " ");
	char *version;

	start += strspn(start, " ");
	if (!*start || strncmp(start, "unknown", strlen("unknown")) == 0)
		return 0;
	version = strndup(start, strcspn(start, " "));
	if (!version)
		return -ENOMEM;
	free(program->version);
	program->version = version;
	return 0;
}

int passt_probe(ProgramCache *cache, Facts *facts)
{
	_cleanup_(str_list_done) StrList candidates = { 0 };
	_cleanup_free_ char *line = NULL;
	int r;

	facts->first_free_port = (int) sysctl_read(FIRST_FREE_PORT, FIRST_FREE_PORT_DEFAULT);
	r = programs_find("passt", no_places, 1, &candidates);
	if (r < 0 || candidates.n == 0)
		return r;
	r = str_set(&facts->passt.path, candidates.items[0]);
	if (r == 0)
		r = program_cache_ask(cache, facts->passt.path, &line);
	if (r == 0)
		r = take_version(line, &facts->passt);
	if (r == -ENOMEM)
		return r;
	r = program_cache_ask_option(cache, facts->passt.path, "--vhost-user",
				     &facts->passt_knows_vhost_user);
	return r == -ENOMEM ? r : 0;
}
