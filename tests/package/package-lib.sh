# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The package that the tests here look at. Sourced after tests/lib.sh.

need dpkg-buildpackage dh
missing=$(cd "$TOP" && dpkg-checkbuilddeps contrib/debian/control 2>&1) || skip_all "${missing#*: }"

# is_made: there is a package, and no file of the tree is newer.
is_made() {
	[ -e "$BUILD/deb/made" ] && [ -z "$(find "$TOP" \( -path "$TOP/build" -o -path "$TOP/.git" \) -prune -o \
		-type f -newer "$BUILD/deb/made" -print -quit)" ]
}

# make_deb: makes it. The tests run side by side: whoever comes first does it for all.
make_deb() {
	(
		flock 9
		is_made && exit
		touch "$WORK/began"
		DEB_BUILD_OPTIONS=nocheck make -C "$TOP" deb BUILD="${BUILD#"$TOP"/}" &&
			touch -r "$WORK/began" "$BUILD/deb/made"
	) 9>"$BUILD/deb.lock"
}
