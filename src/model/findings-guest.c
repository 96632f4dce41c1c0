/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "crash-limit",
	  .severity = FINDING_ERROR,
	  .title = "the guest crashed again and again",
	  .what = "As many lives of the guest as crash_limit.count says crashed within "
		  "crash_limit.within, and the VM was stopped.",
	  .why = "The message has how the last one ended. A guest that is reset again and again "
		 "without one byte on its console mostly dies at its first instructions: its "
		 "kernel's version and how it is entered decide that; taps and backends do not. "
		 "Where no console=ttyS0 in boot.cmdline asks for this console, QEMU's guest may "
		 "be well and have it elsewhere.",
	  .remedy =
		  "mvmd status --last NAME shows each life and the end of the console. mvmd check "
		  "NAME tells which kernel it is and what is known of it.",
	  .evidence = "count, within_usec, life, end, lasted_usec, console_bytes, issue" },
	{ .id = "guest-panic",
	  .severity = FINDING_ERROR,
	  .title = "the guest's kernel panicked",
	  .what = "The guest told that its kernel panicked, on its console or by its pvpanic "
		  "device.",
	  .why = "The words behind \"Kernel panic\" are the kernel's reason.",
	  .remedy = "mvmd console NAME, or mvmd status --last NAME after its end, shows the lines "
		    "before it. \"panic=5\" in boot.cmdline makes a guest reboot that would hang.",
	  .evidence = "text, life, end, lasted_usec, console_bytes" },
	{ .id = "guest-no-root",
	  .severity = FINDING_ERROR,
	  .title = "the guest found no root file system",
	  .what = "The guest's kernel or initramfs told that it cannot mount its root.",
	  .why = "root= in boot.cmdline names none of its disks, or it has no driver for them.",
	  .remedy = "Compare root= with the disks of the spec: the first is /dev/vda. An initramfs "
		    "needs virtio_pci, virtio_blk and the file system.",
	  .evidence = "text, life, end, lasted_usec, console_bytes" },
	{ .id = "guest-no-init",
	  .severity = FINDING_ERROR,
	  .title = "the guest found no init",
	  .what = "The guest's kernel told that no init starts.",
	  .why = "The root file system or initramfs has none, or one that does not run there.",
	  .remedy = "init= or rdinit= in boot.cmdline names it; look into the image: is it of the "
		    "guest's architecture, executable, with its libraries.",
	  .evidence = "text, life, end, lasted_usec, console_bytes" },
	{ .id = "guest-out-of-memory",
	  .severity = FINDING_ERROR,
	  .title = "the guest's kernel ran out of memory",
	  .what = "The guest's kernel panicked because no memory was left.",
	  .why = "The VM has too little for its kernel and initramfs, or something in the guest "
		 "takes it all.",
	  .remedy = "Raise memory in the spec.",
	  .evidence = "text, life, end, lasted_usec, console_bytes" },
	{ .id = "guest-silent",
	  .severity = FINDING_WARNING,
	  .title = "the guest says nothing",
	  .what = "The guest has run for timeouts.guest, has written nothing to its console, and no "
		  "driver of its took a device.",
	  .why = "It hangs before its console, or writes to another one than boot.cmdline says.",
	  .remedy =
		  "Put \"earlyprintk=ttyS0 console=ttyS0\" into boot.cmdline. Where it only needs "
		  "longer: timeouts.guest.",
	  .evidence = "timeout_usec, life" },
	{ .id = "guest-not-ready",
	  .severity = FINDING_ERROR,
	  .title = "the guest does not say that it is ready",
	  .what = "The spec says \"ready\": \"guest\", the guest has run for timeouts.guest, and it "
		  "has not said that it is up. The start has failed and the VM is stopped.",
	  .why = "Where not one message came (evidence messages: 0), its systemd is older than 254, "
		 "which does not know how (Debian 12 has 252), it has no systemd, or no driver "
		 "for its vsock. Otherwise it needs longer, or a job of its boot hangs.",
	  .remedy = "In the guest: systemctl --version, modprobe vmw_vsock_virtio_transport, "
		    "systemctl list-jobs. In the spec: timeouts.guest, or \"ready\": \"vmm\" for "
		    "a guest that cannot tell.",
	  .evidence = "timeout_usec, messages, reached" },
	{ .id = "vsock-listener",
	  .severity = FINDING_ERROR,
	  .title = "mvmd cannot listen on the host's vsock",
	  .what = "QEMU's guest says over the kernel's vsock that it is ready, and mvmd cannot listen "
		  "there.",
	  .why = "The host has no vsock, the unit forbids it to mvmd, or somebody else has the port.",
	  .remedy =
		  "modprobe vhost_vsock; systemctl daemon-reload, after which the unit allows it; "
		  "ss -l --vsock tells who has the port. Or \"ready\": \"vmm\".",
	  .evidence = "port" },
	{ .id = "driver-missing",
	  .severity = FINDING_WARNING,
	  .title = "the guest has no driver for a device",
	  .what = "The guest has run for timeouts.guest, has taken one of its devices, and not "
		  "this one. Only cloud-hypervisor tells of that: of a guest in QEMU, of one that "
		  "a firmware boots, and of a disk that storage-daemon serves it is unknown.",
	  .why = "Its kernel was built without the driver, or its initramfs or root file system "
		 "does not load the module.",
	  .remedy = "In the guest: modprobe virtio_net, virtio_blk or virtiofs. A kernel of one's "
		    "own needs CONFIG_VIRTIO_PCI and the driver's option.",
	  .evidence = "device, driver, life" },
	{ .id = "power-button-ignored",
	  .severity = FINDING_WARNING,
	  .title = "the guest did not power off",
	  .what = "The guest was asked to power off, did not within timeouts.stop, and was "
		  "ended.",
	  .why = "Nothing in the guest takes the ACPI power button, or its shutdown takes "
		 "longer.",
	  .remedy = "In the guest let systemd-logind or acpid act on the power button; where it "
		    "only needs longer: timeouts.stop.",
	  .evidence = "timeout_usec" },
};

const FindingTable findings_of_guest = { "THE GUEST", findings, ELEMENTSOF(findings) };
