/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"

/* What systemd-networkd has to do with one of our taps (host/networkd.h asks), and what is to be said of that. */

typedef enum NetworkdState {
	NETWORKD_UNKNOWN, /* nobody can be asked: there is no message bus, or no answer */
	NETWORKD_ABSENT, /* it does not run */
	NETWORKD_BLIND, /* it runs and has no such link: it is of another network namespace */
	NETWORKD_SEES,
	_NETWORKD_STATE_MAX,
} NetworkdState;

/* What a .network file and its drop-ins want of the link that they match (systemd.network(5)). Zero-initialise. */
typedef struct NetworkFile {
	char *bridge; /* NULL: it names none */
	bool keeps_master; /* then Bridge= means nothing */
} NetworkFile;

typedef struct NetworkdLink {
	NetworkdState state;
	char *file; /* path of the .network file that matched; NULL: none did, as far as is known */
	char *setup; /* "pending", "configuring", "configured", "unmanaged", "failed", …; NULL: not known */
	bool file_is_read; /* and wants is what it says */
	NetworkFile wants;
	/*
	 * A .netdev file is for the bridge that it wants. Without one networkd ignores Bridge= ("NetDev could not be found,
	 * ignoring assignment"; systemd, src/network/networkd-network.c: network_resolve_netdev_one()), as 252 and 257 do.
	 */
	bool bridge_has_netdev;
} NetworkdLink;

void networkd_link_done(NetworkdLink *link);

/* Reads the text of the file, or of a drop-in after it: the last that says a thing is right. 0 or -ENOMEM. */
int network_file_read(NetworkFile *file, const char *text);

/* True where the text of a .netdev file is for a device of that name. */
bool netdev_file_is_for(const char *text, const char *name);
void network_file_done(NetworkFile *file);

/*
 * A tap of ours was changed, or is not on its bridge: where networkd has a file for it, that is why. Adds the file to
 * fault (why, remedy, evidence network_file) and returns true; false where it was somebody else.
 */
bool fault_blame_networkd(const NetworkdLink *link, const char *tap, const char *bridge,
			  Fault *fault);
