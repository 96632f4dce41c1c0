/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The catalog of our journal entries, as `journalctl -x` reads it (systemd's catalog format): what a state change, an
 * adoption, a stop … mean, and every finding of the table. A text names only fields that each entry of its kind has:
 * of one that is missing journalctl prints the bare name.
 */

/* A new string in *ret. 0 or -ENOMEM. */
int catalog_to_text(char **ret);
