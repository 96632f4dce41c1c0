/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/spec.h"

/* Ports of the host's that lead to guests ("forward" of "attach": "passt"): each leads to one place. */

/* Where a port is open. */
typedef struct PortAddress {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: all addresses of both */
	uint8_t bytes[16]; /* 4 of AF_INET; all zero: every address of that family */
} PortAddress;

/* A forward's: an address that no spec can have is all of them. */
PortAddress forward_address(const SpecForward *forward);

/* True where nobody can have the same port at both. */
bool port_addresses_collide(const PortAddress *a, const PortAddress *b);

/* The same protocol and port at such addresses. */
bool forwards_collide(const SpecForward *a, const SpecForward *b);

/* "tcp port 8080", "udp port 53 at 127.0.0.1". A new string; NULL: no memory. */
char *forward_to_words(const SpecForward *forward);

/* Who has the port now, as far as that is known. */
typedef struct PortHolder {
	const char *vm; /* that runs; NULL: no VM that we know of */
	const char *process; /* "pid 123 (nginx of nginx.service)"; NULL: none that we may see */
	pid_t pid; /* of that */
	uid_t uid; /* whose the socket is */
} PortHolder;

/* port-taken. Returns -EADDRINUSE. */
int fault_port_taken(const char *interface, const SpecForward *forward, const PortHolder *holder,
		     Fault *fault);
