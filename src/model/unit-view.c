/* SPDX-License-Identifier: Apache-2.0 */
#include "model/unit-view.h"

/* What ProtectHome= hides (systemd.exec(5)). */
static const char *const homes[] = { "/home", "/root", "/run/user" };

/* What mvmd@.service has read-only, for root as well, and what no unit has: naming it in a spec changes nothing. */
static const char *const left_alone[] = {
	"/usr", "/boot", "/efi", "/etc", "/dev", "/proc", "/sys"
};

/*
 * In double quotes, in which a backslash stands before itself and before a quote (src/basic/extract-word.c of systemd),
 * and with each percent sign doubled, which would begin a specifier (systemd.unit(5)). The spec has no control characters
 * in paths.
 */
void unit_add_path(StrBuf *buf, const char *path)
{
	str_buf_add(buf, "\"");
	for (const char *c = path; *c; c++) {
		if (*c == '"' || *c == '\\')
			str_buf_add(buf, "\\");
		if (*c == '%')
			str_buf_add(buf, "%%");
		str_buf_add_bytes(buf, c, 1);
	}
	str_buf_add(buf, "\"");
}

bool unit_path_goes_up(const char *path)
{
	for (const char *part = strchr(path, '/'); part; part = strchr(part + 1, '/'))
		if (strncmp(part, "/..", 3) == 0 && (part[3] == '/' || part[3] == '\0'))
			return true;
	return false;
}

/* Past slashes, of which several may stand for one, and past parts that are nothing but a dot. */
static const char *next_part(const char *path)
{
	while (*path == '/' || (*path == '.' && (path[1] == '/' || path[1] == '\0')))
		path++;
	return path;
}

/* The folder itself, or something in it. */
static bool is_in(const char *path, const char *folder)
{
	for (;;) {
		size_t n;

		path = next_part(path);
		folder = next_part(folder);
		n = strcspn(folder, "/");
		if (n == 0)
			return true;
		if (strcspn(path, "/") != n || strncmp(path, folder, n) != 0)
			return false;
		path += n;
		folder += n;
	}
}

static bool is_left_alone(const char *path)
{
	for (size_t i = 0; i < ELEMENTSOF(left_alone); i++)
		if (is_in(path, left_alone[i]))
			return true;
	return false;
}

/* Whether hiding homes would hide this, or a part of it. */
static bool needs_homes(const char *path)
{
	if (!path)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(homes); i++)
		if (is_in(path, homes[i]) || is_in(homes[i], path))
			return true;
	return unit_path_goes_up(path);
}

static bool spec_needs_homes(const Spec *spec)
{
	bool needs = needs_homes(spec->boot.kernel) || needs_homes(spec->boot.initramfs) ||
		     needs_homes(spec->boot.firmware);

	for (size_t i = 0; i < spec->n_disks; i++)
		needs = needs || needs_homes(spec->disks[i].path) ||
			needs_homes(spec->disks[i].socket);
	for (size_t i = 0; i < spec->n_shares; i++)
		needs = needs || needs_homes(spec->shares[i].source) ||
			needs_homes(spec->shares[i].socket);
	for (size_t i = 0; i < spec->n_credentials; i++)
		needs = needs || needs_homes(spec->credentials[i].file);
	for (size_t i = 0; i < spec->n_interfaces; i++)
		needs = needs || needs_homes(spec->interfaces[i].vhost_user.socket);
	return needs;
}

typedef struct Writable {
	StrList paths;
	bool everything; /* one of them leaves nothing that could be read-only, or nobody knows where it leads */
} Writable;

static void writable_add(Writable *writable, const char *path, size_t length)
{
	_cleanup_free_ char *text = strndup(path, length);

	if (!text)
		writable->paths.failed = true;
	else if (unit_path_goes_up(text) || is_in("/", text))
		writable->everything = true;
	else if (!is_left_alone(text))
		str_list_add(&writable->paths, "%s", text);
}

/* A VMM that listens makes the socket in its folder. */
static void writable_add_folder(Writable *writable, const char *path)
{
	const char *slash = strrchr(path, '/');

	writable_add(writable, path, slash > path ? (size_t) (slash - path) : 1);
}

static void writable_of(const Spec *spec, Writable *ret)
{
	for (size_t i = 0; i < spec->n_disks; i++)
		if (spec->disks[i].path && !spec->disks[i].readonly)
			writable_add(ret, spec->disks[i].path, SIZE_MAX);
	for (size_t i = 0; i < spec->n_shares; i++)
		if (spec->shares[i].source && !spec->shares[i].readonly)
			writable_add(ret, spec->shares[i].source, SIZE_MAX);
	for (size_t i = 0; i < spec->n_interfaces; i++) {
		const SpecVhostUser *socket = &spec->interfaces[i].vhost_user;

		if (socket->socket && socket->mode == VHOST_USER_SERVER)
			writable_add_folder(ret, socket->socket);
	}
}

/* '-': what is missing at the start is told by mvmd, in words. */
static void add_writable(StrBuf *buf, const Spec *spec)
{
	Writable writable = { 0 };

	writable_of(spec, &writable);
	if (writable.everything)
		str_buf_add(buf, "# Its spec has the VM write anywhere.\n"
				 "ProtectSystem=full\n");
	else
		str_buf_add(buf, "# Root's rights on files end where the spec does: nothing else "
				 "can be written.\n"
				 "ProtectSystem=strict\n"
				 "ReadWritePaths=-/run/mvmd -/var/lib/mvmd\n");
	for (size_t i = 0; !writable.everything && i < writable.paths.n; i++) {
		str_buf_add(buf, "ReadWritePaths=-");
		unit_add_path(buf, writable.paths.items[i]);
		str_buf_add(buf, "\n");
	}
	buf->failed = buf->failed || writable.paths.failed;
	str_list_done(&writable.paths);
}

void unit_view_add(StrBuf *buf, const Spec *spec)
{
	add_writable(buf, spec);
	if (spec_needs_homes(spec))
		str_buf_add(buf, "# Its spec names something in a user's home.\n"
				 "ProtectHome=no\n");
	else
		str_buf_add(buf, "# Nor are users' homes any business of such a VM.\n"
				 "ProtectHome=yes\n");
}
