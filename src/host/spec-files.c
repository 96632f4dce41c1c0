/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/spec-files.h"
#include "mvmd/exit-codes.h"

#define SUFFIX	  ".json"
#define HOST_CONF "host.conf"

/* The words for what is no regular file. */
static const char *file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "no file";
	}
}

static int exit_code_of(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return MVMD_EXIT_NO_SPEC;
	case -EACCES:
	case -EPERM:
		return MVMD_EXIT_PERMISSION;
	default:
		return MVMD_EXIT_SYSTEM;
	}
}

static int fault_kind(Fault *fault, const char *path, mode_t mode)
{
	(void) fault_set(fault, S_ISDIR(mode) ? -EISDIR : -EOPNOTSUPP, MVMD_EXIT_SPEC,
			 "spec-file-kind", "%s is %s; only a regular file is read", path,
			 file_kind(mode));
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_evidence(fault, "kind", "%s", file_kind(mode));
	return fault_remedy(fault, "put a regular file there, or a symlink to one");
}

static int fault_open(Fault *fault, const char *path, int error)
{
	struct stat st;

	/* A socket cannot be opened at all: ENXIO says little. */
	if (error == -ENXIO && stat(path, &st) == 0)
		return fault_kind(fault, path, st.st_mode);
	(void) fault_set(fault, error, exit_code_of(error), "spec-file-open", "cannot open %s: %m",
			 path);
	(void) fault_evidence(fault, "path", "%s", path);
	if (error == -ENOENT || error == -ENOTDIR)
		return error;
	if (error == -EACCES && geteuid() != 0)
		return fault_remedy(fault, "run this as root, or: namei -l %s", path);
	if (error != -EACCES)
		return fault_remedy(fault, "namei -l %s", path);
	(void) fault_why(fault,
			 "in its unit mvmd does not read past a file's mode: what is another "
			 "user's own is closed to it");
	return fault_remedy(fault, "chown root %s; namei -l %s shows the folders above it", path,
			    path);
}

/* Opens a regular file; never waits for the writer of a FIFO. Returns the fd or -errno. */
static int file_open(const char *path, size_t *ret_size, Fault *fault)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return fault_open(fault, path, -errno);
	if (fstat(fd, &st) < 0)
		return fault_open(fault, path, -errno);
	if (!S_ISREG(st.st_mode))
		return fault_kind(fault, path, st.st_mode);
	*ret_size = (size_t) st.st_size;
	return TAKE_FD(fd);
}

/* Reads up to limit bytes. Returns how many, or -errno. */
static ssize_t read_up_to(int fd, char *buffer, size_t limit)
{
	size_t length = 0;

	while (length < limit) {
		ssize_t n = read(fd, buffer + length, limit - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t) n;
	}
	return (ssize_t) length;
}

/* Reads a file of that size, and more where it grew meanwhile, up to one byte more than allowed. -errno, or length. */
static ssize_t read_text(int fd, size_t size, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = size + 1;

	while (length < room) {
		char *larger = realloc(text, room);
		ssize_t n;

		if (!larger)
			return -ENOMEM;
		text = larger;
		n = read_up_to(fd, text + length, room - length);
		if (n < 0)
			return n;
		length += (size_t) n;
		if (length < room)
			break;
		room = SPEC_FILE_MAX_BYTES + 1;
	}
	*ret = TAKE_PTR(text);
	return (ssize_t) length;
}

/* The text of one file into doc; of one that is too large only the length. */
static int file_read(const char *path, SpecDoc *doc, Fault *fault)
{
	_cleanup_close_ int fd = -EBADF;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	ssize_t length;

	fd = file_open(path, &size, fault);
	if (fd < 0)
		return fd;
	if (size > SPEC_FILE_MAX_BYTES) {
		doc->length = size;
		return 0;
	}

	length = read_text(fd, size, &text);
	if (length == -ENOMEM)
		return fault_oom(fault);
	if (length < 0) {
		(void) fault_set(fault, (int) length, MVMD_EXIT_SYSTEM, "spec-file-read",
				 "cannot read %s: %m", path);
		(void) fault_evidence(fault, "path", "%s", path);
		return fault_remedy(fault, "look for errors of the disk: dmesg");
	}
	doc->length = (size_t) length;
	if (doc->length <= SPEC_FILE_MAX_BYTES)
		doc->text = TAKE_PTR(text);
	return 0;
}

static void doc_done(SpecDoc *doc)
{
	free(doc->file);
	free(doc->text);
	free(doc->nearest);
	*doc = (SpecDoc){ 0 };
}

void spec_files_done(SpecFiles *files)
{
	for (size_t i = 0; i < files->n; i++)
		doc_done(&files->docs[i]);
	free(files->docs);
	*files = (SpecFiles){ 0 };
}

/* Reads one file as the next document. */
static int files_add(SpecFiles *files, SpecDocRole role, const char *path, Fault *fault)
{
	SpecDoc doc = { .role = role };
	int r;

	if (str_set(&doc.file, path) < 0 ||
	    array_grow(&files->docs, files->n, sizeof(*files->docs)) < 0) {
		doc_done(&doc);
		return fault_oom(fault);
	}
	r = file_read(path, &doc, fault);
	if (r < 0) {
		doc_done(&doc);
		return r;
	}
	files->docs[files->n++] = doc;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The names without suffix of a folder's files *.json, sorted. */
static int list_names(const char *directory, StrList *ret, Fault *fault)
{
	StrList names = { 0 };
	const struct dirent *entry;
	DIR *dir = opendir(directory);

	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir)
		return fault_open(fault, directory, -errno);
	while ((entry = readdir(dir)) != NULL) {
		size_t length = strlen(entry->d_name);
		size_t stem = length > strlen(SUFFIX) ? length - strlen(SUFFIX) : 0;

		if (entry->d_name[0] != '.' && stem > 0 && streq(entry->d_name + stem, SUFFIX))
			str_list_add(&names, "%.*s", (int) stem, entry->d_name);
	}
	(void) closedir(dir);

	if (names.n > 0)
		qsort(names.items, names.n, sizeof(*names.items), compare_names);
	if (names.failed) {
		str_list_done(&names);
		return fault_oom(fault);
	}
	*ret = names;
	return 0;
}

int spec_files_list(const char *directory, StrList *ret, Fault *fault)
{
	return list_names(directory, ret, fault);
}

/* The nearest name among a folder's specs: a new string, or NULL. */
static char *nearest_in(const char *directory, const char *name)
{
	StrList names = { 0 };
	_cleanup_(fault_done)
		Fault fault = { 0 }; /* without a list there is no hint, and that is all */
	const char *nearest;
	char *copy = NULL;

	if (list_names(directory, &names, &fault) < 0)
		return NULL;
	nearest = nearest_name(name, (const char *const *) names.items, names.n);
	if (nearest)
		copy = strdup(nearest);
	str_list_done(&names);
	return copy;
}

/* All *.json of a folder, sorted by name. */
static int add_folder(SpecFiles *files, const char *directory, Fault *fault)
{
	StrList names = { 0 };
	int r;

	r = list_names(directory, &names, fault);
	for (size_t i = 0; r >= 0 && i < names.n; i++) {
		_cleanup_free_ char *drop_in =
			str_printf("%s/%s" SUFFIX, directory, names.items[i]);

		r = drop_in ? files_add(files, SPEC_DOC_DROP_IN, drop_in, fault) : fault_oom(fault);
	}
	str_list_done(&names);
	return r;
}

static int add_drop_ins(SpecFiles *files, const char *path, Fault *fault)
{
	_cleanup_free_ char *directory = str_printf("%s.d", path);

	return directory ? add_folder(files, directory, fault) : fault_oom(fault);
}

/* A template that is named and not there, as a document without text. */
static int add_missing(SpecFiles *files, const char *directory, const char *path,
		       const char *template)
{
	SpecDoc doc = { .role = SPEC_DOC_TEMPLATE, .missing = true };

	if (str_set(&doc.file, path) < 0 ||
	    array_grow(&files->docs, files->n, sizeof(*files->docs)) < 0) {
		doc_done(&doc);
		return -ENOMEM;
	}
	doc.nearest = nearest_in(directory, template);
	files->docs[files->n++] = doc;
	return 0;
}

/* Puts the last document before the others: what is read last merges first. */
static void last_becomes_first(SpecFiles *files)
{
	SpecDoc last;

	if (files->n == 0)
		return;
	last = files->docs[files->n - 1];
	memmove(files->docs + 1, files->docs, (files->n - 1) * sizeof(*files->docs));
	files->docs[0] = last;
}

static int add_template(SpecFiles *files, const char *spec_directory, const char *name,
			Fault *fault)
{
	_cleanup_free_ char *template = NULL, *directory = NULL, *path = NULL;
	int r;

	if (spec_template_name(files->docs, files->n, name, &template) < 0)
		return fault_oom(fault);
	if (!template)
		return 0;
	directory = str_printf("%s/templates", spec_directory);
	path = str_printf("%s/templates/%s" SUFFIX, spec_directory, template);
	if (!directory || !path)
		return fault_oom(fault);

	r = files_add(files, SPEC_DOC_TEMPLATE, path, fault);
	if (r == -ENOENT || r == -ENOTDIR) {
		if (fault)
			fault_done(fault);
		r = add_missing(files, directory, path, template);
		if (r < 0)
			return fault_oom(fault);
	}
	if (r >= 0)
		last_becomes_first(files);
	return r;
}

/* The nearest name beside a path: a new string, or NULL. */
static char *nearest_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;

	if (!slash)
		return nearest_in(".", name);
	directory = str_printf("%.*s", (int) (slash + 1 - path), path);
	return directory ? nearest_in(directory, name) : NULL;
}

/* There is no such spec; which one was perhaps meant. */
static int fault_missing(const char *path, const char *name, Fault *fault)
{
	_cleanup_free_ char *nearest = nearest_beside(path, name);

	(void) fault_set(fault, -ENOENT, MVMD_EXIT_NO_SPEC, "no-spec", "there is no spec %s", path);
	(void) fault_evidence(fault, "path", "%s", path);
	if (nearest)
		(void) fault_evidence(fault, "nearest", "%s", nearest);
	if (nearest)
		(void) fault_remedy(fault, "did you mean \"%s\"?", nearest);
	else
		(void) fault_remedy(fault, "mvmd list shows all");
	return -ENOENT;
}

int spec_files_read(const char *spec_directory, const char *path, const char *name, SpecFiles *ret,
		    Fault *fault)
{
	SpecFiles files = { 0 };
	int r;

	r = files_add(&files, SPEC_DOC_MAIN, path, fault);
	if (r == -ENOENT || r == -ENOTDIR)
		r = fault_missing(path, name, fault);
	if (r >= 0)
		r = add_drop_ins(&files, path, fault);
	if (r >= 0)
		r = add_template(&files, spec_directory, name, fault);
	if (r < 0) {
		spec_files_done(&files);
		return r;
	}
	*ret = files;
	return 0;
}

/* A file that does not exist is no document. */
static int add_if_there(SpecFiles *files, const char *path, Fault *fault)
{
	int r = files_add(files, SPEC_DOC_MAIN, path, fault);

	if (r != -ENOENT && r != -ENOTDIR)
		return r;
	fault_done(fault);
	if (files->n == 0)
		spec_files_done(files); /* without documents there is no array either */
	return 0;
}

int spec_files_read_host_conf(const char *spec_directory, SpecFiles *ret, Fault *fault)
{
	_cleanup_free_ char *path = str_printf("%s/" HOST_CONF, spec_directory);
	SpecFiles files = { 0 };
	int r;

	if (!path)
		return fault_oom(fault);
	r = add_if_there(&files, path, fault);
	if (r < 0) {
		spec_files_done(&files);
		return r;
	}
	*ret = files;
	return 0;
}

int spec_files_read_known_issues(const char *file, const char *directory, SpecFiles *ret,
				 Fault *fault)
{
	SpecFiles files = { 0 };
	int r;

	r = add_if_there(&files, file, fault);
	if (r >= 0)
		r = add_folder(&files, directory, fault);
	if (r < 0) {
		spec_files_done(&files);
		return r;
	}
	*ret = files;
	return 0;
}
