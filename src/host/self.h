/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/* What this process was executed from, and with which arguments. */

/* The path of our program, of which a newer one may lie there by now. 0 or -errno. */
int self_path(char **ret);

/* 0 or -errno. */
int self_arguments(StrList *ret);
