# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B11: how long a start looks at the guest's kernel for its version, beside one read of all of it. Where a
# vmlinux was stripped of its sections and its version stands at the very end, all of it is read and searched.

KERNELS="bzimage vmlinux stripped"

kernel_time() { # version|read FILE
	"$BENCH/kernel-version" "$1" "$2" 2>"$WORK/err"
}

bench_kernel() {
	local i kind image=$WORK/run/kernel
	figure B11 usec "the version of a guest's kernel, 12 MB as a bzImage, 60 MB as a vmlinux"
	for kind in $KERNELS; do
		"$BENCH/kernel-version" make-$kind "$image.$kind" || broken "cannot make a $kind"
	done
	for ((i = 0; i < RUNS; i++)); do
		for kind in $KERNELS; do
			sample $kind "$(kernel_time version "$image.$kind")"
			sample "$kind, read" "$(kernel_time read "$image.$kind")"
		done
	done
	rm "$image".*
	at_most bzimage 1000
	goal ratio vmlinux "vmlinux, read" 1.0
	compare stripped "stripped, read"
}
