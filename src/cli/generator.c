/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mvmd-generator: a program of its own, which systemd starts at boot and at each daemon-reload before it reads its
 * units (systemd.generator(7)). It writes a drop-in for each VM whose spec is right, and nothing else: it asks no
 * program, no bus and no network, waits for nobody, and never fails: there is no one to tell, and the start of a VM
 * whose spec is wrong says so itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "host/spec-files.h"
#include "host/unit-files.h"
#include "model/unit-dropin.h"
#include "mvmd/exit-codes.h"

/* A folder that does not answer (a network file system) may not hold the boot: SIGALRM ends us. */
#define TIME_LIMIT_SEC 5

typedef struct Specs {
	Spec **items;
	size_t n;
} Specs;

static void specs_done(Specs *specs)
{
	for (size_t i = 0; i < specs->n; i++)
		(void) spec_free(specs->items[i]);
	free(specs->items);
}

/* NULL: there is none, or it is wrong. */
static Spec *read_spec(const char *directory, const char *name)
{
	_cleanup_free_ char *path = str_printf("%s/%s.json", directory, name);
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_(spec_files_done) SpecFiles files = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	Spec *spec = NULL;

	if (!path || !vm_name_is_valid(name) ||
	    spec_files_read(directory, path, name, &files, &fault) < 0)
		return NULL;
	(void) spec_parse(files.docs, files.n, name, &spec, &problems);
	return spec;
}

static int read_specs(const char *directory, Specs *ret)
{
	_cleanup_(str_list_done) StrList names = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };

	if (spec_files_list(directory, &names, &fault) < 0)
		return -EIO;
	for (size_t i = 0; i < names.n; i++) {
		Spec *spec = read_spec(directory, names.items[i]);

		if (!spec)
			continue;
		if (array_grow(&ret->items, ret->n, sizeof(Spec *)) < 0) {
			(void) spec_free(spec);
			return -ENOMEM;
		}
		ret->items[ret->n++] = spec;
	}
	return 0;
}

/* systemd tells its generators whose it is (systemd.generator(7)). */
static bool is_of_user(void)
{
	const char *scope = getenv("SYSTEMD_SCOPE");

	return scope && streq(scope, "user");
}

/* As cli/places.c has it; a new string or NULL. */
static char *spec_directory(void)
{
	const char *given = getenv("MVMD_SPEC_DIR"), *config = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");

	if (given && *given)
		return strdup(given);
	if (!is_of_user())
		return strdup(SPEC_DIRECTORY);
	if (config && *config == '/')
		return str_printf("%s/mvmd", config);
	return home ? str_printf("%s/.config/mvmd", home) : NULL;
}

static void write_dropins(const StartOrder *order, const char *directory)
{
	for (size_t i = 0; i < order->n; i++) {
		_cleanup_free_ char *text = NULL;

		if (unit_dropin_text(&order->vms[i], is_of_user(), &text) == 0)
			(void) unit_dropin_write(directory, order->vms[i].spec->name, text);
	}
}

int main(int argc, char **argv)
{
	_cleanup_(start_order_done) StartOrder order = { 0 };
	_cleanup_(specs_done) Specs specs = { 0 };
	_cleanup_free_ char *directory = spec_directory();

	if (argc < 2) {
		(void) fprintf(stderr,
			       "usage: %s NORMAL-DIR [EARLY-DIR LATE-DIR]\n"
			       "systemd calls it; see mvmd@.service(8)\n",
			       argv[0]);
		return MVMD_EXIT_USAGE;
	}
	(void) alarm(TIME_LIMIT_SEC);
	if (directory && read_specs(directory, &specs) == 0 &&
	    start_order_build(specs.items, specs.n, &order) == 0)
		write_dropins(&order, argv[1]);
	return MVMD_EXIT_OK;
}
