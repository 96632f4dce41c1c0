/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "host/systemd-bus.h"

/* PID 1's own socket, for root alone; systemctl goes this way too (systemd, src/shared/bus-util.c). */
#define SYSTEMD_SOCKET "unix:path=/run/systemd/private"

/* The same of a user's, in XDG_RUNTIME_DIR. */
#define USERS_SOCKET "systemd/private"

static int open_direct(const char *address, sd_bus **ret)
{
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		(void) sd_bus_unref(bus);
		return r;
	}
	*ret = bus;
	return 0;
}

/* Where his systemd listens, any byte of the folder escaped as an address has it; NULL: there is no such place. */
static char *users_address(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	StrBuf address = { 0 };
	char *text;

	if (!runtime)
		return NULL;
	str_buf_add(&address, "unix:path=");
	for (const char *c = runtime; *c; c++)
		str_buf_add(&address, "%%%02x", (unsigned char) *c);
	str_buf_add(&address, "/" USERS_SOCKET);
	return str_buf_take(&address, &text) < 0 ? NULL : text;
}

int systemd_bus_open(bool user, sd_bus **ret, bool *ret_direct)
{
	_cleanup_free_ char *address = user ? users_address() : NULL;
	int r;

	if (user)
		*ret_direct = address && open_direct(address, ret) == 0;
	else
		*ret_direct = geteuid() == 0 && open_direct(SYSTEMD_SOCKET, ret) == 0;
	if (*ret_direct)
		return 0;
	r = user ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
	return r < 0 ? r : 0;
}
