/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/probe.h"
#include "model/survey.h"

/*
 * Looks at the host as a whole, for doctor. What is missing is a fact, not an error; what could not be looked at is
 * as if it were all right, so that nobody is alarmed by it. Changes nothing but the cache of program versions.
 * ret->runtime, ret->state: path is set by the caller. Returns 0 or -errno with fault; *ret is to be freed in any
 * case. Where only the table of uids cannot be read, fault says so, the rest is there, and 0 is returned.
 */
int survey_host(const ProbeOptions *options, Survey *ret, Fault *fault);
