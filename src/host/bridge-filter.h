/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"

/*
 * Whether frames between the ports of a bridge go through rules of this network namespace's IP packet filter: where
 * br_netfilter hands them over and a chain of nftables or iptables is there that takes what is forwarded. What cannot
 * be looked at counts as no.
 */
BridgeFilterFact bridge_filter_probe(void);
