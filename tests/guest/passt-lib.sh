# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A passt with vhost-user, for tests: the host's own, or that of the Debian 13 root (contrib/make-test-root), which is
# started by that root's own loader. Sourced after tests/lib.sh, with a folder $WORK/bin.

DEBIAN_13=${DEBIAN_13:-$BUILD/debian-13/root}

# passt_knows_vhost_user PROGRAM
passt_knows_vhost_user() {
	"$1" --help 2>&1 | grep -q -- --vhost-user
}

# find_passt: PASST is one, and the first in PATH. False where there is none.
find_passt() {
	PASST=$(type -P passt)
	if [ -z "$PASST" ] || ! passt_knows_vhost_user "$PASST"; then
		PASST=$WORK/bin/passt
		passt_of_debian_13
	fi
	passt_knows_vhost_user "$PASST"
}

# need_passt: the same; skips the whole test where there is none.
need_passt() {
	find_passt ||
		skip_all "no passt with vhost-user here (Debian 13 has one), nor in $DEBIAN_13"
}

passt_of_debian_13() {
	local loader=$DEBIAN_13/lib64/ld-linux-x86-64.so.2
	cat >"$PASST" <<-END
		#!/bin/sh
		exec $loader --library-path $DEBIAN_13/usr/lib/x86_64-linux-gnu $DEBIAN_13/usr/bin/passt "\$@"
	END
	chmod 755 "$PASST"
	PATH=$WORK/bin:$PATH
}
