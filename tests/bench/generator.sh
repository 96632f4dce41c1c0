# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B12: the drop-ins of 1000 VMs, as mvmd-generator writes them at boot and at each daemon-reload, beside a program that
# only parses as many specs with jansson and writes as many files.

GENERATOR_VMS=1000

write_many_specs() {
	local i
	mkdir "$WORK/many" "$WORK/run/normal"
	for ((i = 1; i <= GENERATOR_VMS; i++)); do
		cat >"$WORK/many/vm$i.json" <<-END
			{
			  "boot": { "kernel": "/srv/vm/vmlinuz", "initramfs": "/srv/vm/initrd.img", "cmdline": "console=ttyS0" },
			  "cpus": 2, "memory": "1GiB",
			  "disks": [{ "id": "root", "path": "/srv/vm/%n.raw" }, { "id": "data", "path": "/dev/vg0/vm$i" }],
			  "interfaces": [{ "id": "net0", "bridge": "br0" }],
			  "shares": [{ "tag": "data", "source": "/srv/data" }],
			  "after": ["vm$((i / 2))"]
			}
		END
	done
}

# sample_run SERIES COMMAND...: into an empty folder.
sample_run() {
	local series=$1 began
	shift
	rm -rf "$WORK"/run/normal/*
	began=${EPOCHREALTIME/[.,]/}
	"$@" 2>"$WORK/err" || broken "$1 ended with $?"
	sample "$series" $(((${EPOCHREALTIME/[.,]/} - began) * 1000))
	[ "$(find "$WORK/run/normal" -type f | wc -l)" = $GENERATOR_VMS ] || broken "$1 wrote too little"
}

bench_generator() {
	local i
	figure B12 usec "drop-ins of $GENERATOR_VMS VMs"
	write_many_specs
	for ((i = 0; i < RUNS; i++)); do
		sample_run generator env MVMD_SPEC_DIR="$WORK/many" "$BUILD/mvmd-generator" "$WORK/run/normal"
		sample_run jansson env "$BENCH/json-only" "$WORK/many" "$WORK/run/normal"
	done
	rm -rf "$WORK/many" "$WORK/run/normal"
	goal ratio generator jansson 1.25
}
