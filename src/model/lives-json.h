/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/lives.h"

/* The lives that are remembered, as include/mvmd/io.mvmd.vm.varlink has them. A new array; NULL: out of memory. */
json_t *lives_to_json(const Lives *lives, const LifeMoment *now);

/*
 * All of it, for the supervisor that comes after this one; times are of CLOCK_MONOTONIC, so it is about one boot of the
 * host, which whoever keeps the record makes sure of. A new object; NULL: out of memory.
 */
json_t *lives_to_record(const Lives *lives);

/*
 * Back into *ret. -EUCLEAN where it is no such record, -ENOMEM; *ret is untouched then. What a newer mvmd knows and
 * this one does not is left out.
 */
int lives_from_record(const json_t *record, Lives *ret);
