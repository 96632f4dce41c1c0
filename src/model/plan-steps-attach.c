/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/plan-builder.h"

/* Ways onto the network that have no bridge and no tap: what they do, in steps and in words. */

/* "macvtap TAP on eth0, mode bridge, MTU 1500, queue pairs 1, guest MAC 02:…"; a new string or NULL. */
static char *macvtap_to_words(const PlanNic *nic)
{
	const SpecMacvtap *macvtap = &nic->spec->macvtap;
	char mac[MAC_TEXT_MAX], *text = NULL;
	StrBuf what = { 0 };

	str_buf_add(&what, "macvtap %s on %s, mode %s, ", nic->tap, macvtap->link,
		    macvtap_mode_to_string(macvtap->mode));
	if (nic->mtu)
		str_buf_add(&what, "MTU %" PRIu32, nic->mtu);
	else
		str_buf_add(&what, "%s's MTU", macvtap->link);
	str_buf_add(&what,
		    ", queue pairs %" PRIu32
		    ", guest MAC %s; over it host and guest do not see each other",
		    nic->queues, mac_format(mac, nic->mac));
	(void) str_buf_take(&what, &text);
	return text;
}

int steps_for_macvtap(Builder *builder, size_t index)
{
	const PlanNic *nic = &builder->plan->nics[index];
	const char *link = nic->spec->macvtap.link;
	size_t awaited;
	int r;

	r = add_step(builder,
		     (PlanStep){ .kind = STEP_BRIDGE,
				 .id = str_printf("link:%s", nic->spec->id),
				 .subject = index,
				 .awaits = str_printf("link %s", link),
				 .deadline_usec = builder->plan->spec->timeouts.bridge_usec },
		     str_printf("link %s exists", link), &awaited);
	if (r == 0)
		r = last_needs_locks(builder);
	if (r == 0)
		r = add_step(builder,
			     (PlanStep){ .kind = STEP_TAP,
					 .id = str_printf("macvtap:%s", nic->spec->id),
					 .subject = index },
			     macvtap_to_words(nic), NULL);
	return r < 0 ? r : last_needs(builder, awaited);
}

int step_for_peer(Builder *builder, size_t backend, char *id)
{
	const PlanBackend *peer = &builder->plan->backends[backend];
	int r;

	r = add_step(
		builder, (PlanStep){ .kind = STEP_EXTERNAL, .id = id, .subject = backend },
		str_printf("the VMM can listen on %s, where somebody else comes to serve %s %s",
			   peer->socket, backend_device(peer), peer->id),
		NULL);
	return r < 0 ? r : last_needs_locks(builder);
}

/* ", tcp 127.0.0.1 8080 to 80" */
static void add_forward(StrBuf *buf, const SpecForward *forward)
{
	str_buf_add(buf, ", %s %s%s%" PRIu64, ip_protocol_to_string(forward->protocol),
		    forward->address ?: "", forward->address ? " " : "", forward->host);
	if (forward->guest && forward->guest != forward->host)
		str_buf_add(buf, " to %" PRIu64, forward->guest);
}

char *passt_to_words(const Facts *facts, const PlanBackend *backend, const char *on_exit)
{
	const SpecPasst *passt = &backend->interface->passt;
	StrBuf buf = { 0 };
	char *text = NULL;

	str_buf_add(&buf, "passt %s, once the VMM connects, serves interface %s",
		    facts->passt.version ?: "(version unknown)", backend->id);
	for (size_t i = 0; i < passt->n_forward; i++)
		add_forward(&buf, &passt->forward[i]);
	str_buf_add(&buf, ", uid %u; %s", backend->identity.uid, on_exit);
	(void) str_buf_take(&buf, &text);
	return text;
}
