#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Completion of shells: what stands there after TAB, in bash, zsh and fish.

. "$(dirname "$0")/../lib.sh"

export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run
mkdir "$WORK/bin" "$WORK/spec" "$WORK/other" "$WORK/files"
ln -s "$MVMD" "$WORK/bin/mvmd"
PATH=$WORK/bin:$PATH
touch "$WORK"/spec/{web1,web2,db.main}.json "$WORK/other/far.json" "$WORK"/files/{x.json,x.log}

# --- bash

# shellcheck source=/dev/null
. <("$MVMD" complete bash)

# bash_has LINE: what it can become, in one line. Words are split as readline does, at "=" and at spaces.
bash_has() {
	local COMP_WORDS COMP_CWORD COMPREPLY
	read -ra COMP_WORDS <<<"${1//=/ = }"
	[[ $1 != *[\ =] ]] || [ "${1: -1}" = "=" ] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_mvmd
	printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd ' '
}

in_bash() {
	is "bash: a command" "$(bash_has "mvmd sta")" "start status"
	is "bash: no command that is not for people" "$(bash_has "mvmd unit") $(bash_has "mvmd complete")" " "
	is "bash: every command of the help" "$(bash_has "mvmd ")" \
		"$("$MVMD" --help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p' | LC_ALL=C sort | paste -sd ' ')"
	is "bash: names of VMs" "$(bash_has "mvmd start ")" "db.main web1 web2"
	is "bash: one that begins so" "$(bash_has "mvmd start d")" db.main
	is "bash: not again" "$(bash_has "mvmd start web1 w")" web2
	is "bash: a second one only where there can be two" "$(bash_has "mvmd console web1 ")" ""
	is "bash: options of the command" "$(bash_has "mvmd run --")" "--now --replace"
	is "bash: also behind a name" "$(bash_has "mvmd status web1 --l")" --last
	is "bash: options before a command" "$(bash_has "mvmd --s")" "--spec-dir= --state-dir= --system"
	is "bash: a folder, behind the =" "$(bash_has "mvmd --spec-dir=$WORK/oth")" "$WORK/other"
	is "bash: a folder, behind the space" "$(bash_has "mvmd --spec-dir $WORK/oth")" "$WORK/other"
	is "bash: the VMs of that folder" "$(bash_has "mvmd --spec-dir=$WORK/other start ")" far
	is "bash: a spec by its path" "$(bash_has "mvmd check $WORK/files/")" "$WORK/files/x.json"
	is "bash: an option's file" "$(bash_has "mvmd explain --log $WORK/files/x.l")" "$WORK/files/x.log"
	is "bash: ids of findings" "$(bash_has "mvmd explain bridge-mi")" bridge-missing
	is "bash: nothing where nothing can stand" "$(bash_has "mvmd list ")" ""
}

# --- zsh, on a terminal of its own: completion happens nowhere else

# zsh_has LINE WANTED: TAB makes that of it.
zsh_has() {
	timeout 60 zsh -f <<-END >"$WORK/zsh.out" 2>&1
		zmodload zsh/zpty
		zpty t zsh -f -i
		zpty -w t "PS1='ready> '; fpath=($WORK/zsh \$fpath); autoload -U compinit; compinit -u -D; print LOADED"
		zpty -r t out '*LOADED*ready> *' && zpty -w -n t $'$1\t'
		zpty -r t out '*${2//\*/\\*}*' && print FOUND
		zpty -d t
	END
	grep -q FOUND "$WORK/zsh.out"
}

in_zsh() {
	if ! type -P zsh >/dev/null; then
		skip "zsh" "zsh is not installed"
		return
	fi
	mkdir "$WORK/zsh"
	"$MVMD" complete zsh >"$WORK/zsh/_mvmd"
	succeeds "zsh: a command" zsh_has "mvmd cons" "mvmd console"
	succeeds "zsh: the name of a VM" zsh_has "mvmd start d" "mvmd start db.main"
	succeeds "zsh: an option" zsh_has "mvmd run --rep" "mvmd run --replace"
}

# --- fish

fish_has() {
	fish --no-config -c "source '$WORK/mvmd.fish'; complete -C '$1'" | cut -f 1 | LC_ALL=C sort | paste -sd ' '
}

in_fish() {
	if ! type -P fish >/dev/null; then
		skip "fish" "fish is not installed"
		return
	fi
	"$MVMD" complete fish >"$WORK/mvmd.fish"
	export HOME=$WORK
	is "fish: a command" "$(fish_has "mvmd sta")" "start status"
	is "fish: names of VMs" "$(fish_has "mvmd start ")" "db.main web1 web2"
	is "fish: options of the command" "$(fish_has "mvmd run --re")" "--replace"
}

in_bash
in_zsh
in_fish
exits "another shell" 64 "$MVMD" complete tcsh
finish
