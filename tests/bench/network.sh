# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B3, the network's part, and B7 at scale: taps are made on four bridges and go again, as mvmd does it, beside a bare
# C program, one "ip -batch", and the script that people write, with three calls of ip a tap.

NETWORK_COUNTS="20 100 1000"
NETWORK_BRIDGES="many0 many1 many2 many3"
NETWORK_GROUP=78
NETWORK_RUNS_MAX=10 # of what takes seconds

make_bridges() {
	local bridge
	for bridge in $NETWORK_BRIDGES; do
		ip link add name "$bridge" type bridge && ip link set "$bridge" up ||
			broken "cannot make the bridge $bridge"
	done
}

remove_bridges() {
	local bridge
	for bridge in $NETWORK_BRIDGES; do
		ip link del "$bridge"
	done
}

bridge_of() { # NUMBER
	echo "many$(($1 % 4))"
}

# make_by_program ours|bare COUNT
make_by_program() {
	local word nsec means
	# shellcheck disable=SC2086 # a list of words
	means=$("$BENCH/many-taps" "$1" "$2" $NETWORK_BRIDGES 2>"$WORK/err") || broken "many-taps $1"
	while read -r word nsec; do
		[ "$word" != each ] || sample "$1 $2" "$nsec"
		[ "$word $2" != "early 1000" ] || early=$nsec
		[ "$word $2" != "late 1000" ] || late=$nsec
	done <<<"$means"
}

# shellcheck disable=SC2034 # early and late are make_by_program()'s
make_and_compare() { # COUNT
	local early=0 late=0 growth
	make_by_program bare "$1"
	growth=$((late - early))
	make_by_program ours "$1"
	[ "$1" -eq 1000 ] || return 0
	sample "ours, the first ten" "$early"
	sample "ours, the last ten, less the kernel's growth" $((late - growth))
}

remove_group() {
	ip link del group $NETWORK_GROUP || broken "cannot delete a group of taps"
}

# As many persistent taps, all commands in one process.
make_by_batch() { # COUNT
	local began i
	for ((i = 1; i <= $1; i++)); do
		echo "tuntap add vm-batch$i mode tap vnet_hdr"
		echo "link set vm-batch$i master $(bridge_of "$i") up group $NETWORK_GROUP"
	done >"$WORK/batch"
	began=$(date +%s%N)
	ip -batch "$WORK/batch" 2>"$WORK/err" || broken "ip -batch"
	sample "ip -batch $1" $((($(date +%s%N) - began) / $1))
	remove_group
}

make_by_script() { # COUNT
	local began i bridge
	began=$(date +%s%N)
	for ((i = 1; i <= $1; i++)); do
		bridge=many$((i % 4))
		ip tuntap add "vm-script$i" mode tap vnet_hdr
		ip link set "vm-script$i" master $bridge
		ip link set "vm-script$i" up
	done 2>"$WORK/err"
	sample "script $1" $((($(date +%s%N) - began) / $1))
	for ((i = 1; i <= $1; i++)); do
		echo "link set vm-script$i group $NETWORK_GROUP"
	done | ip -batch - || broken "ip -batch"
	remove_group
}

# Each tap ends with its own process, all at once.
stop_holders() { # COUNT
	local pids
	# shellcheck disable=SC2086
	"$BENCH/many-taps" holders "$1" $NETWORK_BRIDGES >"$WORK/pids" 2>"$WORK/err" &
	await test -s "$WORK/pids" || broken "the taps' holders do not come"
	read -r -a pids <"$WORK/pids"
	sample "ours gone $1" "$("$BENCH/taps-gone" "$1" vm-many signal "${pids[@]}" 2>"$WORK/err")"
	wait $!
	rm "$WORK/pids"
}

stop_batch() { # COUNT
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "tuntap add vm-group$i mode tap"
		echo "link set vm-group$i master $(bridge_of "$i") up group $NETWORK_GROUP"
	done | ip -batch - || broken "cannot make $1 taps"
	sample "group gone $1" "$("$BENCH/taps-gone" "$1" vm-group group $NETWORK_GROUP 2>"$WORK/err")"
}

bench_network() {
	local runs=$((RUNS < NETWORK_RUNS_MAX ? RUNS : NETWORK_RUNS_MAX)) count i
	figure B14 usec "a tap on its bridge, each of as many; and all of them gone"
	make_bridges
	for ((i = 0; i < runs; i++)); do
		for count in $NETWORK_COUNTS; do
			make_and_compare "$count"
			make_by_batch "$count"
			stop_holders "$count"
			stop_batch "$count"
		done
		make_by_script 100
	done
	remove_bridges
	for count in $NETWORK_COUNTS; do
		goal ratio "ours $count" "bare $count" 2.0
		compare "ours $count" "ip -batch $count"
		compare "ours gone $count" "group gone $count"
	done
	# Each of many processes ends its tap by itself, and the kernel one after the other: what a tap costs then.
	goal ratio "ours gone 20" "group gone 20" 2.0
	goal ratio "ours 100" "script 100" 0.2
	goal ratio "ours, the last ten, less the kernel's growth" "ours, the first ten" 2.0
}
