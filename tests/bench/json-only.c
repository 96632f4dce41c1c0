/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-only FOLDER OUTPUT: the least that a generator has to do: reads each *.json of FOLDER with jansson, looks at
 * nothing, and writes a drop-in of some lines for it below OUTPUT. No spec is merged, checked or ordered.
 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 1024

static const char dropin[] = "[Unit]\n"
			     "After=mvmd@other.service\n"
			     "RequiresMountsFor=\"/srv/vm/kernel\"\n"
			     "RequiresMountsFor=\"/srv/vm/disk.raw\"\n"
			     "\n"
			     "[Service]\n"
			     "DeviceAllow=\"/dev/vg0/disk\" rw\n";

static int write_dropin(const char *folder, const char *name)
{
	char directory[PATH_BYTES], new[PATH_BYTES + 16], file[PATH_BYTES + 16];
	ssize_t n;
	int fd;

	(void) snprintf(directory, sizeof(directory), "%s/mvmd@%.*s.service.d", folder,
			(int) strcspn(name, "."), name);
	(void) snprintf(new, sizeof(new), "%s/.new", directory);
	(void) snprintf(file, sizeof(file), "%s/50-spec.conf", directory);
	(void) mkdir(directory, 0755);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	n = write(fd, dropin, sizeof(dropin) - 1);
	(void) close(fd);
	return n < 0 ? -1 : rename(new, file);
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 3 ? opendir(argv[1]) : NULL;
	const struct dirent *entry;
	int r = 0;

	if (!folder)
		return 1;
	while (r == 0 && (entry = readdir(folder))) {
		char path[PATH_BYTES];
		json_t *spec;

		if (!strstr(entry->d_name, ".json"))
			continue;
		(void) snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		spec = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		r = spec ? write_dropin(argv[2], entry->d_name) : -1;
		json_decref(spec);
	}
	(void) closedir(folder);
	return r == 0 ? 0 : 1;
}
