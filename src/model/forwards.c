/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>

#include "model/forwards.h"
#include "mvmd/exit-codes.h"

PortAddress forward_address(const SpecForward *forward)
{
	PortAddress address = { .family = AF_UNSPEC };

	if (!forward->address)
		return address;
	if (inet_pton(AF_INET, forward->address, address.bytes) == 1)
		address.family = AF_INET;
	else if (inet_pton(AF_INET6, forward->address, address.bytes) == 1)
		address.family = AF_INET6;
	return address;
}

static bool is_any(const PortAddress *address)
{
	static const uint8_t zero[sizeof(address->bytes)];

	return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

bool port_addresses_collide(const PortAddress *a, const PortAddress *b)
{
	if (a->family == AF_UNSPEC || b->family == AF_UNSPEC)
		return true;
	return a->family == b->family &&
	       (is_any(a) || is_any(b) || memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
}

bool forwards_collide(const SpecForward *a, const SpecForward *b)
{
	PortAddress at_a = forward_address(a), at_b = forward_address(b);

	return a->protocol == b->protocol && a->host == b->host &&
	       port_addresses_collide(&at_a, &at_b);
}

char *forward_to_words(const SpecForward *forward)
{
	return str_printf("%s port %" PRIu64 "%s%s", ip_protocol_to_string(forward->protocol),
			  forward->host, forward->address ? " at " : "", forward->address ?: "");
}

static int tell_remedy(const PortHolder *holder, Fault *fault)
{
	if (holder->vm)
		return fault_remedy(fault,
				    "mvmd stop %s, or set another \"host\" in the forward of one "
				    "of them",
				    holder->vm);
	return fault_remedy(fault, "%s; end that, or set another \"host\" in the forward",
			    holder->process ? "ss -lntup shows it" : "ss -lntup tells who has it");
}

int fault_port_taken(const char *interface, const SpecForward *forward, const PortHolder *holder,
		     Fault *fault)
{
	_cleanup_free_ char *words = forward_to_words(forward);

	if (!words)
		return fault_oom(fault);
	(void) fault_set(fault, -EADDRINUSE, MVMD_EXIT_BUSY, "port-taken",
			 "interface %s: the host's %s, which is to lead to the guest, is taken",
			 interface, words);
	(void) fault_evidence(fault, "interface", "%s", interface);
	(void) fault_evidence(fault, "port", "%" PRIu64, forward->host);
	(void) fault_evidence(fault, "protocol", "%s", ip_protocol_to_string(forward->protocol));
	if (holder->process) {
		(void) fault_evidence(fault, "holder_pid", "%d", (int) holder->pid);
		(void) fault_evidence(fault, "holder", "%s", holder->process);
	}
	if (holder->vm)
		(void) fault_evidence(fault, "holder_vm", "%s", holder->vm);
	if (holder->vm && holder->process)
		(void) fault_why(fault, "VM %s has it: it is open in %s", holder->vm,
				 holder->process);
	else if (holder->vm)
		(void) fault_why(fault, "VM %s has it", holder->vm);
	else if (holder->process)
		(void) fault_why(fault, "it is open in %s", holder->process);
	else
		(void) fault_why(fault, "it is open in a process of uid %u, which we cannot see",
				 holder->uid);
	return tell_remedy(holder, fault);
}
