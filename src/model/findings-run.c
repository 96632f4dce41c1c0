/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "already-running",
	  .severity = FINDING_ERROR,
	  .title = "the VM is already running",
	  .what = "Another mvmd has the VM's lock.",
	  .why = "It was started before, by hand or by its unit.",
	  .remedy = "mvmd status NAME; mvmd stop NAME." },
	{ .id = "vmm-outlived-supervisor",
	  .severity = FINDING_ERROR,
	  .title = "the VMM lives and its supervisor does not",
	  .what = "A VMM of an earlier run is still there.",
	  .why = "The mvmd that had started it was killed, by the OOM killer for instance.",
	  .remedy = "mvmd stop --force NAME ends it; mvmd run --replace NAME does that and starts "
		    "the VM anew." },
	{ .id = "leftovers",
	  .severity = FINDING_NOTE,
	  .title = "what an earlier run left was cleaned up",
	  .what = "Processes, sockets or directories of an earlier run were there, and are "
		  "removed now.",
	  .why = "The mvmd that had started them was killed.",
	  .remedy =
		  "Nothing is to be done. Who kills mvmd is worth a look: journalctl -k -g oom." },
	{ .id = "leftover-process",
	  .severity = FINDING_ERROR,
	  .title = "a process of an earlier run does not end",
	  .what = "A backend of an earlier run was told to end, was killed, and is still there.",
	  .why = "It hangs in the kernel, mostly on a disk or a network file system that does "
		 "not answer.",
	  .remedy = "ps -o pid,stat,wchan,args -p PID." },
	{ .id = "backend-start",
	  .severity = FINDING_ERROR,
	  .title = "a backend could not be prepared",
	  .what = "What a backend needs before its start could not be made.",
	  .why = "The message has the kernel's words.",
	  .remedy = "ulimit -n; mvmd run -v NAME tells each step." },
	{ .id = "backend-crashed",
	  .severity = FINDING_ERROR,
	  .title = "a backend ended",
	  .what = "A program that serves a share or a disk ended, and not because the guest "
		  "rebooted.",
	  .why = "The message has its exit status and last words: a wrong option, a right that "
		 "is missing, a crash.",
	  .remedy = "mvmd check NAME; read its lines above. A guest that goes on must mount the "
		    "share again." },
	{ .id = "listener",
	  .severity = FINDING_ERROR,
	  .title = "a socket for a backend cannot be made",
	  .what = "mvmd holds the sockets of its backends itself, and could not listen on one.",
	  .why = "A right is missing on the runtime directory, or the limit of open files is "
		 "reached.",
	  .remedy = "Run mvmd as root; ulimit -n." },
	{ .id = "share-connect",
	  .severity = FINDING_ERROR,
	  .title = "QEMU's share has nobody who listens",
	  .what = "The socket of a share could not be connected to.",
	  .why = "The backend that somebody else starts went away after it had been seen, or "
		 "refuses a second connection.",
	  .remedy = "ss -xlp lists who listens; start the backend again." },
	{ .id = "socket-not-listening",
	  .severity = FINDING_ERROR,
	  .title = "nobody listens on a backend's socket",
	  .what = "A disk or share is served by a program that somebody else starts, and nobody "
		  "listened on its socket in time.",
	  .why = "The program was not started, has ended, or left a stale socket file behind. A "
		 "vhost-user backend mostly ends with its client: after a guest's reboot it "
		 "must be started again.",
	  .remedy = "Start the program that serves it; ss -xlp lists who listens where." },
	{ .id = "socket-look",
	  .severity = FINDING_ERROR,
	  .title = "a backend's socket cannot be looked at",
	  .what = "Whether anybody listens on the socket could not be found out.",
	  .why = "The message has the kernel's words.",
	  .remedy = "ss -xlp; namei -l PATH." },
	{ .id = "socket-wait",
	  .severity = FINDING_ERROR,
	  .title = "mvmd cannot wait for a backend's socket",
	  .what = "The wait for somebody who listens could not begin.",
	  .why = "The message has the kernel's words; too many inotify watches is one.",
	  .remedy = "sysctl fs.inotify; ulimit -n." },
	{ .id = "step-deadline",
	  .severity = FINDING_ERROR,
	  .title = "a step of the start took too long",
	  .what = "Something that a start waits for did not come in time.",
	  .why = "The message names it, and the VMM's last words where there are any.",
	  .remedy = "mvmd run -v NAME tells each step; where it only needs longer: timeouts in the "
		    "spec." },
	{ .id = "cancelled",
	  .severity = FINDING_NOTE,
	  .title = "the start was stopped",
	  .what = "A start was told to stop while it waited.",
	  .why = "Somebody sent SIGTERM, SIGINT or SIGHUP, or said mvmd stop.",
	  .remedy = "Nothing is to be done." },
	{ .id = "vmm-socket",
	  .severity = FINDING_ERROR,
	  .title = "no way to talk to the VMM",
	  .what = "A socket or pipe between mvmd and the VMM could not be made.",
	  .why = "A right is missing on the runtime directory, or the limit of open files is "
		 "reached.",
	  .remedy = "Run mvmd as root; ulimit -n." },
	{ .id = "vmm-protocol",
	  .severity = FINDING_ERROR,
	  .title = "the VMM does not speak as it should",
	  .what = "The connection to the VMM broke, or its answers are not of the kind that mvmd "
		  "knows.",
	  .why = "The VMM crashed a moment ago, or is of a version that differs from those mvmd "
		 "was tested with.",
	  .remedy = "Read the VMM's lines above; cloud-hypervisor --version or qemu-system-x86_64 "
		    "--version." },
	{ .id = "vmm-silent",
	  .severity = FINDING_ERROR,
	  .title = "the VMM does not answer",
	  .what = "A request to the VMM had no answer in time.",
	  .why = "It hangs: the host is overloaded, or it waits for a disk or backend that does "
		 "not answer.",
	  .remedy =
		  "ps -o pid,stat,wchan,args; look at the backends and at the load of the host." },
	{ .id = "vmm-refused",
	  .severity = FINDING_ERROR,
	  .title = "the VMM refused what it was asked",
	  .what = "The VMM answered with an error, which the message has in full.",
	  .why = "A value of the spec that this VMM or version does not take, or a file that it "
		 "cannot open.",
	  .remedy = "Correct what the error names; mvmd plan --json NAME shows what it is given." },
	{ .id = "vmm-failed",
	  .severity = FINDING_ERROR,
	  .title = "the VMM could not be asked",
	  .what = "A request could not even be sent to the VMM.",
	  .why = "mvmd is short of memory or descriptors.",
	  .remedy = "free -m; ulimit -n." },
	{ .id = "vmm-deaf",
	  .severity = FINDING_ERROR,
	  .title = "the VMM did not boot the guest in time",
	  .what = "The VMM took the request to boot, and did not answer before timeouts.boot.",
	  .why = "Not known for sure; one way to it is a vhost-user backend that accepts the "
		 "VMM's connection and then does not answer.",
	  .remedy = "mvmd run -v NAME tells each step. Start an external backend anew; where the "
		    "VMM only needs longer: timeouts.boot." },
	{ .id = "vmm-exited",
	  .severity = FINDING_ERROR,
	  .title = "the VMM ended unasked",
	  .what = "The VMM's process is gone, and neither the guest nor mvmd had asked for it.",
	  .why = "Its last words tell, where there are any. Killed by SIGSYS: its seccomp "
		 "filter forbids a call; by SIGKILL: mostly the OOM killer.",
	  .remedy = "Read its lines above; journalctl -k -g oom; mvmd check NAME." },
	{ .id = "guest-panic",
	  .severity = FINDING_ERROR,
	  .title = "the guest's kernel panicked",
	  .what = "The guest told that its kernel panicked.",
	  .why = "The last lines of its console have the kernel's reason: no root file system, "
		 "no init, a driver.",
	  .remedy = "mvmd run NAME shows the console; boot.cmdline, boot.initramfs and the disks "
		    "are the first to check." },
	{ .id = "crash-limit",
	  .severity = FINDING_ERROR,
	  .title = "the guest was reset again and again",
	  .what = "The guest was reset several times in a row within seconds of its start, "
		  "without one byte on its console.",
	  .why = "The guest's kernel dies before it can speak. Its version and how it is "
		 "entered decide that; taps and backends do not.",
	  .remedy = "mvmd check NAME tells which kernel it is; try another one, and "
		    "\"console=ttyS0\" in boot.cmdline." },
	{ .id = "power-button-ignored",
	  .severity = FINDING_WARNING,
	  .title = "the guest did not power off",
	  .what = "The guest was asked to power off, did not within timeouts.stop, and was "
		  "ended.",
	  .why = "Nothing in the guest takes the ACPI power button, or its shutdown takes "
		 "longer.",
	  .remedy = "In the guest let systemd-logind or acpid act on the power button; where it "
		    "only needs longer: timeouts.stop." },
	{ .id = "console",
	  .severity = FINDING_ERROR,
	  .title = "the console cannot be made",
	  .what = "A pty or socket for the guest's serial line could not be made.",
	  .why = "/dev/pts is not mounted, or the limit of ptys or open files is reached.",
	  .remedy = "ls /dev/pts; sysctl kernel.pty.nr kernel.pty.max; ulimit -n." },
	{ .id = "no-console",
	  .severity = FINDING_ERROR,
	  .title = "the console cannot be had now",
	  .what = "The supervisor has no console to give.",
	  .why = "The VM is not that far yet, or too many read it already.",
	  .remedy = "mvmd status NAME; try again." },
	{ .id = "control-socket",
	  .severity = FINDING_ERROR,
	  .title = "the supervisor does not answer",
	  .what = "Connecting to the VM's supervisor, or its answer, failed.",
	  .why = "It is stopped (SIGSTOP, a debugger), hangs, or the socket is not for this "
		 "user.",
	  .remedy = "ps -o pid,stat,wchan,args -C mvmd; kill -CONT PID where it is stopped." },
	{ .id = "control-error",
	  .severity = FINDING_ERROR,
	  .title = "the supervisor answered strangely",
	  .what = "The supervisor's answer is an error that this mvmd does not know, or no JSON.",
	  .why = "It was started by another version of mvmd.",
	  .remedy = "mvmd --version; start the VM anew with this one." },
	{ .id = "not-an-owner",
	  .severity = FINDING_ERROR,
	  .title = "this user may not",
	  .what = "The supervisor refused the call: the user is neither root nor an owner of the "
		  "VM.",
	  .why = "\"owners\" in the spec lists who may stop the VM and read its console.",
	  .remedy = "sudo; or add the user to \"owners\" and start the VM anew." },
	{ .id = "known-issue",
	  .severity = FINDING_WARNING,
	  .title = "a known issue fits the VM",
	  .what = "A row of the list of known issues fits the kernel of guest or host, or the "
		  "VMM: what one sees is in the message.",
	  .why = "The version is in the row's range, and the issue is proven. That does not "
		 "prove that it is to blame for what you see now.",
	  .remedy =
		  "mvmd explain with the id of the row; the row's own remedy is in the message." },
	{ .id = "known-issue-likely",
	  .severity = FINDING_NOTE,
	  .title = "a known issue perhaps fits the VM",
	  .what = "A row of the list of known issues looks as if it fitted.",
	  .why = "A distribution's kernel has fixes that its version does not tell, or only one "
		 "source states the issue.",
	  .remedy = "mvmd explain with the id of the row; nothing is to be done while the VM runs "
		    "well." },
	{ .id = "known-issue-minor",
	  .severity = FINDING_NOTE,
	  .title = "a known issue that costs time, or needs more than a version",
	  .what = "A row of the list of known issues fits that does not keep a VM from running.",
	  .why = "The version is in the row's range; whether it matters depends on the CPU, on "
		 "settings or on the load.",
	  .remedy = "mvmd explain with the id of the row." },
};

const FindingTable findings_of_run = { "LIFE OF A VM", findings, ELEMENTSOF(findings) };
