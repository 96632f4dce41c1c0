/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/program-cache.h"
#include "model/facts.h"

/* Looks for passt, what it can do, and which ports it may open. 0 or -ENOMEM. */
int passt_probe(ProgramCache *cache, Facts *facts);
