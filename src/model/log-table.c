/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log-patterns.h"

/*
 * The first that fits counts, so the special stand before the general. The words are those of
 * cloud-hypervisor v30 to v53, virtiofsd 1.x, QEMU 7 to 10, Linux and systemd.
 */
const LogPattern log_patterns[] = {
	{ .id = "panic-no-root",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Kernel panic - not syncing", "Unable to mount root fs" },
	  .meaning = "The guest's kernel found no root file system.",
	  .check = "\"root=\" in the kernel's command line against the disks that the VM has; "
		   "whether the initramfs is given; whether the kernel has the drivers "
		   "virtio_blk, virtio_pci and that of the file system." },
	{ .id = "panic-no-init",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Kernel panic - not syncing", "No working init found" },
	  .meaning = "The guest has a root file system, and no program there to begin with.",
	  .check = "\"init=\" and \"root=\" in the kernel's command line; whether that disk holds "
		   "a system at all, and one of the guest's architecture." },
	{ .id = "panic-oom",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Kernel panic - not syncing", "System is deadlocked on memory" },
	  .meaning = "The guest has not enough memory to begin with.",
	  .check = "The VM's memory; the size of its initramfs, which needs several times its "
		   "compressed size." },
	{ .id = "panic",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Kernel panic - not syncing" },
	  .meaning = "The guest's kernel panicked; what follows these words is its own reason.",
	  .check = "The lines before this one on the guest's console." },
	{ .id = "triple-fault",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Guest likely triple-faulted" },
	  .meaning = "The guest's CPU was reset because it could not handle a fault: its kernel "
		     "died, or asked for a reboot in that way (reboot=t).",
	  .check = "Which kernel version the GUEST has (not the host): 6.6.64 entered by PVH dies "
		   "so, see mvmd explain PVH-6664. Without a byte on the console before it, try "
		   "another guest kernel, or the bzImage of the same." },
	{ .id = "vsock-buffers",
	  .verdict = LOG_CAUSE,
	  .pieces = { "BufDescMissing" },
	  .meaning = "The VMM's vsock does not take the buffers of newer guest kernels; the line "
		     "comes back without end.",
	  .check = "The version of cloud-hypervisor: v35 or later has it right; mvmd explain "
		   "VSOCK-SKB." },
	{ .id = "seccomp",
	  .verdict = LOG_CAUSE,
	  .pieces = { "status=31/SYS" },
	  .meaning = "A program made a system call that its seccomp filter forbids, and was killed "
		     "by SIGSYS.",
	  .check = "Which program, and its version: take a later one. For cloud-hypervisor v49 "
		   "with vsock see mvmd explain CH-VSOCK-SECCOMP-49." },
	{ .id = "kvm-missing",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Could not access KVM kernel module: No such file" },
	  .meaning = "There is no /dev/kvm.",
	  .check = "modprobe kvm_intel or kvm_amd; mvmd explain kvm-missing." },
	{ .id = "kvm-denied",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Could not access KVM kernel module: Permission denied" },
	  .meaning = "The VMM's user may not open /dev/kvm.",
	  .check = "ls -l /dev/kvm; mvmd explain kvm-denied." },
	{ .id = "disk-lock",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Failed to get \"write\" lock" },
	  .meaning = "Another process has the disk open for writing.",
	  .check = "lslocks, and who else was given this disk; mvmd explain disk-busy." },
	{ .id = "reboot-timeout",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "VmReboot(", "VhostUserConnectTimeout" },
	  .meaning = "The guest rebooted or died, the VMM wanted its backend again, and nobody "
		     "listened any more: the backend had left with its client. The VMM then ended.",
	  .check = "Why the guest was reset: its console, and which kernel version the GUEST has "
		   "(not the host); 6.6.64 entered by PVH dies at once, see mvmd explain "
		   "PVH-6664. A guest that just rebooted needs a backend that is started again; "
		   "mvmd does that." },
	{ .id = "boot-timeout",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "VmBoot(", "VhostUserConnectTimeout" },
	  .meaning = "At the first boot the VMM waited for a backend, and nobody took its "
		     "connection.",
	  .check = "Whether the backend was started, with this socket's path, and what it said: "
		   "ss -xlp." },
	{ .id = "connect-refused",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Failed connecting the backend after trying for 1 minute",
		      "ConnectionRefused" },
	  .meaning = "The VMM tried for a minute to reach a backend whose socket is there and has "
		     "nobody who listens: a backend left with its client, or never got that far. "
		     "Most likely the guest was reset just before: it rebooted, or died at once, "
		     "and the VMM wanted its backend again. Neither the socket nor a tap is to "
		     "blame.",
	  .check = "In this order: did the backend say that its client disconnected, and how long "
		   "did the guest live; did the guest print anything; which kernel version does "
		   "the GUEST have (not the host): 6.6.64 entered by PVH dies without a word, see "
		   "mvmd explain PVH-6664. Where the guest never ran, look at the backend's own "
		   "lines." },
	{ .id = "connect-absent",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Failed connecting the backend after trying for 1 minute", "NotFound" },
	  .meaning = "The VMM tried for a minute to reach a backend, and its socket was never "
		     "there.",
	  .check = "Whether the backend was started, and with this path; its own lines." },
	{ .id = "connect-failed",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Failed connecting the backend after trying for 1 minute" },
	  .meaning = "The VMM tried for a minute to reach a backend.",
	  .check = "The error that the line ends with; whether the backend runs, and what it "
		   "said: ss -xlp." },
	{ .id = "connect-timeout",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Timed out waiting for vhost-user connection on socket" },
	  .meaning = "The VMM waited for a backend for a minute, and nobody took its connection "
		     "(newer words for \"Failed connecting the backend after trying for 1 "
		     "minute\"). A backend leaves with its client, so most likely the guest was "
		     "reset just before: it rebooted, or died at once.",
	  .check = "In this order: does the fatal error behind it say VmReboot (then the guest "
		   "was reset) or VmBoot (then the backend was never there); did the guest print "
		   "anything; which kernel version does the GUEST have (not the host): 6.6.64 "
		   "entered by PVH dies without a word, see mvmd explain PVH-6664." },
	{ .id = "client-gone",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Client disconnected, shutting down" },
	  .meaning = "virtiofsd left because the VMM closed its connection, as it does by design: "
		     "the guest rebooted or died, or the VMM ended. The backend is not to blame.",
	  .check = "What ended the guest or the VMM just before: the guest's console, the VMM's "
		   "lines." },
	{ .id = "tap-write",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "failed writing to tap", "Invalid argument" },
	  .meaning = "The kernel refused a packet that the guest sent; the guest's network is dead "
		     "from then on. Certain kernels of guest and host refuse packets that are "
		     "right.",
	  .check = "The kernel versions of guest and host; mvmd explain TUN-GSO-EINVAL." },
	{ .id = "tap-busy",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "/dev/net/tun", "Device or resource busy" },
	  .meaning = "Another process has the tap open.",
	  .check =
		  "Who has it: grep -l iff:TAP /proc/*/fdinfo/*; mostly a VMM of an earlier run." },
	{ .id = "tap-flags",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "/dev/net/tun", "Invalid argument" },
	  .meaning = "The tap is there with other flags than the program asks for; mostly it has "
		     "one queue and several are asked for, or the other way round.",
	  .check = "ip -d link show TAP (multi_queue), against the number of queues of the "
		   "network card." },
	{ .id = "tap-without-bridge",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { ": vm-", ": <BROADCAST,", " state " },
	  .meaning = "This link is a port of no bridge: \"master BRIDGE\" is missing. If it is the "
		     "tap of a VM that should be on a bridge, the VM has no network.",
	  .without = " master ",
	  .check = "ip link set TAP master BRIDGE joins them now; what makes the taps must do it "
		   "each time. With mvmd: interfaces[].bridge; mvmd explain bridge-missing." },
	{ .id = "qemu-refused",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Failed to connect to '", "Connection refused" },
	  .meaning = "QEMU found a socket that has nobody who listens: the program behind it has "
		     "ended, or has left an old socket file.",
	  .check = "Who listens: ss -xlp; start that backend again, for it may have left with its "
		   "last client." },
	{ .id = "qemu-hangup",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Failed to read msg header" },
	  .meaning = "QEMU's backend closed the connection: it crashed or was ended.",
	  .check = "The backend's own last lines and exit status." },
	{ .id = "start-limit",
	  .verdict = LOG_SYMPTOM,
	  .pieces = { "Start request repeated too quickly" },
	  .meaning = "systemd gave up, for the service had failed too often in a row.",
	  .check = "The first failure, not the last: journalctl -u UNIT." },
	{ .id = "oom-killer",
	  .verdict = LOG_CAUSE,
	  .pieces = { "Out of memory: Killed process" },
	  .meaning = "The kernel had no memory left and killed a process.",
	  .check = "Whether this is the guest's console or the host's log, and which process: "
		   "then more memory there, or less for the others." },
	{ .id = "tap-exists",
	  .verdict = LOG_NOISE,
	  .pieces = { "Tap ", " already exists. IP configuration will not be overwritten" },
	  .meaning = "cloud-hypervisor found the tap that somebody made for it, and leaves its "
		     "addresses alone. That is how it should be; removing the tap takes this line "
		     "away and cures nothing." },
	{ .id = "core-scheduling",
	  .verdict = LOG_NOISE,
	  .pieces = { "Kernel lacks CONFIG_SCHED_CORE" },
	  .meaning =
		  "The host's kernel cannot keep other programs off a core's second thread while "
		  "the VM runs. The VM runs all the same." },
	{ .id = "bridge-port",
	  .verdict = LOG_NOISE,
	  .pieces = { ": port ", ") entered ", " state" },
	  .meaning = "The kernel tells that a port of a bridge came or went, as it does at each "
		     "start and end of a VM." },
};

const size_t n_log_patterns = ELEMENTSOF(log_patterns);
