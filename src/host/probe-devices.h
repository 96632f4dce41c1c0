/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"
#include "model/spec.h"

/* For facts_probe() alone: the devices that the spec needs, when it is known who opens them. */
void probe_devices(const Spec *spec, Facts *facts);

/* The one that depends on the programs that are there. */
void probe_vhost_net(const Spec *spec, Facts *facts);
