/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/link.h"

/*
 * The port behind which a bridge knows that address in that VLAN (0: it filters none): one request, no dump. Its own
 * addresses are behind the ports that have them. 0, -ENOENT: it does not know it, or another -errno.
 */
int fdb_find(Nl *nl, int bridge, MacAddress mac, uint16_t vlan, int *ret_port);
