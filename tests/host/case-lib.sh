# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
#
# What the cases of the emulated host share: the surroundings that tests of `mvmd run` have
# everywhere (lib.sh, guest/run-lib.sh, guest/faults-lib.sh), and a Linux guest. A case is a file in tests/host/cases that
# begins so:
#
#	. "$(dirname "$0")/../case-lib.sh"
#	private_host "$@"

tests=$(dirname "${BASH_SOURCE[0]}")/..
. "$tests/lib.sh"
. "$tests/guest/run-lib.sh"
. "$tests/guest/run-cases.sh"
. "$tests/guest/faults-lib.sh"

ACCEL=kvm
AWAIT_SEC=600 # nothing is fast here, and the machine below may have more to do
AWAIT_STEP_SEC=0.5 # and each look takes the guest's processor

# private_host "$@": goes on in namespaces of its own, with br0 as 10.0.0.1, and the Linux guest where
# the VM's user may read it.
private_host() {
	private_namespaces "$@"
	make_host
	ip addr add 10.0.0.1/24 dev br0
	cp "$BUILD"/linux-guest/{vmlinuz,initramfs.img} "$WORK/"
	echo "a line of the host's" >"$WORK/share/from-host"
}

# has_vmm: for $VMM, whether it is installed. cloud-hypervisor is in no distribution's packages.
has_vmm() {
	case $VMM in
	cloud-hypervisor) command -v cloud-hypervisor ;;
	qemu) command -v qemu-system-x86_64 ;;
	esac >/dev/null
}

# case_with VMM NAME FUNCTION: as case_of, and skipped where the VMM is not installed.
case_with() {
	VMM=$1
	if has_vmm; then
		case_of "$2" "$3"
	else
		skip "$2" "$VMM is not installed"
	fi
}

# share: as run-lib.sh has it; the C virtiofsd, where it is the only one, serves as root alone.
share() {
	local user=
	command -v virtiofsd >/dev/null || user=', "user": "root"'
	printf '{ "shares": [ { "tag": "data", "source": "%s"%s } ] }' "$WORK/share" "$user"
}

# Each byte on the console is an exit through two hypervisors, hence quiet. The emulated processor's
# XSAVE is not what the kernel expects, which would cost a page of warnings.
LINUX_WORDS="console=ttyS0 panic=1 quiet mitigations=off noxsave"

# linux_spec NAME WORDS [JSON]: the Linux guest with the share; the words are added to its kernel's,
# the JSON to its spec.
linux_spec() {
	local more=${3:-"{}"}
	spec "$1" "" "$(share | jq --arg folder "$WORK" --arg words "$LINUX_WORDS $2" \
		--argjson more "$more" '. + $more + {
		memory: "256MiB",
		boot: {
			kernel: ($folder + "/vmlinuz"),
			initramfs: ($folder + "/initramfs.img"),
			cmdline: $words
		}
	}')"
}
