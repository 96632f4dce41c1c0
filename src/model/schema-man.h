/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of keys in mdoc(7) macros, for mvmd.vm(5): a new string in *ret. 0 or -ENOMEM. */
int schema_to_man(char **ret);
