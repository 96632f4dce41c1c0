/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

/* Readline splits words at "=", too. Nothing of the package bash-completion is needed. */
static const char head[] =
	"# Completion of bash for mvmd, made by: mvmd complete bash\n"
	"\n"
	"# The words that the completion can be, a line each, of which those count that begin as the word does.\n"
	"_mvmd_words() {\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	"\t[[ ${COMPREPLY-} != *= ]] || compopt -o nospace 2>/dev/null\n"
	"}\n"
	"\n"
	"# compgen's options: those files.\n"
	"_mvmd_files() {\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen \"$@\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"# Names, without those that stand there already.\n"
	"_mvmd_names() {\n"
	"\tlocal name names=\n"
	"\tfor name in $(\"${COMP_WORDS[0]}\" \"${places[@]}\" complete \"$1\" 2>/dev/null); do\n"
	"\t\t[[ \" $given \" == *\" $name \"* ]] || names+=\"$name \"\n"
	"\tdone\n"
	"\t_mvmd_words \"$names\"\n"
	"}\n"
	"\n";

static const char scan[] =
	"_mvmd() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} word command= given= options= takes= i\n"
	"\tlocal places=()\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n";

static const char scan_places[] = ")\n"
				  "\t\t\t[[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))\n"
				  "\t\t\t((++i < COMP_CWORD)) || {\n"
				  "\t\t\t\tcur=${cur#=}\n"
				  "\t\t\t\t_mvmd_files -d\n"
				  "\t\t\t\treturn\n"
				  "\t\t\t}\n"
				  "\t\t\tplaces+=(\"$word=${COMP_WORDS[i]}\")\n"
				  "\t\t\t;;\n";

static const char scan_values[] = ")\n"
				  "\t\t\t((++i < COMP_CWORD)) || {\n"
				  "\t\t\t\t_mvmd_files -f\n"
				  "\t\t\t\treturn\n"
				  "\t\t\t}\n"
				  "\t\t\t;;\n";

static const char scan_rest[] =
	"\t\t=) ((++i < COMP_CWORD)) || return ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) [[ -n $command ]] && given+=\" $word\" || command=$word ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $command in\n";

static const char tail[] = "\tesac\n"
			   "\tif [[ $cur == -* ]]; then\n"
			   "\t\t_mvmd_words \"$options\"\n"
			   "\t\treturn\n"
			   "\tfi\n"
			   "\t# One is all that these take.\n"
			   "\t[[ -z $given || $takes == *s ]] || return\n"
			   "\tcase $takes in\n"
			   "\tvm* | spec*) _mvmd_names vms ;;\n"
			   "\tfinding) _mvmd_names findings ;;\n"
			   "\tesac\n"
			   "\tif [[ $takes == spec* && $cur == */* ]]; then\n"
			   "\t\t_mvmd_files -d\n"
			   "\t\t_mvmd_files -f -X '!*.json'\n"
			   "\tfi\n"
			   "}\n"
			   "\n"
			   "complete -F _mvmd mvmd\n";

static const char *const takes_words[_TAKES_MAX] = {
	[TAKES_SPEC] = "spec", [TAKES_SPECS] = "specs",	    [TAKES_VM] = "vm",
	[TAKES_VMS] = "vms",   [TAKES_FINDING] = "finding",
};

/* The options of all commands that have a value of that kind: "--log | --other". 0 or -ENOMEM. */
static int add_valued(StrBuf *script, char value, const char *end)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && command_at(i); i++) {
		CommandOptions options;

		r = command_options(command_at(i), &options);
		for (size_t j = 0; r == 0 && j < options.n; j++)
			if (options.items[j].value == value)
				str_buf_add(script, "%s%s", n++ > 0 ? " | " : "\t\t",
					    options.items[j].name);
		command_options_done(&options);
	}
	if (n > 0)
		str_buf_add(script, "%s", end);
	return r;
}

static int add_command(StrBuf *script, const Command *command)
{
	CommandOptions options;
	int r = command_options(command, &options);

	str_buf_add(script, "\t%s) options='", command->name);
	for (size_t i = 0; i < options.n; i++)
		str_buf_add(script, "%s%s%s", i > 0 ? " " : "", options.items[i].name,
			    options.items[i].value == '=' ? "=" : "");
	str_buf_add(script, "' takes=%s ;;\n", takes_words[command->takes] ?: "");
	command_options_done(&options);
	return r;
}

/* Before a command: the commands, and what stands before them. */
static void add_global(StrBuf *script)
{
	str_buf_add(script, "\t'')\n\t\t[[ $cur != -* ]] || _mvmd_words '");
	for (size_t i = 0; place_option_at(i); i++)
		str_buf_add(script, "%s= ", place_option_at(i));
	str_buf_add(
		script,
		"--user --system --verbose --version --help'\n\t\t[[ $cur == -* ]] || _mvmd_words '");
	for (size_t i = 0; command_at(i); i++)
		if (command_at(i)->sentence)
			str_buf_add(script, "%s%s", i > 0 ? " " : "", command_at(i)->name);
	str_buf_add(script, "'\n\t\treturn\n\t\t;;\n");
}

int completion_bash(StrBuf *script)
{
	int r;

	str_buf_add(script, "%s%s\t\t", head, scan);
	for (size_t i = 0; place_option_at(i); i++)
		str_buf_add(script, "%s%s", i > 0 ? " | " : "", place_option_at(i));
	str_buf_add(script, "%s", scan_places);
	r = add_valued(script, ' ', scan_values);
	str_buf_add(script, "%s", scan_rest);
	add_global(script);
	for (size_t i = 0; r == 0 && command_at(i); i++)
		if (command_at(i)->sentence)
			r = add_command(script, command_at(i));
	str_buf_add(script, "%s", tail);
	return r;
}
