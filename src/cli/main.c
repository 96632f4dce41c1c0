/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
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

/* An option before or behind the command, and the environment variable that stands in for it. */
typedef struct PlaceOption {
	const char *name;
	const char *variable;
	const char *standard;
	size_t offset; /* in Places */
} PlaceOption;

static const PlaceOption place_options[] = {
	{ "--spec-dir", "MVMD_SPEC_DIR", "/etc/mvmd", offsetof(Places, spec_directory) },
	{ "--runtime-dir", "MVMD_RUNTIME_DIR", RUNTIME_DIRECTORY,
	  offsetof(Places, runtime_directory) },
	{ "--state-dir", "MVMD_STATE_DIR", "/var/lib/mvmd", offsetof(Places, state_directory) },
	{ "--data-dir", "MVMD_DATA_DIR", MVMD_DATA_DIRECTORY, offsetof(Places, data_directory) },
};

const Command *command_at(size_t i)
{
	return i < ELEMENTSOF(commands) ? &commands[i] : NULL;
}

const char *place_option_at(size_t i)
{
	return i < ELEMENTSOF(place_options) ? place_options[i].name : NULL;
}

static const char **place_of(Places *places, const PlaceOption *option)
{
	return (const char **) (void *) ((char *) places + option->offset);
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
		       "\n"
		       "  --spec-dir=DIR       specs, default /etc/mvmd (MVMD_SPEC_DIR)\n"
		       "  --runtime-dir=DIR    sockets, default " RUNTIME_DIRECTORY
		       " (MVMD_RUNTIME_DIR)\n"
		       "  --state-dir=DIR      state, default /var/lib/mvmd (MVMD_STATE_DIR)\n"
		       "  --data-dir=DIR       known-issues.json, default " MVMD_DATA_DIRECTORY
		       " (MVMD_DATA_DIR)\n"
		       "  -v, --verbose        tell every step and state\n"
		       "  --version, --help\n\n"
		       "mvmd COMMAND --help, man mvmd, man mvmd.vm, man mvmd.host.conf, "
		       "man mvmd-errors\n");
}

static void print_command_help(const Command *command)
{
	(void) printf("usage: mvmd %s %s%s\n\n%s\n", command->name,
		      command->options ? "[OPTION...] " : "", command->arguments,
		      command->sentence ?: "for programs, not for people");
	if (command->options)
		(void) printf("\n%s", command->options);
}

/* Takes "--spec-dir=X" and "--spec-dir X" out of argv. Returns how many words it took, or -EINVAL. */
static int take_place(Places *places, int argc, char **argv)
{
	for (size_t i = 0; i < ELEMENTSOF(place_options); i++) {
		const PlaceOption *option = &place_options[i];
		size_t length = strlen(option->name);

		if (strncmp(argv[0], option->name, length) != 0)
			continue;
		if (argv[0][length] == '=' && argv[0][length + 1]) {
			*place_of(places, option) = argv[0] + length + 1;
			return 1;
		}
		if (argv[0][length] == '\0' && argc > 1 && *argv[1]) {
			*place_of(places, option) = argv[1];
			return 2;
		}
		if (argv[0][length] == '=' || argv[0][length] == '\0') {
			log_line(LOG_LEVEL_ERROR, "%s wants a directory", option->name);
			return -EINVAL;
		}
	}
	return 0;
}

static void places_from_environment(Places *places)
{
	for (size_t i = 0; i < ELEMENTSOF(place_options); i++) {
		const char *value = getenv(place_options[i].variable);

		*place_of(places, &place_options[i]) =
			value && *value ? value : place_options[i].standard;
	}
}

/* Takes the global options out of argv, wherever they stand. Returns the new argc, or -EINVAL. */
static int take_global_options(Places *places, int argc, char **argv)
{
	int n = 1;

	places_from_environment(places);
	for (int i = 1; i < argc;) {
		int taken = take_place(places, argc - i, argv + i);

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
	const Command *command;
	Places places = { 0 };
	int exit_code;

	if (!open_standard_fds())
		return MVMD_EXIT_SYSTEM;
	argc = take_global_options(&places, argc, argv);
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
	if (make_runtime_absolute(&places, &runtime_directory) < 0)
		return MVMD_EXIT_SYSTEM;
	exit_code = flush_stdout(command->run(&places, argc - 1, argv + 1));
	log_flush();
	return exit_code;
}
