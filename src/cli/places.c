/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/places.h"
#include "mvmd/exit-codes.h"

#define USERS_FOLDER_MODE 0700 /* as the specification of the base directories has it */

/* An option, the environment variable that stands in for it, and the defaults. */
typedef struct PlaceOption {
	const char *name, *variable;
	const char *of_host;
	const char *
		base_variable; /* of the XDG base directory that a user's is in; NULL: as the host's */
	const char *
		base; /* where that variable is not set: in the home folder; NULL: there must be one */
	size_t offset; /* in Places */
} PlaceOption;

/* Base directories: specifications.freedesktop.org/basedir-spec. */
static const PlaceOption place_options[] = {
	{ "--spec-dir", "MVMD_SPEC_DIR", SPEC_DIRECTORY, "XDG_CONFIG_HOME", ".config",
	  offsetof(Places, spec_directory) },
	{ "--runtime-dir", "MVMD_RUNTIME_DIR", RUNTIME_DIRECTORY, "XDG_RUNTIME_DIR", NULL,
	  offsetof(Places, runtime_directory) },
	{ "--state-dir", "MVMD_STATE_DIR", "/var/lib/mvmd", "XDG_STATE_HOME", ".local/state",
	  offsetof(Places, state_directory) },
	{ "--data-dir", "MVMD_DATA_DIR", MVMD_DATA_DIRECTORY, NULL, NULL,
	  offsetof(Places, data_directory) },
};
_Static_assert(ELEMENTSOF(place_options) == ELEMENTSOF(((PlaceWords *) NULL)->given),
	       "each can be given");

enum {
	SPEC_OPTION,
	RUNTIME_OPTION
};

const char *place_option_at(size_t i)
{
	return i < ELEMENTSOF(place_options) ? place_options[i].name : NULL;
}

const char *places_help(void)
{
	return "  --user               VMs of this user: specs in ~/.config/mvmd, units of his own "
	       "systemd\n"
	       "  --system             VMs of the host, which is the default of root\n"
	       "  --spec-dir=DIR       specs, default " SPEC_DIRECTORY " (MVMD_SPEC_DIR)\n"
	       "  --runtime-dir=DIR    sockets, default " RUNTIME_DIRECTORY " (MVMD_RUNTIME_DIR)\n"
	       "  --state-dir=DIR      state, default /var/lib/mvmd (MVMD_STATE_DIR)\n"
	       "  --data-dir=DIR       known-issues.json, default " MVMD_DATA_DIRECTORY
	       " (MVMD_DATA_DIR)\n";
}

static int take_directory(const PlaceOption *option, const char **given, int argc, char **argv)
{
	size_t length = strlen(option->name);

	if (strncmp(argv[0], option->name, length) != 0)
		return 0;
	if (argv[0][length] == '=' && argv[0][length + 1]) {
		*given = argv[0] + length + 1;
		return 1;
	}
	if (argv[0][length] == '\0' && argc > 1 && *argv[1]) {
		*given = argv[1];
		return 2;
	}
	if (argv[0][length] != '=' && argv[0][length] != '\0')
		return 0;
	log_line(LOG_LEVEL_ERROR, "%s wants a directory", option->name);
	return -EINVAL;
}

int places_take(PlaceWords *words, int argc, char **argv)
{
	int taken = 0;

	for (size_t i = 0; taken == 0 && i < ELEMENTSOF(place_options); i++)
		taken = take_directory(&place_options[i], &words->given[i], argc, argv);
	if (taken == 0 && (streq(argv[0], "--user") || streq(argv[0], "--system"))) {
		words->user = streq(argv[0], "--user");
		words->system = !words->user;
		taken = 1;
	}
	return taken;
}

static const char *environment(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value ? value : NULL;
}

static const char *given_at(const PlaceWords *words, size_t i)
{
	return words->given[i] ?: environment(place_options[i].variable);
}

/* A new string in owned; NULL: out of memory. */
static const char *keep(StrList *owned, char *text)
{
	str_list_add(owned, "%s", text ?: "");
	free(text);
	return text && !owned->failed ? owned->items[owned->n - 1] : NULL;
}

static const char *home_of_user(void)
{
	const struct passwd *entry;

	if (environment("HOME"))
		return environment("HOME");
	entry = getpwuid(geteuid());
	return entry ? entry->pw_dir : "/";
}

/* The specification has relative paths ignored. */
static const char *base_of(const PlaceOption *option)
{
	const char *base = environment(option->base_variable);

	return base && *base == '/' ? base : NULL;
}

/* What it is for a user, a new string. NULL: XDG_RUNTIME_DIR is not set. */
static char *of_user(const PlaceOption *option)
{
	const char *base = base_of(option);

	if (base)
		return str_printf("%s/mvmd", base);
	if (!option->base)
		return NULL;
	return str_printf("%s/%s/mvmd", home_of_user(), option->base);
}

static bool is_there(const char *folder, const char *name, const char *suffix)
{
	_cleanup_free_ char *path = folder ? str_printf("%s/%s%s", folder, name, suffix) : NULL;

	return path && access(path, F_OK) == 0;
}

/* The VM or spec that the words of the command mean; NULL: none. */
static const char *subject_of(const Command *command, char **argv)
{
	if (command->takes == TAKES_NOTHING || command->takes == TAKES_FINDING ||
	    command->takes == TAKES_VERB)
		return NULL;
	for (int i = 1; argv[i]; i++)
		if (argv[i][0] != '-')
			return argv[i];
	return NULL;
}

static bool means_users(const Command *command, char **argv)
{
	_cleanup_free_ char *specs = of_user(&place_options[SPEC_OPTION]);
	_cleanup_free_ char *runtime = of_user(&place_options[RUNTIME_OPTION]);
	const char *subject = subject_of(command, argv);

	if (!subject)
		return is_there(specs, "", "");
	if (strchr(subject, '/') || is_there(specs, subject, ".json") ||
	    is_there(runtime, subject, ""))
		return true;
	return is_there(specs, "", "") &&
	       !is_there(place_options[SPEC_OPTION].of_host, subject, ".json") &&
	       !is_there(place_options[RUNTIME_OPTION].of_host, subject, "");
}

/* Who says where the specs or the sockets are means those, and no other user's. */
static bool is_for_user(const PlaceWords *words, const Command *command, char **argv)
{
	if (words->user || words->system)
		return words->user;
	return geteuid() != 0 && !given_at(words, SPEC_OPTION) &&
	       !given_at(words, RUNTIME_OPTION) && means_users(command, argv);
}

/* The login makes it (pam_systemd), and systemd for a user who lingers. */
static int say_no_runtime(void)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "no-runtime-dir",
			 "XDG_RUNTIME_DIR is not set: there is nowhere for this user's sockets");
	(void) fault_evidence(&fault, "uid", "%u", (unsigned) geteuid());
	(void) fault_why(&fault, "a login makes that folder; su and sudo are none, and a unit or a "
				 "cron job has none by itself");
	(void) fault_remedy(&fault,
			    "log in as that user (ssh, or machinectl shell USER@); or, as root, "
			    "loginctl enable-linger USER, and then: export "
			    "XDG_RUNTIME_DIR=/run/user/%u; or give --runtime-dir",
			    (unsigned) geteuid());
	log_fault(LOG_LEVEL_ERROR, &fault);
	fault_done(&fault);
	return MVMD_EXIT_UNAVAILABLE;
}

static const char **place_of(Places *places, const PlaceOption *option)
{
	return (const char **) (void *) ((char *) places + option->offset);
}

static int choose_one(const PlaceWords *words, size_t i, Places *ret, StrList *owned)
{
	const PlaceOption *option = &place_options[i];
	const char **place = place_of(ret, option);
	char *users;

	*place = given_at(words, i);
	if (*place)
		return MVMD_EXIT_OK;
	*place = option->of_host;
	if (!ret->user || !option->base_variable)
		return MVMD_EXIT_OK;
	if (!option->base && !base_of(option))
		return say_no_runtime();
	users = of_user(option);
	*place = keep(owned, users);
	return *place ? MVMD_EXIT_OK : MVMD_EXIT_SYSTEM;
}

/* Of files alone nothing needs to run, and a place for sockets is only a word in what is shown. */
static bool is_offline(const Command *command, char **argv)
{
	return (command->takes == TAKES_VERB && argv[1] && streq(argv[1], "record-version")) ||
	       command->takes == TAKES_FINDING || streq(command->name, "check") ||
	       streq(command->name, "schema") || streq(command->name, "complete");
}

int places_choose(const PlaceWords *words, const Command *command, char **argv, Places *ret,
		  StrList *owned)
{
	Places places = { .user = is_for_user(words, command, argv) };
	PlaceWords all = *words;
	int exit_code = MVMD_EXIT_OK;

	if (places.user && !base_of(&place_options[RUNTIME_OPTION]) && is_offline(command, argv) &&
	    !given_at(words, RUNTIME_OPTION))
		all.given[RUNTIME_OPTION] =
			keep(owned, str_printf("/run/user/%u/mvmd", (unsigned) geteuid()));
	for (size_t i = 0; exit_code == MVMD_EXIT_OK && i < ELEMENTSOF(place_options); i++)
		exit_code = choose_one(&all, i, &places, owned);
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	places.units_runtime_directory = RUNTIME_DIRECTORY;
	if (places.user)
		places.units_runtime_directory =
			keep(owned, of_user(&place_options[RUNTIME_OPTION]) ?: strdup("/"));
	if (!places.units_runtime_directory)
		return MVMD_EXIT_SYSTEM;
	*ret = places;
	return MVMD_EXIT_OK;
}

void places_make_state(const Places *places)
{
	_cleanup_free_ char *path = places->user ? strdup(places->state_directory) : NULL;

	for (char *slash = path ? strchr(path + 1, '/') : NULL; slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void) directory_make(AT_FDCWD, path, USERS_FOLDER_MODE);
		*slash = '/';
	}
}
