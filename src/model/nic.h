/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/spec.h"

/* What an interface is beyond its place on the network: queues, offloads, limits. Seen from the guest. */

/*
 * Of queues "auto". Each pair costs the VMM a thread and the guest two interrupts and their rings; with more than this
 * what they share is the limit.
 */
#define QUEUES_AUTO_MAX 16

/* Pairs of queues of a VM with so many cpus: as many, up to the limit, where the spec leaves it to us. */
uint32_t nic_queues(const SpecInterface *interface, uint64_t cpus);

/* All zeros: the guest may have everything. */
typedef struct PlanOffloads {
	bool no_csum, no_tso, no_ufo; /* without checksums there is no segmentation either */
} PlanOffloads;
PlanOffloads nic_offloads(const SpecInterface *interface);

/* All zeros: no limit. */
typedef struct PlanRate {
	uint64_t rx_bits, tx_bits; /* a second, of what the guest gets and sends; 0: no limit */
	uint64_t burst_bytes; /* at once, after a pause */
	bool by_vmm; /* the VMM keeps to it, in place of the host's kernel */
} PlanRate;
PlanRate nic_rate(const SpecInterface *interface);
bool rate_is_set(const PlanRate *rate);

/* Two interfaces for which mvmd makes one bridge: whether each would make the same. */
bool bridges_are_made_alike(const SpecInterface *a, const SpecInterface *b);

/* ", without offloads csum tso ufo", ", gets at most 100Mbit/s, …"; nothing where nothing is set. */
void offloads_add_words(const PlanOffloads *offloads, StrBuf *buf);
void rate_add_words(const PlanRate *rate, StrBuf *buf);

/* {"csum": true, …}; {"rx_bits": …, …}, null where there is no limit. */
json_t *offloads_to_json(const PlanOffloads *offloads);
json_t *rate_to_json(const PlanRate *rate);
