# SPDX-License-Identifier: Apache-2.0
#
# Reads the sources below src/ (run inside the folder that has src/) and prints a line for each
# #include "..." that goes to a higher layer or to no file there, and one for each circle of
# headers, of which none could be called the lower one. Exit status 1 where anything was printed.
#
#	awk -f includes.awk $(find src -name '*.[ch]')

function layer_of(path) {
	if (path ~ /^base\//) return 0
	if (path ~ /^model\//) return 1
	if (path ~ /^host\//) return 2
	if (path ~ /^run\//) return 3
	if (path ~ /^vm(-[a-z]+)?\.[ch]$/) return 4
	if (path ~ /^cli\//) return 5
	return -1
}

function complain(text) {
	print text
	bad = 1
}

FNR == 1 {
	file = FILENAME
	sub(/^src\//, "", file)
	if (layer_of(file) < 0)
		complain(FILENAME ": lies in no layer")
	files[file] = 1
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	included[++count] = quoted[2]
	includer[count] = file
	place[count] = "src/" file ":" FNR ": "
}

# What lies outside src/: the promises to outsiders, and what make generates.
function is_outside(path) {
	return path ~ /^mvmd\// || path == "varlink-interface.h"
}

function check_layer(i) {
	if (is_outside(included[i]))
		return
	if (!(included[i] in files))
		complain(place[i] "includes \"" included[i] "\", which is no file below src/")
	else if (layer_of(included[i]) > layer_of(includer[i]))
		complain(place[i] "layer " layer_of(includer[i]) " includes \"" included[i] \
			"\" of layer " layer_of(included[i]))
}

# walk(file, path): depth first; a header met again on the way is a circle.
function walk(file, path,    headers, n, i) {
	if (state[file] == "done")
		return
	if (state[file] == "open") {
		sub(".* " file " ", " " file " ", path)
		complain("a circle of headers:" path file)
		return
	}
	state[file] = "open"
	n = split(included_by[file], headers, " ")
	for (i = 1; i <= n; i++)
		walk(headers[i], path file " ")
	state[file] = "done"
}

END {
	for (i = 1; i <= count; i++) {
		check_layer(i)
		included_by[includer[i]] = included_by[includer[i]] " " included[i]
	}
	for (i = 1; i <= count; i++)
		walk(includer[i], " ")
	exit bad
}
