/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/names.h"
#include "model/network-file.h"

/* Where the spec does not say which bridge it is. */
#define UNNAMED_BRIDGE "BRIDGE"

char *network_file_name(const Spec *spec, const SpecInterface *interface)
{
	return str_printf("05-mvmd-%s-%s.network", spec->name, interface->id);
}

char *netdev_file_name(const char *bridge)
{
	return str_printf("95-mvmd-%s.netdev", bridge);
}

static void add_match(StrBuf *text, const Spec *spec, const SpecInterface *interface)
{
	char tap[TAP_NAME_MAX + 1];

	str_buf_add(text, "[Match]\nName=%s\nKind=tun\n\n", spec_tap_name(spec, interface, tap));
	str_buf_add(text, "[Link]\n# The host is online without it.\nRequiredForOnline=no\n\n");
}

static void add_bridge(StrBuf *text, const SpecInterface *interface)
{
	str_buf_add(text, "[Network]\n");
	if (interface->bridge)
		str_buf_add(text, "Bridge=%s\n", interface->bridge);
	else
		str_buf_add(text, "# Here goes the bridge's name, which the spec does not say:\n"
				  "#Bridge=" UNNAMED_BRIDGE "\n");
	str_buf_add(text, "# A port has no addresses, and is one before the VM runs.\n"
			  "LinkLocalAddressing=no\n"
			  "ConfigureWithoutCarrier=yes\n");
}

static void add_address(StrBuf *text)
{
	str_buf_add(text,
		    "[Network]\n"
		    "# The host's address towards the guest. This one stands for a free range of\n"
		    "# networkd's own choice; write another, such as 192.0.2.1/28.\n"
		    "Address=0.0.0.0/28\n"
		    "# The guest gets its own by DHCP.\n"
		    "DHCPServer=yes\n"
		    "ConfigureWithoutCarrier=yes\n");
}

static void add_up(StrBuf *text)
{
	str_buf_add(text, "[Network]\n"
			  "# networkd brings up what it matches.\n"
			  "LinkLocalAddressing=no\n"
			  "ConfigureWithoutCarrier=yes\n");
}

char *network_file_text(const Spec *spec, const SpecInterface *interface)
{
	_cleanup_free_ char *name = network_file_name(spec, interface);
	StrBuf text = { 0 };
	char *taken;

	if (!name)
		return NULL;
	str_buf_add(&text,
		    "# " NETWORK_FOLDER "/%s\n# Of interface %s of the VM %s, for "
		    "systemd-networkd.\n\n",
		    name, interface->id, spec->name);
	add_match(&text, spec, interface);
	if (interface->networkd.expect == NETWORKD_MASTER)
		add_bridge(&text, interface);
	else if (interface->networkd.expect == NETWORKD_ADDRESS)
		add_address(&text);
	else
		add_up(&text);
	return str_buf_take(&text, &taken) < 0 ? NULL : taken;
}

char *netdev_file_text(const char *bridge)
{
	return str_printf(
		"# " NETWORK_FOLDER "/95-mvmd-%s.netdev\n"
		"# systemd-networkd puts taps on a bridge only where a .netdev file names it. One that "
		"is\n# there stays as it is.\n\n"
		"[NetDev]\nName=%s\nKind=bridge\n",
		bridge, bridge);
}

char *network_file_words(const Spec *spec, const SpecInterface *interface)
{
	static const char *const settings[_NETWORKD_EXPECT_MAX] = {
		[NETWORKD_MASTER] = "Bridge=",
		[NETWORKD_ADDRESS] = "Address=0.0.0.0/28",
		[NETWORKD_UP] = "LinkLocalAddressing=no",
	};
	NetworkdExpect expect = interface->networkd.expect;
	const char *bridge = expect == NETWORKD_MASTER ? interface->bridge ?: UNNAMED_BRIDGE : "";
	char tap[TAP_NAME_MAX + 1];

	return str_printf("[Match] Name=%s Kind=tun [Network] %s%s",
			  spec_tap_name(spec, interface, tap), settings[expect], bridge);
}

const char *networkd_reread_command(bool has_new_netdev)
{
	return has_new_netdev ? "systemctl restart systemd-networkd" : "networkctl reload";
}
