# SPDX-License-Identifier: Apache-2.0
#
# The results that tests/bench/run wrote, as a table on stdout and as JSON in the file named by -v
# json=. Times come in nanoseconds and leave in microseconds.

BEGIN { FS = "\t" }

$1 == "figure" { id[++n_figures] = $2; unit[$2] = $3; title[$2] = $4 }
$1 == "skip" { skipped[$2] = $3 }
$1 == "goal" { goals[$2, ++n_goals[$2]] = $3 FS $4 FS $5 FS $6 }
$1 == "count" { counts[$2, ++n_counts[$2]] = $3 FS $4 FS $5 }
$1 == "sample" {
	if (!(($2, $3) in n_samples))
		series[$2, ++n_series[$2]] = $3
	samples[$2, $3, ++n_samples[$2, $3]] = unit[$2] == "usec" ? $4 / 1000 : $4
}

# Insertion sort: the awk of Debian has none of its own.
function sort_series(figure, name,    n, i, j, value) {
	n = n_samples[figure, name]
	for (i = 2; i <= n; i++) {
		value = samples[figure, name, i]
		for (j = i - 1; j >= 1 && samples[figure, name, j] > value; j--)
			samples[figure, name, j + 1] = samples[figure, name, j]
		samples[figure, name, j + 1] = value
	}
}

# The nearest rank: the smallest value that percent of all do not exceed.
function percentile(figure, name, percent,    n, rank) {
	n = n_samples[figure, name]
	rank = int((n * percent + 99) / 100)
	return samples[figure, name, rank < 1 ? 1 : rank]
}

function quote(text) {
	gsub(/[\\"]/, "\\\\&", text)
	return "\"" text "\""
}

function write_json(text) {
	printf "%s", text > json
}

function report_series(figure,    i, name) {
	write_json(", \"series\": {")
	for (i = 1; i <= n_series[figure]; i++) {
		name = series[figure, i]
		sort_series(figure, name)
		printf "     %-14s min %9.1f  p50 %9.1f  p99 %9.1f  max %9.1f  %s\n", name,
			percentile(figure, name, 0), percentile(figure, name, 50),
			percentile(figure, name, 99), percentile(figure, name, 100), unit[figure]
		write_json(sprintf("%s%s: {\"n\": %d, \"min\": %.1f, \"p50\": %.1f, " \
			"\"p99\": %.1f, \"max\": %.1f}", i > 1 ? ", " : "", quote(name),
			n_samples[figure, name], percentile(figure, name, 0),
			percentile(figure, name, 50), percentile(figure, name, 99),
			percentile(figure, name, 100)))
	}
	write_json("}")
}

function met_to_word(met) {
	if (!met)
		n_missed++
	n_judged++
	return met ? "met" : "NOT MET"
}

# kind is "ratio", "difference", or "most", where there is nothing to compare with; at the given percentile.
function compared(figure, kind, ours, theirs, percent,    a, b) {
	a = percentile(figure, ours, percent)
	if (kind == "most")
		return a
	b = percentile(figure, theirs, percent)
	return kind == "ratio" ? a / b : a - b
}

# The goal is judged by the medians. The least values tell what a busy machine hides.
function report_goal(figure, words,    goal, value, least, met, has_goal) {
	split(words, goal, FS)
	has_goal = goal[4] != "none"
	value = compared(figure, goal[1], goal[2], goal[3], 50)
	least = compared(figure, goal[1], goal[2], goal[3], 0)
	met = has_goal && value <= goal[4]
	printf "  %s %s = %.2f%s%s\n", has_goal ? "=>" : "--", goal[1] == "most" ? goal[2] : \
		goal[2] (goal[1] == "ratio" ? " / " : " - ") goal[3], value,
		(least > 0) ? sprintf(" (of the least: %.2f)", least) : "",
		has_goal ? sprintf(", goal <= %s: %s", goal[4], met_to_word(met)) : ""
	write_json(sprintf("{\"kind\": %s, \"ours\": %s, \"baseline\": %s, \"value\": %.3f, " \
		"\"least\": %.3f, \"goal\": %s, \"met\": %s}", quote(goal[1]), quote(goal[2]),
		goal[1] == "most" ? "null" : quote(goal[3]), value, least, has_goal ? goal[4] : "null",
		has_goal ? (met ? "true" : "false") : "null"))
}

function report_goals(figure,    i) {
	write_json(", \"goals\": [")
	for (i = 1; i <= n_goals[figure]; i++) {
		write_json(i > 1 ? ", " : "")
		report_goal(figure, goals[figure, i])
	}
	write_json("]")
}

# A count that was not taken has its reason in the place of the number.
function report_counts(figure,    i, count, is_number, word) {
	write_json(", \"counts\": {")
	for (i = 1; i <= n_counts[figure]; i++) {
		split(counts[figure, i], count, FS)
		is_number = count[2] ~ /^[0-9]+$/
		word = ""
		if (is_number && count[3] != "")
			word = sprintf(", goal %s: %s", count[3], met_to_word(count[2] <= count[3] + 0))
		printf "  => %s: %s%s\n", count[1], count[2], word
		write_json(sprintf("%s%s: %s", i > 1 ? ", " : "", quote(count[1]),
			is_number ? count[2] : quote(count[2])))
	}
	write_json("}")
}

END {
	write_json(sprintf("{\"version\": 1, \"runs\": %d, \"figures\": [", runs))
	for (f = 1; f <= n_figures; f++) {
		figure = id[f]
		printf "%s  %s\n", figure, title[figure]
		write_json(sprintf("%s\n{\"id\": %s, \"title\": %s, \"unit\": %s, \"skipped\": %s",
			f > 1 ? "," : "", quote(figure), quote(title[figure]), quote(unit[figure]),
			figure in skipped ? quote(skipped[figure]) : "null"))
		if (figure in skipped) {
			printf "  => SKIP %s\n", skipped[figure]
			n_skipped++
		}
		report_series(figure)
		report_goals(figure)
		report_counts(figure)
		write_json("}")
	}
	write_json("\n]}\n")
	printf "%d goals met, %d not met, %d figures skipped\n", n_judged - n_missed, n_missed,
		n_skipped
}
