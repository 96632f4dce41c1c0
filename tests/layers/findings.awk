# SPDX-License-Identifier: Apache-2.0
#
# Reads the sources below src/ and prints each id of a finding that is set and has no row in the table
# (src/model/findings-*.c), and each row that nobody sets. The same for the keys of evidence, which are set by
# fault_evidence() and named in the rows' .evidence.
#
#	awk -f findings.awk $(find src -name '*.c')
#
# An id is a string in the fourth argument of fault_set(). Where that argument is a variable, the ids are
# the hyphenated words of the file, in quotes.

function note_strings(text,    word) {
	while (match(text, /"[^"]*"/)) {
		word = substr(text, RSTART + 1, RLENGTH - 2)
		set[word] = file
		text = substr(text, RSTART + RLENGTH)
	}
}

function note_words(text) {
	while (match(text, /"[a-z0-9]+(-[a-z0-9]+)+"/)) {
		set[substr(text, RSTART + 1, RLENGTH - 2)] = file
		text = substr(text, RSTART + RLENGTH)
	}
}

# fourth_argument(call): call is what follows "fault_set(".
function fourth_argument(call,    i, c, depth, quoted, argument, found) {
	argument = 1
	for (i = 1; i <= length(call) && argument <= 4; i++) {
		c = substr(call, i, 1)
		if (!quoted && depth == 0 && c == ",") {
			argument++
			continue
		}
		if (c == "\"")
			quoted = !quoted
		else if (quoted && c == "\\")
			i++
		else if (!quoted && c == "(")
			depth++
		else if (!quoted && c == ")")
			depth--
		if (argument == 4)
			found = found c
	}
	return found
}

function read_file(    rest, id) {
	rest = text
	while (match(rest, /fault_set\(/)) {
		rest = substr(rest, RSTART + RLENGTH)
		if (rest ~ /^Fault /) # its definition
			continue
		id = fourth_argument(substr(rest, 1, 2000))
		if (id ~ /"/)
			note_strings(id)
		else
			note_words(text)
	}
}

function read_evidence(    rest) {
	rest = text
	while (match(rest, /fault_evidence\([^,]*,[ \t\n]*"[^"]*"/)) {
		split(substr(rest, RSTART, RLENGTH), part, "\"")
		evidence_set[part[2]] = file
		rest = substr(rest, RSTART + RLENGTH)
	}
}

FNR == 1 {
	read_file()
	read_evidence()
	text = ""
	file = FILENAME
	is_table = file ~ /model\/findings-[a-z]*\.c$/
}
is_table && match($0, /\.id = "[^"]*"/) {
	row = substr($0, RSTART + 7, RLENGTH - 8)
	if (row in rows)
		print file ": " row " has two rows"
	rows[row] = file
}
# A long list goes on in the strings of the lines below.
is_table && (in_evidence || /\.evidence = "/) {
	sub(/.*\.evidence = /, "")
	match($0, /"[^"]*"/)
	n = split(substr($0, RSTART + 1, RLENGTH - 2), key, /, */)
	for (i = 1; i <= n; i++)
		if (key[i] != "")
			evidence_row[key[i]] = file
	in_evidence = $0 !~ /[},]$/
}
!is_table { text = text $0 "\n" }

END {
	read_file()
	read_evidence()
	for (name in evidence_set)
		if (name != "errno" && !(name in evidence_row)) # errno: fault_set() gives it to all
			print evidence_set[name] ": no row names the evidence " name
	for (name in evidence_row)
		if (!(name in evidence_set))
			print evidence_row[name] ": nobody sets the evidence " name
	for (id in set)
		if (!(id in rows))
			print set[id] ": " id " is not in src/model/findings-*.c"
	for (row in rows)
		if (!(row in set))
			print rows[row] ": nobody sets " row
}
