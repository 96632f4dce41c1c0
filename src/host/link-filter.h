/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/nl.h"

/*
 * A filter in the kernel for a socket that hears of links (RTNLGRP_LINK): only what is told of these links wakes its
 * owner, however many others come and go on the host. A link is known by its index; one that is to come, by its name
 * (the name that it is made or renamed with, not an alternative one).
 */
#define LINK_FILTER_MAX 40 /* of each kind: two for every interface of a VM (SPEC_DEVICES_MAX) */

/* A link of which it only matters that it goes, goes down, or has another name. */
typedef struct QuietLink {
	int ifindex;
	const char *name;
} QuietLink;

typedef struct LinkFilter {
	int ifindexes[LINK_FILTER_MAX];
	size_t n_ifindexes;
	QuietLink quiet[LINK_FILTER_MAX];
	size_t n_quiet;
	const char *names[LINK_FILTER_MAX];
	size_t n_names;
} LinkFilter;

/*
 * None takes what is in already, nor more than there is room for; names must live until the filter is attached. A
 * quiet link is up and has that name now: a bridge, of which much is told as its ports come and go.
 */
void link_filter_add_index(LinkFilter *filter, int ifindex);
void link_filter_add_quiet(LinkFilter *filter, int ifindex, const char *name);
void link_filter_add_name(LinkFilter *filter, const char *name);

/* Instead of an earlier filter of that socket. 0 or -errno. */
int link_filter_attach(const LinkFilter *filter, const Nl *nl);
