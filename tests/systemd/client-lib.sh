# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034
# What the tests of mvmd's commands for units share; sourced after run-lib.sh.

EXIT_NOT_RUNNING=3
EXIT_NO_SPEC=66
EXIT_UNAVAILABLE=69
EXIT_SYSTEM=71
EXIT_BUSY=75
EXIT_PERMISSION=77
EXIT_SPEC=78
SOMEBODY=12345

QUICK='{ "timeouts": { "stop": "100ms" } }'

# mvmd_exits TITLE STATUS WORD...: mvmd, as root in the container.
mvmd_exits() {
	exits "$1" "$2" inside mvmd "${@:3}"
}

# as_somebody COMMAND...: no root, in no group.
as_somebody() {
	inside setpriv --reuid $SOMEBODY --regid $SOMEBODY --clear-groups "$@"
}

# says_here TITLE TEXT; says_not_here TITLE TEXT: the last command, on stderr.
says_here() {
	has "$1" "$WORK/err" "$2"
}

says_not_here() {
	has_not "$1" "$WORK/err" "$2"
}

# without_bridge NAME LIMIT: a VM that waits so long for a bridge that never comes.
without_bridge() {
	spec "$1" hang '{ "interfaces": [ { "id": "net0", "bridge": "br9" } ],
		"timeouts": { "bridge": "'"$2"'", "stop": "1s" } }'
}

# write_history NAME: nine failures in a row, the last one just now: the next wait is a minute.
write_history() {
	mkdir -p "$(root /var/lib/mvmd)/$1"
	jq -n --arg boot "$(cat /proc/sys/kernel/random/boot_id)" \
		--argjson now "$(awk '{ printf "%d", $1 * 1e6 }' /proc/uptime)" '{
		version: 1, boot_id: $boot, failed: 9, runs: false, last_exit_code: 69,
		last_finding: "bridge-missing", began_usec: $now, ended_usec: $now,
		waits_until_usec: 0, crashes_usec: [] }' >"$(root /var/lib/mvmd)/$1/history.json"
}
