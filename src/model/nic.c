/* SPDX-License-Identifier: Apache-2.0 */
#include "model/nic.h"

/* What passes in this time at the full rate may pass at once. */
#define BURST_MSEC 10

uint32_t nic_queues(const SpecInterface *interface, uint64_t cpus)
{
	if (interface->queues > 0)
		return (uint32_t) interface->queues;
	return (uint32_t) (cpus < QUEUES_AUTO_MAX ? cpus : QUEUES_AUTO_MAX);
}

PlanOffloads nic_offloads(const SpecInterface *interface)
{
	bool no_csum = interface->offloads.csum == TRISTATE_FALSE;

	return (PlanOffloads){ .no_csum = no_csum,
			       .no_tso = no_csum || interface->offloads.tso == TRISTATE_FALSE,
			       .no_ufo = no_csum || interface->offloads.ufo == TRISTATE_FALSE };
}

PlanRate nic_rate(const SpecInterface *interface)
{
	const SpecRate *spec = &interface->rate;
	PlanRate rate = { .rx_bits = spec->rx_bits,
			  .tx_bits = spec->tx_bits,
			  .burst_bytes = spec->burst_bytes,
			  .by_vmm = spec->by == RATE_BY_VMM };
	uint64_t fastest = rate.rx_bits > rate.tx_bits ? rate.rx_bits : rate.tx_bits;

	if (rate.burst_bytes == 0)
		rate.burst_bytes = fastest / 8 * BURST_MSEC / 1000;
	if (rate.burst_bytes < RATE_BURST_MIN_BYTES)
		rate.burst_bytes = RATE_BURST_MIN_BYTES;
	return rate_is_set(&rate) ? rate : (PlanRate){ 0 };
}

bool bridges_are_made_alike(const SpecInterface *a, const SpecInterface *b)
{
	const SpecCreateBridge *first = &a->create_bridge, *second = &b->create_bridge;
	bool alike = first->stp == second->stp && first->vlan_filtering == second->vlan_filtering &&
		     first->n_addresses == second->n_addresses;

	for (size_t i = 0; alike && i < first->n_addresses; i++)
		alike = streq_null(first->addresses[i].address, second->addresses[i].address);
	return alike;
}

bool rate_is_set(const PlanRate *rate)
{
	return rate->rx_bits > 0 || rate->tx_bits > 0;
}

void offloads_add_words(const PlanOffloads *offloads, StrBuf *buf)
{
	if (!offloads->no_csum && !offloads->no_tso && !offloads->no_ufo)
		return;
	str_buf_add(buf, ", without offloads%s%s%s", offloads->no_csum ? " csum" : "",
		    offloads->no_tso ? " tso" : "", offloads->no_ufo ? " ufo" : "");
}

void rate_add_words(const PlanRate *rate, StrBuf *buf)
{
	char text[FORMAT_MAX];

	if (rate->rx_bits > 0)
		str_buf_add(buf, ", gets at most %s/s", format_rate(text, rate->rx_bits));
	if (rate->tx_bits > 0)
		str_buf_add(buf, ", sends at most %s/s", format_rate(text, rate->tx_bits));
	if (rate_is_set(rate))
		str_buf_add(buf, " by %s", rate->by_vmm ? "the VMM" : "tc");
}

json_t *offloads_to_json(const PlanOffloads *offloads)
{
	return json_pack("{s:b, s:b, s:b}", "csum", !offloads->no_csum, "tso", !offloads->no_tso,
			 "ufo", !offloads->no_ufo);
}

static json_t *limit_to_json(uint64_t bits)
{
	return bits > 0 ? json_integer((json_int_t) bits) : json_null();
}

json_t *rate_to_json(const PlanRate *rate)
{
	if (!rate_is_set(rate))
		return json_null();
	return json_pack("{s:o, s:o, s:I, s:s}", "rx_bits", limit_to_json(rate->rx_bits), "tx_bits",
			 limit_to_json(rate->tx_bits), "burst_bytes",
			 (json_int_t) rate->burst_bytes, "by", rate->by_vmm ? "vmm" : "tc");
}
