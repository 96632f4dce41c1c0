/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>

#include "model/netns-fault.h"
#include "mvmd/exit-codes.h"

#define IN_NETNS "network namespace "

/* How commands begin that are about links; those of iproute2 take the namespace themselves. */
static const struct {
	const char *words;
	bool takes_netns;
} link_commands[] = {
	{ "ip link", true },	     { "ip -d link", true },  { "ip -br link", true },
	{ "ip addr", true },	     { "ip monitor", true },  { "bridge -d link", true },
	{ "bridge vlan", true },     { "bridge fdb", true },  { "tc qdisc", true },
	{ "sysctl -w net.", false }, { "iptables -", false },
};

int fault_netns(const char *name, int error, Fault *fault)
{
	if (error == -EPERM || error == -EACCES) {
		(void) fault_set(fault, error, MVMD_EXIT_PERMISSION, "netns-permission",
				 "cannot enter the network namespace %s: %m", name);
		(void) fault_evidence(fault, "netns", "%s", name);
		(void) fault_why(fault,
				 "it takes CAP_SYS_ADMIN, which a unit has not: there systemd "
				 "enters it, by a line that mvmd-generator writes");
		return fault_remedy(fault, "run mvmd as root; for a unit: systemctl daemon-reload");
	}
	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "netns-missing",
			 "cannot enter the network namespace %s: /run/netns/%s: %m", name, name);
	(void) fault_evidence(fault, "netns", "%s", name);
	if (error == -EINVAL)
		(void) fault_why(fault, "that file is there, and is no namespace");
	return fault_remedy(fault, "ip netns add %s, before the VM starts, with its bridges in it",
			    name);
}

/* Which of them begins here; ELEMENTSOF(link_commands): none. */
static size_t find_command(const char *remedy, const char *at)
{
	size_t i = 0;

	if (at > remedy && (isalnum(at[-1]) || strchr("-_/.", at[-1])))
		return ELEMENTSOF(link_commands);
	while (i < ELEMENTSOF(link_commands) &&
	       strncmp(at, link_commands[i].words, strlen(link_commands[i].words)) != 0)
		i++;
	return i;
}

/* Returns how many commands there are. */
static size_t write_remedy(const char *netns, const char *remedy, StrBuf *ret)
{
	size_t n = 0;

	for (const char *at = remedy; *at; at++) {
		size_t command = find_command(remedy, at), program = strcspn(at, " ");

		if (command == ELEMENTSOF(link_commands)) {
			str_buf_add(ret, "%c", *at);
			continue;
		}
		n++;
		if (link_commands[command].takes_netns)
			str_buf_add(ret, "%.*s -n %s", (int) program, at, netns);
		else
			str_buf_add(ret, "ip netns exec %s %.*s", netns, (int) program, at);
		at += program - 1;
	}
	return n;
}

void fault_in_netns(const char *netns, Fault *fault)
{
	_cleanup_(str_buf_done) StrBuf remedy = { 0 };

	if (!netns || !fault->what || !fault->remedy ||
	    strncmp(fault->what, IN_NETNS, strlen(IN_NETNS)) == 0 ||
	    write_remedy(netns, fault->remedy, &remedy) == 0 || remedy.failed)
		return;
	(void) fault_remedy(fault, "%s", remedy.text);
	(void) fault_prefix(fault, IN_NETNS "%s", netns);
}

void faults_in_netns(const char *netns, FaultList *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		fault_in_netns(netns, &faults->items[i]);
}

int netns_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	Fault fault = { 0 };

	if (facts->netns_error == 0)
		return 0;
	(void) fault_netns(spec->netns, facts->netns_error, &fault);
	return fault_list_take(faults, &fault);
}
