#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The package for Debian: it builds, lintian has nothing against it, and all that make install installs is in it.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/package-lib.sh"
need lintian

DEB=$BUILD/deb

# in_package: the files of the package, without the suffix that packages give to man pages.
in_package() {
	dpkg-deb --fsys-tarfile "$DEB"/mvmd_*.deb | tar -t | sed -e '/\/$/d' -e 's/^\.//' -e 's/\.gz$//' | sort
}

# by_make: what make install installs.
by_make() {
	make -s -C "$TOP" install BUILD="${BUILD#"$TOP"/}" DESTDIR="$WORK/root" >"$WORK/install.log" 2>&1
	(cd "$WORK/root" && find . ! -type d) | sed 's/^\.//' | sort
}

field() {
	dpkg-deb --field "$DEB"/mvmd_*.deb "$1"
}

succeeds "make deb" make_deb
lintian --allow-root --tag-display-limit 0 "$DEB"/*.changes >"$WORK/lintian" 2>&1
is "lintian is silent" "$(cat "$WORK/lintian")" ""
is "the version is mvmd's" "mvmd $(field Version)" "$("$MVMD" --version)"
is "all that make install brings is in it" "$(comm -13 <(in_package) <(by_make))" ""
finish
