/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/places.h"
#include "mvmd/exit-codes.h"

static const Command commands[] = {
	{ "start", TAKES_VMS, "NAME...|--all",
	  "start a VM as a unit of systemd, and wait until it runs", cmd_start,
	  "  --all                every VM that has a spec\n"
	  "  --no-wait            only ask systemd for it\n" },
	{ "run", TAKES_SPEC, "NAME|PATH", "start a VM in the foreground, its console on stdout",
	  cmd_run,
	  "  --replace            a VMM that outlived its supervisor is killed first\n"
	  "  --now                do not wait after ends that are tried again\n" },
	{ "list", TAKES_NOTHING, "", "all VMs: those with a spec, and those that run", cmd_list,
	  "  --json               the same as data\n" },
	{ "status", TAKES_VM, "[NAME]", "how a VM is, or how its last run that failed ended",
	  cmd_status,
	  "  --last               the post-mortem of the last run that failed\n"
	  "  --json               the same as data\n" },
	{ "blame", TAKES_VM, "NAME", "where the time of a VM's last start went", cmd_blame,
	  "  --svg                as a picture: one bar for each step\n"
	  "  --json               the same as data\n" },
	{ "stop", TAKES_VMS, "NAME...|--all", "press the power button, and wait for the end",
	  cmd_stop,
	  "  --all                every VM that runs\n"
	  "  --force              end it at once\n"
	  "  --no-wait            only ask systemd for it\n" },
	{ "restart", TAKES_VMS, "NAME...|--all", "stop and start a VM, or start it", cmd_restart,
	  "  --all                every VM whose unit is active\n"
	  "  --no-wait            only ask systemd for it\n" },
	{ "reload", TAKES_VMS, "NAME...|--all", "execute a new mvmd in place, the VM runs on",
	  cmd_reload,
	  "  --all                every VM whose unit is active\n"
	  "  --no-wait            only ask systemd for it\n" },
	{ "enable", TAKES_VMS, "NAME...|--all", "start a VM at each boot", cmd_enable,
	  "  --all                every VM that has a spec\n"
	  "  --now                start it now, too\n" },
	{ "disable", TAKES_VMS, "NAME...|--all", "do not start a VM at boot any more", cmd_disable,
	  "  --all                every VM that has a spec\n"
	  "  --now                stop it now, too\n" },
	{ "console", TAKES_VM, "NAME", "the guest's serial console; Ctrl-] leaves it", cmd_console,
	  NULL },
	{ "logs", TAKES_VM, "NAME", "what the journal has of a VM, its guest and its backends",
	  cmd_logs,
	  "  --follow             go on as more comes (-f)\n"
	  "  --boot               only since the host's last boot (-b)\n"
	  "  --console            only the guest's console\n"
	  "  --vmm                only what the VMM says\n"
	  "  --backend=ID         only what is of the backend of that disk or share\n"
	  "  --findings           only findings\n"
	  "  --since=TIME         30min, 2h, 1d, today, 09:00, 2026-11-22, \"2026-11-22 09:00\"\n"
	  "  --lines=N            only the last N entries (-n N)\n"
	  "  --json               an object for each, a line each\n" },
	{ "check", TAKES_SPECS, "NAME|PATH...|--all",
	  "is the spec right, and could this host start it", cmd_check,
	  "  --all                every spec, host.conf, and what two specs would fight over\n"
	  "  --spec-only          only the spec, not this host\n"
	  "  --json               the same as data\n" },
	{ "plan", TAKES_SPEC, "NAME|PATH", "what a start would do, step by step; changes nothing",
	  cmd_plan, "  --json               the same as data\n" },
	{ "doctor", TAKES_SPEC, "[NAME|PATH]",
	  "what this host lacks, and what keeps NAME from starting now", cmd_doctor,
	  "  --json               the same as data\n" },
	{ "grant", TAKES_SPEC, "NAME|PATH", "give the VM's user the rights that its files deny it",
	  cmd_grant,
	  "  --revoke             take them back\n"
	  "  --dry-run            only tell the commands\n" },
	{ "networkd", TAKES_SPECS, "NAME|PATH...|--all",
	  "the files with which systemd-networkd sees to taps", cmd_networkd,
	  "  --all                of every VM that has a spec\n"
	  "  --output=DIR         write them into that folder\n" },
	{ "explain", TAKES_FINDING, "[ID|--log FILE|-]",
	  "what mvmd can find wrong, why, and what to do", cmd_explain,
	  "  --json               the same as data\n"
	  "  --log FILE|-         read a log of a VMM, backend or launcher, and say what it means\n"
	  "  --man                the table of all, for the man page\n" },
	{ "schema", TAKES_NOTHING, "", "the JSON Schema of a spec", cmd_schema,
	  "  --host               that of host.conf\n"
	  "  --known-issues       that of known-issues.json\n"
	  "  --man                the table of keys, for the man page\n" },
	{ "complete", TAKES_NOTHING, "bash|zsh|fish", NULL, cmd_complete, NULL },
	{ "unit", TAKES_VERB, "VERB NAME", NULL, cmd_unit, NULL },
};

const Command *command_at(size_t i)
{
	return i < ELEMENTSOF(commands) ? &commands[i] : NULL;
}

static void print_help(FILE *stream)
{
	(void) fprintf(stream, "usage: mvmd [OPTION...] COMMAND ...\n\n"
			       "Starts microVMs from one file each and keeps them running.\n\n");
	for (size_t i = 0; i < ELEMENTSOF(commands); i++)
		if (commands[i].sentence)
			(void) fprintf(stream, "  %-8s %-20s %s\n", commands[i].name,
				       commands[i].arguments, commands[i].sentence);
	(void) fprintf(stream,
		       "\n%s"
		       "  -v, --verbose        tell every step and state\n"
		       "  --version, --help\n\n"
		       "mvmd COMMAND --help, man mvmd, man mvmd.vm, man mvmd-network,\n"
		       "man mvmd.host.conf, "
		       "man mvmd-errors\n",
		       places_help());
}

static void print_command_help(const Command *command)
{
	(void) printf("usage: mvmd %s %s%s\n\n%s\n", command->name,
		      command->options ? "[OPTION...] " : "", command->arguments,
		      command->sentence ?: "for programs, not for people");
	if (command->options)
		(void) printf("\n%s", command->options);
}

/* Takes the global options out of argv, wherever they stand. Returns the new argc, or -EINVAL. */
static int take_global_options(PlaceWords *words, int argc, char **argv)
{
	int n = 1;

	for (int i = 1; i < argc;) {
		int taken = places_take(words, argc - i, argv + i);

		if (taken < 0)
			return taken;
		if (taken == 0 && (streq(argv[i], "-v") || streq(argv[i], "--verbose"))) {
			log_set_level(LOG_LEVEL_DEBUG);
			taken = 1;
		}
		if (taken == 0)
			argv[n++] = argv[i++];
		i += taken;
	}
	argv[n] = NULL;
	return n;
}

static const Command *find_command(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(commands); i++)
		if (streq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[ELEMENTSOF(commands)], *nearest;
	size_t n = 0;

	for (size_t i = 0; i < ELEMENTSOF(commands); i++)
		if (commands[i].sentence)
			names[n++] = commands[i].name;
	nearest = nearest_name(name, names, n);
	if (nearest)
		log_line(LOG_LEVEL_ERROR, "there is no command \"%s\"; did you mean \"%s\"?", name,
			 nearest);
	else
		log_line(LOG_LEVEL_ERROR, "there is no command \"%s\"; see mvmd --help", name);
	return MVMD_EXIT_USAGE;
}

static bool asks_for_help(char **argv)
{
	for (int i = 1; argv[i]; i++)
		if (streq(argv[i], "--help") || streq(argv[i], "-h"))
			return true;
	return false;
}

/* Where one of them is closed, a disk or a socket of ours would get its number, and our lines with it. */
static bool open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	(void) close_fd(fd);
	return fd >= 0;
}

/* VMM and backends run in /, and are given paths in it. *ret: what is to be freed. */
static int make_runtime_absolute(Places *places, char **ret)
{
	_cleanup_free_ char *here = NULL;

	if (!places->runtime_directory || *places->runtime_directory == '/')
		return 0;
	here = getcwd(NULL, 0);
	*ret = here ? str_printf("%s/%s", here, places->runtime_directory) : NULL;
	if (!*ret) {
		log_line(LOG_LEVEL_ERROR, "--runtime-dir=%s: where is that? %s",
			 places->runtime_directory, strerror(errno));
		return -errno;
	}
	places->runtime_directory = *ret;
	return 0;
}

/* What was asked for and could not be written is no success. */
static int flush_stdout(int exit_code)
{
	bool failed = ferror(stdout);

	if (fflush(stdout) == 0 && !failed)
		return exit_code;
	log_line(LOG_LEVEL_ERROR, "cannot write to stdout: %s", strerror(errno));
	return exit_code == MVMD_EXIT_OK ? MVMD_EXIT_SYSTEM : exit_code;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *runtime_directory = NULL;
	_cleanup_(str_list_done) StrList owned = { 0 };
	PlaceWords words = { 0 };
	const Command *command;
	Places places = { 0 };
	int exit_code;

	if (!open_standard_fds())
		return MVMD_EXIT_SYSTEM;
	argc = take_global_options(&words, argc, argv);
	if (argc < 0)
		return MVMD_EXIT_USAGE;
	if (argc < 2) {
		print_help(stderr);
		return MVMD_EXIT_USAGE;
	}
	if (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "help")) {
		print_help(stdout);
		return MVMD_EXIT_OK;
	}
	if (streq(argv[1], "--version")) {
		(void) printf("mvmd %s\n", MVMD_VERSION);
		return MVMD_EXIT_OK;
	}

	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	if (asks_for_help(argv + 1)) {
		print_command_help(command);
		return MVMD_EXIT_OK;
	}
	exit_code = places_choose(&words, command, argv + 1, &places, &owned);
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	if (make_runtime_absolute(&places, &runtime_directory) < 0)
		return MVMD_EXIT_SYSTEM;
	exit_code = flush_stdout(command->run(&places, argc - 1, argv + 1));
	log_flush();
	return exit_code;
}
