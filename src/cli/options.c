/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "base/log.h"

#define SWITCHES_MAX 8

static bool take_switch(const char *word, const Switch *switches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (streq(word, switches[i].name)) {
			*switches[i].value = true;
			return true;
		}
	return false;
}

static void say_unknown(const char *command, const char *word, const Switch *switches, size_t n)
{
	const char *names[SWITCHES_MAX], *nearest;

	for (size_t i = 0; i < n && i < SWITCHES_MAX; i++)
		names[i] = switches[i].name;
	nearest = nearest_name(word, names, n < SWITCHES_MAX ? n : SWITCHES_MAX);
	if (nearest)
		log_line(LOG_LEVEL_ERROR, "%s: there is no option %s; did you mean %s?", command,
			 word, nearest);
	else
		log_line(LOG_LEVEL_ERROR, "%s: there is no option %s; see mvmd %s --help", command,
			 word, command);
}

int options_take_values(int argc, char **argv, OptionTake take, void *userdata)
{
	int n = 1;

	for (int i = 1; i < argc;) {
		int taken = take(argc - i, argv + i, userdata);

		if (taken < 0)
			return taken;
		if (taken == 0)
			argv[n++] = argv[i++];
		i += taken;
	}
	argv[n] = NULL;
	return n;
}

int options_parse(int argc, char **argv, const Switch *switches, size_t n_switches, int least,
		  int most)
{
	const char *command = argv[0];
	bool only_words = false;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!only_words && streq(argv[i], "--")) {
			only_words = true;
		} else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
			if (take_switch(argv[i], switches, n_switches))
				continue;
			say_unknown(command, argv[i], switches, n_switches);
			return -EINVAL;
		} else {
			argv[++n] = argv[i];
		}
	}
	if (n < least)
		log_line(LOG_LEVEL_ERROR, "%s: which VM? see mvmd %s --help", command, command);
	else if (n > most)
		log_line(LOG_LEVEL_ERROR, "%s: \"%s\" is one word too many; see mvmd %s --help",
			 command, argv[most + 1], command);
	return n < least || n > most ? -EINVAL : n;
}

int option_take_value(const char *command, const char *name, int argc, char **argv,
		      const char **ret)
{
	size_t length = strlen(name);

	if (strncmp(argv[0], name, length) != 0)
		return 0;
	if (argv[0][length] == '=' && argv[0][length + 1]) {
		*ret = argv[0] + length + 1;
		return 1;
	}
	if (name[1] != '-' && argv[0][length]) {
		*ret = argv[0] + length;
		return 1;
	}
	if (argv[0][length] != '\0' && argv[0][length] != '=')
		return 0;
	if (argv[0][length] == '\0' && argc > 1 && *argv[1]) {
		*ret = argv[1];
		return 2;
	}
	log_line(LOG_LEVEL_ERROR, "%s: %s wants a value; see mvmd %s --help", command, name,
		 command);
	return -EINVAL;
}
