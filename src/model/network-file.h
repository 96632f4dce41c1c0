/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/spec.h"

/*
 * The files with which systemd-networkd does what a spec expects of it (systemd.network(5), systemd.netdev(5)): for each
 * interface a .network file that matches its tap and nothing else, and for a bridge a .netdev file, without which
 * networkd ignores Bridge=. All new strings; NULL: out of memory.
 */

#define NETWORK_FOLDER "/etc/systemd/network"

/* "05-mvmd-web1-net0.network": the first file that matches counts, and this one is narrow. */
char *network_file_name(const Spec *spec, const SpecInterface *interface);
char *network_file_text(const Spec *spec, const SpecInterface *interface);

/* "95-mvmd-br0.netdev": the first file for a name counts, and somebody else's knows more of the bridge. */
char *netdev_file_name(const char *bridge);
char *netdev_file_text(const char *bridge);

/* The file in one line, for the words of a fault: "[Match] Name=vm-web1-net0 Kind=tun [Network] Bridge=br0". */
char *network_file_words(const Spec *spec, const SpecInterface *interface);

/* How networkd gets to know what is written: .network files are read anew, a bridge of others only at its start. */
const char *networkd_reread_command(bool has_new_netdev);
