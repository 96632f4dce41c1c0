/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "host/macvtap.h"
#include "host/tap-note.h"
#include "host/tap-take.h"
#include "host/unit-bus.h"
#include "host/unit-job.h"
#include "run/tap-store.h"

/* The unit's FileDescriptorStoreMax= is 128, of which the console and the backends have some. */
#define STORED_MAX 64

/* systemd reads what it was sent in a moment; one that does not is not waited for. */
#define STORED_WITHIN_USEC (2 * USEC_PER_SEC)

/* "tap-QUEUE-SINCE-ID": systemd takes no colon. */
static char *stored_name(const Resources *resources, size_t nic, size_t queue)
{
	return str_printf(TAP_STORE_PREFIX "%zu-%" PRIu64 "-%s", queue,
			  resources->taps[nic].since_realtime_usec,
			  resources->plan->nics[nic].spec->id);
}

typedef struct StoredName {
	size_t queue;
	uint64_t since_realtime_usec;
	const char *id;
} StoredName;

static bool read_number(const char **text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(*text, &end, 10);
	if (end == *text || *end != '-')
		return false;
	*text = end + 1;
	return true;
}

static bool read_name(const char *name, StoredName *ret)
{
	uint64_t queue, since;

	if (strncmp(name, TAP_STORE_PREFIX, strlen(TAP_STORE_PREFIX)) != 0)
		return false;
	name += strlen(TAP_STORE_PREFIX);
	if (!read_number(&name, &queue) || !read_number(&name, &since) || queue >= TAP_QUEUES_MAX)
		return false;
	*ret = (StoredName){ (size_t) queue, since, name };
	return true;
}

/* Of a VM that was taken over its supervisor has no descriptors. */
static bool can_be_kept(const Resources *resources, size_t nic)
{
	return resources->taps[nic].n_fds > 0;
}

static size_t count_fds(const Resources *resources)
{
	size_t n = 0;

	for (size_t i = 0; i < resources->plan->n_nics; i++)
		n += can_be_kept(resources, i) ? resources->taps[i].n_fds : 0;
	return n;
}

/* Only there a restart can be, and only that store is ours. */
static bool is_in_its_unit(const char *vm)
{
	_cleanup_free_ char *wanted = unit_name(vm);
	_cleanup_free_ char *unit = NULL;

	return getenv("NOTIFY_SOCKET") && wanted && sd_pid_get_unit(0, &unit) >= 0 &&
	       streq(unit, wanted);
}

/* By what it is known again: the helper's has no alias. */
static void note_tap(const Resources *resources, size_t nic, StrList *lines)
{
	const PlanNic *plan = &resources->plan->nics[nic];
	const Tap *tap = &resources->taps[nic];
	char text[MAC_TEXT_MAX];
	LinkInfo link;

	if (plan->attach != ATTACH_HELPER)
		str_list_add(lines, "%s %s", plan->tap, plan->alias);
	else if (link_get_index(resources->nl, tap->ifindex, &link) == 0)
		str_list_add(lines, "%s " TAP_MARK_MAC "%s", link.name, mac_format(text, link.mac));
}

static int note_taps(const Resources *resources)
{
	_cleanup_(str_list_done) StrList lines = { 0 };

	for (size_t i = 0; i < resources->plan->n_nics; i++)
		if (can_be_kept(resources, i))
			note_tap(resources, i, &lines);
	return lines.failed ? -ENOMEM : tap_note_write(&resources->plan->places, &lines);
}

static void keep_tap(const Resources *resources, size_t nic)
{
	for (size_t queue = 0; queue < resources->taps[nic].n_fds; queue++) {
		_cleanup_free_ char *name = stored_name(resources, nic, queue);

		if (name)
			kept_pass_on(name, resources->taps[nic].fds[queue]);
	}
}

bool tap_store_keep(const Resources *resources)
{
	const char *vm = resources->plan->places.name;
	size_t n = count_fds(resources);

	if (n == 0 || n > STORED_MAX || !is_in_its_unit(vm) || !unit_is_restarting(vm) ||
	    note_taps(resources) < 0)
		return false;
	for (size_t i = 0; i < resources->plan->n_nics; i++)
		if (can_be_kept(resources, i))
			keep_tap(resources, i);
	(void) sd_notify_barrier(0, STORED_WITHIN_USEC);
	return true;
}

/* The name of the nic's queue among those that are kept; NULL: none. */
static const char *find_queue(const Resources *resources, size_t nic, size_t queue,
			      uint64_t *ret_since)
{
	const char *name, *id = resources->plan->nics[nic].spec->id;
	StoredName stored;

	for (size_t i = 0; (name = kept_name(resources->kept, i)); i++)
		if (read_name(name, &stored) && stored.queue == queue && streq(stored.id, id)) {
			*ret_since = stored.since_realtime_usec;
			return name;
		}
	return NULL;
}

/* All queues of the nic out of the store, in their order. */
static size_t take_queues(Resources *resources, size_t nic, int fds[TAP_QUEUES_MAX],
			  uint64_t *ret_since)
{
	const char *name;
	size_t n = 0;

	while (n < TAP_QUEUES_MAX && (name = find_queue(resources, nic, n, ret_since))) {
		_cleanup_free_ char *copy = strdup(name);

		if (!copy)
			break;
		fds[n++] = kept_take(resources->kept, copy);
		kept_remove(resources->kept, copy);
	}
	return n;
}

static int take_tap(const Resources *resources, size_t nic, const int *fds, size_t n, Tap *ret)
{
	const PlanNic *plan = &resources->plan->nics[nic];
	const LinkInfo *below = &resources->bridges[nic];

	if (plan->attach == ATTACH_HELPER)
		return helper_tap_take(resources->nl, plan, below, fds, n, ret);
	if (plan->attach == ATTACH_MACVTAP)
		return macvtap_take(resources->nl, plan, below, fds, n, ret);
	return tap_take(resources->nl, plan, fds, n, ret);
}

bool tap_store_take(Resources *resources, size_t nic)
{
	const PlanNic *plan = &resources->plan->nics[nic];
	int fds[TAP_QUEUES_MAX];
	uint64_t since = 0;
	size_t n = take_queues(resources, nic, fds, &since);

	if (n > 0 && take_tap(resources, nic, fds, n, &resources->taps[nic]) == 0) {
		resources->taps[nic].since_realtime_usec = since;
		return true;
	}
	/* systemd closes its own a moment later, and the name is to be free now. */
	if (n > 0)
		(void) tap_drop_of(resources->nl, fds[0], plan->alias);
	else if (plan->tap[0] && tap_note_exists(&resources->plan->places))
		(void) tap_drop(resources->nl, plan->tap, plan->alias);
	for (size_t i = 0; i < n; i++)
		(void) close_fd(fds[i]);
	return false;
}

/* Of an interface that the spec has no more, or has otherwise. */
static void drop_stored(const Resources *resources, const char *name)
{
	_cleanup_close_ int fd = kept_take(resources->kept, name);
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	_cleanup_free_ char *alias = NULL;
	StoredName stored;

	if (fd < 0 || !read_name(name, &stored) || nl_connection_new(NETLINK_ROUTE, &nl) < 0)
		return;
	alias = tap_alias_make(resources->plan->places.name, stored.id);
	if (alias)
		(void) tap_drop_of(nl, fd, alias);
}

void tap_store_end(Resources *resources)
{
	const char *name;

	for (size_t i = 0; (name = kept_name(resources->kept, i));) {
		if (strncmp(name, TAP_STORE_PREFIX, strlen(TAP_STORE_PREFIX)) == 0) {
			drop_stored(resources, name);
			kept_remove(resources->kept, name);
		} else {
			i++;
		}
	}
	tap_note_remove(&resources->plan->places);
}

void tap_store_pass_on(Resources *resources)
{
	for (size_t i = 0; i < resources->plan->n_nics; i++)
		for (size_t queue = 0; queue < resources->taps[i].n_fds; queue++) {
			_cleanup_free_ char *name = stored_name(resources, i, queue);

			if (name)
				kept_add_for_reload(resources->kept, name,
						    resources->taps[i].fds[queue]);
		}
}

void tap_store_take_back(Resources *resources)
{
	for (size_t i = 0; i < resources->plan->n_nics; i++)
		for (size_t queue = 0; queue < resources->taps[i].n_fds; queue++) {
			_cleanup_free_ char *name = stored_name(resources, i, queue);

			if (name)
				kept_remove(resources->kept, name);
		}
}

json_t *taps_to_record(const Resources *resources)
{
	json_t *taps = json_object();

	for (size_t i = 0; i < resources->plan->n_nics; i++) {
		const PlanNic *nic = &resources->plan->nics[i];
		const Tap *tap = &resources->taps[i];

		if (tap->ifindex > 0)
			(void) json_object_set_new(
				taps, nic->spec->id,
				json_pack("{s:s?, s:i, s:I, s:I, s:s}", "name", tap_name(tap, nic),
					  "ifindex", tap->ifindex, "since_realtime_usec",
					  (json_int_t) tap->since_realtime_usec, "mtu",
					  (json_int_t) tap->mtu, "master", tap->master));
	}
	return taps;
}

/* What this process had before a reload is its own again; the VMM goes on with its copies. */
static void take_over_exec(Resources *resources, size_t nic)
{
	Tap *tap = &resources->taps[nic];
	int fds[TAP_QUEUES_MAX];
	size_t n = take_queues(resources, nic, fds, &tap->since_realtime_usec);

	tap->fds = n > 0 ? calloc(n, sizeof(*tap->fds)) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (tap->fds)
			tap->fds[tap->n_fds++] = fds[i];
		else
			(void) close_fd(fds[i]);
	}
}

static const json_t *tap_record(const Resources *resources, size_t nic)
{
	return json_object_get(resources->adoption->taps, resources->plan->nics[nic].spec->id);
}

/* Its own link, whatever else was done to it meanwhile: what is wrong with it run/link-watch.h tells and puts right. */
int tap_find_recorded(const Resources *resources, size_t nic)
{
	const PlanNic *plan = &resources->plan->nics[nic];
	int ifindex =
		(int) json_integer_value(json_object_get(tap_record(resources, nic), "ifindex"));
	LinkInfo link;

	if (ifindex > 0 && link_get_index(resources->nl, ifindex, &link) == 0 &&
	    (streq(link.name, plan->tap) || streq(link.alias, plan->alias)))
		return ifindex;
	if (link_get(resources->nl, plan->tap, &link) == 0 && streq(link.alias, plan->alias))
		return link.ifindex;
	return INT_MAX; /* no link has it: the tap is gone */
}

void tap_adopt_kept(Resources *resources, size_t nic)
{
	const json_t *record = tap_record(resources, nic);
	Tap *tap = &resources->taps[nic];

	if (tap->ifindex == (int) json_integer_value(json_object_get(record, "ifindex"))) {
		tap->since_realtime_usec = (uint64_t) json_integer_value(
			json_object_get(record, "since_realtime_usec"));
		tap->mtu = (uint32_t) json_integer_value(json_object_get(record, "mtu"));
		(void) snprintf(tap->master, sizeof(tap->master), "%s",
				json_string_value(json_object_get(record, "master")) ?: "");
	}
	take_over_exec(resources, nic);
}
