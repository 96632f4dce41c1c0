/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/lives.h"

/* The lives that are remembered, as include/mvmd/io.mvmd.vm.varlink has them. A new array; NULL: out of memory. */
json_t *lives_to_json(const Lives *lives, const LifeMoment *now);
