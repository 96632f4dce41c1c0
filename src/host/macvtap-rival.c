/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/link.h"
#include "host/macvtap-rival.h"
#include "model/names.h"

/* Links that share another's frames. */
typedef struct Sharers {
	LinkInfo *items;
	size_t n;
	bool failed; /* no memory */
} Sharers;

/* A link of another namespace's is no matter here. */
static void on_sharer(const LinkInfo *link, void *userdata)
{
	Sharers *sharers = userdata;

	if (link->lower == 0)
		return;
	if (array_grow(&sharers->items, sharers->n, sizeof(*link)) < 0)
		sharers->failed = true;
	else
		sharers->items[sharers->n++] = *link;
}

static int list(Nl *nl, Sharers *ret)
{
	int r = link_list_kind(nl, "macvlan", on_sharer, ret);

	if (r == 0)
		r = link_list_kind(nl, "macvtap", on_sharer, ret);
	return r == 0 && ret->failed ? -ENOMEM : r;
}

/* One that is made on a macvlan is its neighbour (drivers/net/macvlan.c: macvlan_common_newlink()). */
static int shared_link(const Sharers *sharers, int ifindex)
{
	for (size_t i = 0; i < sharers->n; i++)
		if (sharers->items[i].ifindex == ifindex)
			return sharers->items[i].lower;
	return ifindex;
}

static void tell_who(const LinkInfo *link, MacvtapRival *ret)
{
	_cleanup_free_ char *vm = NULL;

	(void) snprintf(ret->name, sizeof(ret->name), "%s", link->name);
	if (tap_alias_read(link->alias, &vm) && vm)
		(void) snprintf(ret->vm, sizeof(ret->vm), "%s", vm);
}

int macvtap_rival_find(Nl *nl, int ifindex, MacvtapMode mode, const char *own_name,
		       const char *own_alias, MacvtapRival *ret)
{
	Sharers sharers = { .n = 0 };
	int r = list(nl, &sharers), lower = shared_link(&sharers, ifindex);

	*ret = (MacvtapRival){ 0 };
	for (size_t i = 0; r == 0 && !ret->name[0] && i < sharers.n; i++) {
		const LinkInfo *link = &sharers.items[i];
		bool is_own = streq(link->alias, own_alias) ||
			      (!link->alias[0] && streq(link->name, own_name));

		if (link->lower == lower && !is_own &&
		    (mode == MACVTAP_PASSTHRU || link->macvlan_mode == MACVLAN_MODE_PASSTHRU))
			tell_who(link, ret);
	}
	free(sharers.items);
	return r;
}
