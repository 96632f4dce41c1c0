/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* What "mvmd status" prints on stdout. */

/* The answer of GetStatus. */
void status_print(json_t *status);

/* A post-mortem (run/post-mortem.h): whole, and in two lines. */
void status_print_post_mortem(json_t *record);
void status_print_failed(json_t *record);
