/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

static const char head[] =
	"#compdef mvmd\n"
	"# Completion of zsh for mvmd, made by: mvmd complete zsh\n"
	"\n"
	"# The names, without those that stand there already.\n"
	"_mvmd_names() {\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(_call_program $1 $service complete $1 2>/dev/null)\"})\n"
	"\tcompadd -F line -a names\n"
	"}\n"
	"\n"
	"_mvmd_vms() { _mvmd_names vms }\n"
	"_mvmd_findings() { _mvmd_names findings }\n"
	"_mvmd_specs() {\n"
	"\tif [[ $PREFIX == */* ]]; then _files -g '*.json'; else _mvmd_names vms; fi\n"
	"}\n"
	"\n"
	"_mvmd() {\n"
	"\tlocal curcontext=\"$curcontext\" state\n"
	"\tlocal -a line commands\n"
	"\t_arguments -C";

static const char after_global[] = " \\\n"
				   "\t\t'1: :->command' '*:: :->word'\n"
				   "\tcase $state in\n"
				   "\tcommand)\n"
				   "\t\tcommands=(\n";

static const char after_commands[] = "\t\t)\n"
				     "\t\t_describe -t commands command commands\n"
				     "\t\t;;\n"
				     "\tword)\n"
				     "\t\tcase $words[1] in\n";

static const char tail[] = "\t\tesac\n"
			   "\t\t;;\n"
			   "\tesac\n"
			   "}\n"
			   "\n"
			   "_mvmd \"$@\"\n";

/* What the words of a command are, for _arguments. */
static const char *const takes_words[_TAKES_MAX] = {
	[TAKES_SPEC] = "'1:VM or spec:_mvmd_specs'",
	[TAKES_SPECS] = "'*:VM or spec:_mvmd_specs'",
	[TAKES_VM] = "'1:VM:_mvmd_vms'",
	[TAKES_VMS] = "'*:VM:_mvmd_vms'",
	[TAKES_FINDING] = "'1:finding:_mvmd_findings'",
};

/* The text, with what ends one in a list of zsh's taken as a letter. 0 or -ENOMEM. */
static int add_text(StrBuf *script, const char *before, const char *text, const char *special,
		    const char *after)
{
	_cleanup_free_ char *all = NULL;
	StrBuf escaped = { 0 };

	str_buf_add(&escaped, "%s", before);
	for (; *text; text++)
		str_buf_add(&escaped, "%s%c", strchr(special, *text) ? "\\" : "", *text);
	str_buf_add(&escaped, "%s", after);
	if (str_buf_take(&escaped, &all) < 0)
		return -ENOMEM;
	add_quoted(script, all);
	return 0;
}

/* '--since=[after that time]:value:' */
static int add_option(StrBuf *script, const CommandOption *option)
{
	_cleanup_free_ char *before =
		str_printf("%s%s[", option->name, option->value == '=' ? "=" : "");

	if (!before)
		return -ENOMEM;
	str_buf_add(script, " \\\n\t\t\t\t");
	return add_text(script, before, option->text, "[]:\\",
			option->value == '=' ? "]:value:" :
			option->value == ' ' ? "]:file:_files" :
					       "]");
}

static int add_command(StrBuf *script, const Command *command)
{
	CommandOptions options;
	int r = command_options(command, &options);

	str_buf_add(script, "\t\t%s)\n\t\t\t_arguments", command->name);
	for (size_t i = 0; r == 0 && i < options.n; i++)
		r = add_option(script, &options.items[i]);
	if (takes_words[command->takes])
		str_buf_add(script, " \\\n\t\t\t\t%s", takes_words[command->takes]);
	str_buf_add(script, "\n\t\t\t;;\n");
	command_options_done(&options);
	return r;
}

int completion_zsh(StrBuf *script)
{
	int r = 0;

	str_buf_add(script, "%s", head);
	for (size_t i = 0; place_option_at(i); i++)
		str_buf_add(script, " \\\n\t\t'%s=[where things lie]:directory:_files -/'",
			    place_option_at(i));
	str_buf_add(script,
		    " \\\n\t\t'--user[VMs of this user]' '--system[VMs of the host]' "
		    "'(-v --verbose)'{-v,--verbose}'[tell every step and state]' "
		    "'(- *)--version' '(- *)--help'%s",
		    after_global);
	for (size_t i = 0; r == 0 && command_at(i); i++) {
		if (!command_at(i)->sentence)
			continue;
		str_buf_add(script, "\t\t\t%s:", command_at(i)->name);
		r = add_text(script, "", command_at(i)->sentence, ":\\", "");
		str_buf_add(script, "\n");
	}
	str_buf_add(script, "%s", after_commands);
	for (size_t i = 0; r == 0 && command_at(i); i++)
		if (command_at(i)->sentence)
			r = add_command(script, command_at(i));
	str_buf_add(script, "%s", tail);
	return r;
}
