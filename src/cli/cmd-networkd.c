/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/spec-load.h"
#include "host/networkd.h"
#include "host/text-file.h"
#include "model/network-file.h"
#include "mvmd/exit-codes.h"

typedef struct Networkd {
	const Places *places;
	const char *output; /* the folder; NULL: stdout */
	bool all;
	size_t n_files;
	bool wrote, wrote_netdev; /* something that is new there */
	StrList bridges; /* that are done */
	int exit_code;
} Networkd;

static void out_of_memory(Networkd *run)
{
	log_line(LOG_LEVEL_ERROR, "out of memory");
	run->exit_code = exit_code_worse(run->exit_code, MVMD_EXIT_SYSTEM);
}

static void say_not_written(const Networkd *run, const char *name, int error)
{
	const char *folder = run->output;

	log_line(LOG_LEVEL_ERROR, "cannot write %s/%s: %s", folder, name, strerror(-error));
	if (error == -EACCES || error == -EPERM)
		log_line(LOG_LEVEL_ERROR, "  try: as root; or another --output");
	else if (error == -ENOENT)
		log_line(LOG_LEVEL_ERROR, "  try: mkdir -p %s", folder);
	else
		log_line(LOG_LEVEL_ERROR, "  try: ls -ld %s; df %s; or another --output", folder,
			 folder);
}

/* 1: it is new in the folder; 0: printed, or there already; or -errno, which is told. */
static int give(Networkd *run, const char *name, const char *text)
{
	int r;

	run->n_files++;
	if (!run->output) {
		(void) printf("%s%s", run->n_files > 1 ? "\n" : "", text);
		return 0;
	}
	r = text_file_write(run->output, name, text);
	if (r < 0) {
		say_not_written(run, name, r);
		run->exit_code = exit_code_worse(run->exit_code, r == -EACCES || r == -EPERM ?
									 MVMD_EXIT_PERMISSION :
									 MVMD_EXIT_SYSTEM);
		return r;
	}
	log_line(LOG_LEVEL_INFO, "%s/%s %s", run->output, name,
		 r > 0 ? "is written" : "is there as it is to be");
	return r;
}

static void give_network(Networkd *run, const Spec *spec, const SpecInterface *interface)
{
	_cleanup_free_ char *name = network_file_name(spec, interface);
	_cleanup_free_ char *text = network_file_text(spec, interface);

	if (!name || !text)
		out_of_memory(run);
	else if (give(run, name, text) > 0)
		run->wrote = true;
}

/* Once for each bridge, and not where networkd has a file for it that is not ours. */
static void give_netdev(Networkd *run, const char *bridge)
{
	_cleanup_free_ char *file = netdev_file_name(bridge);
	_cleanup_free_ char *text = netdev_file_text(bridge);

	if (str_list_contains(&run->bridges, bridge))
		return;
	str_list_add(&run->bridges, "%s", bridge);
	if (!file || !text || run->bridges.failed)
		out_of_memory(run);
	else if (!networkd_has_netdev(bridge, file) && give(run, file, text) > 0)
		run->wrote_netdev = true;
}

static void give_interface(Networkd *run, const Spec *spec, const SpecInterface *interface)
{
	NetAttach attach = spec_attach(interface);

	if (attach == ATTACH_NETWORKD) {
		give_network(run, spec, interface);
		if (!interface->bridge && interface->networkd.expect == NETWORKD_MASTER)
			log_line(
				LOG_LEVEL_WARNING,
				"interface %s names no \"bridge\": the file's Bridge= is to be filled "
				"in, or the spec's \"bridge\"",
				interface->id);
		if (interface->bridge)
			give_netdev(run, interface->bridge);
	} else if (!run->all) {
		log_line(LOG_LEVEL_INFO,
			 "interface %s has \"attach\": \"%s\", for which systemd-networkd needs no "
			 "file",
			 interface->id, net_attach_to_string(attach));
	}
}

static void give_spec(Networkd *run, const char *argument)
{
	_cleanup_(spec_free_p) Spec *spec = NULL;
	_cleanup_(fault_done) Fault fault = { 0 };
	Problems problems = { 0 };

	if (spec_load(run->places, argument, &spec, &problems, &fault) < 0) {
		run->exit_code = exit_code_worse(run->exit_code,
						 problems.n > 0 ? MVMD_EXIT_SPEC : fault.exit_code);
		if (problems.n > 0)
			spec_print_problems(&problems);
		else
			log_fault(LOG_LEVEL_ERROR, &fault);
		problems_done(&problems);
		return;
	}
	log_set_vm(spec->name);
	if (spec->n_interfaces == 0 && !run->all)
		log_line(LOG_LEVEL_INFO, "it has no interface");
	for (size_t i = 0; i < spec->n_interfaces; i++)
		give_interface(run, spec, &spec->interfaces[i]);
	log_set_vm(NULL);
}

static void give_all(Networkd *run)
{
	_cleanup_(str_list_done) StrList names = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };

	if (spec_list_names(run->places, &names, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		run->exit_code = fault.exit_code;
	}
	for (size_t i = 0; i < names.n; i++)
		give_spec(run, names.items[i]);
	if (run->n_files == 0 && run->exit_code == MVMD_EXIT_OK)
		log_line(LOG_LEVEL_INFO,
			 "no spec in %s has an interface with \"attach\": \"networkd\"",
			 run->places->spec_directory);
}

static int take_output(int argc, char **argv, void *userdata)
{
	Networkd *run = userdata;

	return option_take_value("networkd", "--output", argc, argv, &run->output);
}

int cmd_networkd(const Places *places, int argc, char **argv)
{
	Networkd run = { .places = places };
	const Switch switches[] = { { "--all", &run.all } };
	int n;

	argc = options_take_values(argc, argv, take_output, &run);
	n = argc < 0 ? argc : options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, argc);
	if (n < 0)
		return MVMD_EXIT_USAGE;
	if (run.all == (n > 0)) {
		log_line(LOG_LEVEL_ERROR,
			 "networkd: which VM? NAME..., or --all; see mvmd networkd --help");
		return MVMD_EXIT_USAGE;
	}
	if (run.all)
		give_all(&run);
	for (int i = 1; i <= n; i++)
		give_spec(&run, argv[i]);
	if (run.wrote || run.wrote_netdev)
		log_line(LOG_LEVEL_INFO, "systemd-networkd gets to know it by: %s",
			 networkd_reread_command(run.wrote_netdev));
	str_list_done(&run.bridges);
	return run.exit_code;
}
