/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/probe.h"

/* For facts_probe() alone: the links that the interfaces are put on. 0 or -errno. */
int probe_links(const Spec *spec, const ProbeOptions *options, Facts *facts);
