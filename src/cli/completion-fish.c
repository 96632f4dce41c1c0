/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

static const char head[] = "# Completion of fish for mvmd, made by: mvmd complete fish\n"
			   "complete -c mvmd -f\n"
			   "complete -c mvmd -s v -l verbose -d 'tell every step and state'\n"
			   "complete -c mvmd -l user -d 'VMs of this user'\n"
			   "complete -c mvmd -l system -d 'VMs of the host'\n"
			   "complete -c mvmd -n __fish_use_subcommand -l version\n"
			   "complete -c mvmd -l help\n";

static const char *const takes_words[_TAKES_MAX] = {
	[TAKES_SPEC] = "(mvmd complete vms) (__fish_complete_suffix .json)",
	[TAKES_SPECS] = "(mvmd complete vms) (__fish_complete_suffix .json)",
	[TAKES_VM] = "(mvmd complete vms)",
	[TAKES_VMS] = "(mvmd complete vms)",
	[TAKES_FINDING] = "(mvmd complete findings)",
};

static int add_command(StrBuf *script, const Command *command)
{
	CommandOptions options;
	int r = command_options(command, &options);

	str_buf_add(script, "complete -c mvmd -n __fish_use_subcommand -a %s -d ", command->name);
	add_quoted(script, command->sentence);
	str_buf_add(script, "\n");
	for (size_t i = 0; i < options.n; i++) {
		const CommandOption *option = &options.items[i];

		str_buf_add(script,
			    "complete -c mvmd -n '__fish_seen_subcommand_from %s' -l %s%s -d ",
			    command->name, option->name + strlen("--"),
			    option->value == ' ' ? " -r -F" :
			    option->value == '=' ? " -x" :
						   "");
		add_quoted(script, option->text);
		str_buf_add(script, "\n");
	}
	if (takes_words[command->takes])
		str_buf_add(script,
			    "complete -c mvmd -n '__fish_seen_subcommand_from %s' -a '%s'\n",
			    command->name, takes_words[command->takes]);
	command_options_done(&options);
	return r;
}

int completion_fish(StrBuf *script)
{
	int r = 0;

	str_buf_add(script, "%s", head);
	for (size_t i = 0; place_option_at(i); i++)
		str_buf_add(script,
			    "complete -c mvmd -l %s -x -a '(__fish_complete_directories)'\n",
			    place_option_at(i) + strlen("--"));
	for (size_t i = 0; r == 0 && command_at(i); i++)
		if (command_at(i)->sentence)
			r = add_command(script, command_at(i));
	return r;
}
