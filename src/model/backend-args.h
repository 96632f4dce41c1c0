/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/plan.h"

/* The number under which a backend gets its listener; one that backend_serves_a_connection() its connection. */
#define BACKEND_LISTENER_FD 3

/* The program of a backend of ours; its path is set where plan_problems() found nothing. */
const Program *backend_program(const Plan *plan, const PlanBackend *backend);

/* True where it takes no listener: it is started with its client's connection, and ends with it. */
bool backend_serves_a_connection(const PlanBackend *backend);

/* The argument vector of a backend of ours (not BACKEND_EXTERNAL). 0 or -ENOMEM. */
int backend_args(const Plan *plan, const PlanBackend *backend, StrList *ret);
