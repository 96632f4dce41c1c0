/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/strays.h"
#include "host/tap-note.h"
#include "host/tap-take.h"

/* As an entry that begins with a dot it is no VM's. */
static char *note_path(const VmPlaces *places)
{
	return str_printf("%s/.%s.taps", places->runtime_directory, places->name);
}

int tap_note_write(const VmPlaces *places, const StrList *lines)
{
	_cleanup_free_ char *path = note_path(places);
	_cleanup_close_ int fd = -EBADF;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < lines->n; i++)
		if (dprintf(fd, "%s\n", lines->items[i]) < 0)
			return -errno;
	return 0;
}

bool tap_note_exists(const VmPlaces *places)
{
	_cleanup_free_ char *path = note_path(places);

	return path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void tap_note_remove(const VmPlaces *places)
{
	_cleanup_free_ char *path = note_path(places);

	if (path)
		(void) unlink(path);
}

static void sweep_line(char *line, Nl *nl, StrBuf *found)
{
	char *mark = strchr(line, ' ');

	if (!mark)
		return;
	*mark++ = '\0';
	mark[strcspn(mark, "\n")] = '\0';
	if (if_nametoindex(line) > 0 && tap_drop(nl, line, mark) == 0)
		found_add(found, "tap %s", line);
}

void tap_note_sweep(const VmPlaces *places, Nl *nl, StrBuf *found)
{
	_cleanup_free_ char *path = note_path(places);
	_cleanup_free_ char *line = NULL;
	FILE *note = path ? fopen(path, "re") : NULL;
	size_t size = 0;

	if (!note)
		return;
	while (getline(&line, &size, note) > 0)
		sweep_line(line, nl, found);
	(void) fclose(note);
	(void) unlink(path);
}
