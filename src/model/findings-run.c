/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "already-running",
	  .severity = FINDING_ERROR,
	  .title = "the VM is already running",
	  .what = "Another mvmd has the VM's lock.",
	  .why = "It was started before, by hand or by its unit.",
	  .remedy = "mvmd status NAME; mvmd stop NAME.",
	  .evidence = "state, pid" },
	{ .id = "vmm-outlived-supervisor",
	  .severity = FINDING_ERROR,
	  .title = "the VMM lives and its supervisor does not",
	  .what = "A VMM of an earlier run is still there.",
	  .why = "The mvmd that had started it was killed, by the OOM killer for instance.",
	  .remedy =
		  "mvmd start NAME, or mvmd run NAME, takes it over; mvmd stop NAME stops it. What cannot be taken "
		  "over mvmd stop --force NAME ends, and mvmd run --replace NAME starts anew.",
	  .evidence = "pid, process, path" },
	{ .id = "record-newer",
	  .severity = FINDING_ERROR,
	  .title = "the record of a running VM is of a newer mvmd",
	  .what = "state.json in the VM's runtime folder has a version that this mvmd does not know, so it "
		  "cannot tell which processes are the VM's, and starts no second one beside them.",
	  .why = "mvmd was replaced by an older version while the VM ran.",
	  .remedy = "Install the newer mvmd again, then mvmd stop NAME.",
	  .evidence = "path" },
	{ .id = "record-unreadable",
	  .severity = FINDING_ERROR,
	  .title = "the record of a running VM cannot be read",
	  .what = "state.json in the VM's runtime folder is damaged, or not to be opened.",
	  .why = "Somebody changed it; mvmd writes it whole or not at all.",
	  .remedy =
		  "Look for the VM's processes: ps -C cloud-hypervisor,qemu-system-x86_64,virtiofsd. Where "
		  "none of it lives any more, remove the file.",
	  .evidence = "path" },
	{ .id = "leftovers",
	  .severity = FINDING_NOTE,
	  .title = "what an earlier run left was cleaned up",
	  .what = "Processes, sockets or directories of an earlier run were there, and are "
		  "removed now.",
	  .why = "The mvmd that had started them was killed.",
	  .remedy = "Nothing is to be done. Who kills mvmd is worth a look: journalctl -k -g oom.",
	  .evidence = "found" },
	{ .id = "leftover-process",
	  .severity = FINDING_ERROR,
	  .title = "a process of an earlier run does not end",
	  .what = "A backend of an earlier run was told to end, was killed, and is still there.",
	  .why = "It hangs in the kernel, mostly on a disk or a network file system that does "
		 "not answer.",
	  .remedy = "ps -o pid,stat,wchan,args -p PID.",
	  .evidence = "pid, process" },
	{ .id = "leftover-tap",
	  .severity = FINDING_ERROR,
	  .title = "a tap of an earlier run cannot be removed",
	  .what = "The VM is gone, and one of its taps is still there.",
	  .why = "It takes CAP_NET_ADMIN; the message has the kernel's words.",
	  .remedy = "ip link del TAP, as root.",
	  .evidence = "tap" },
	{ .id = "backend-start",
	  .severity = FINDING_ERROR,
	  .title = "a backend could not be prepared",
	  .what = "What a backend needs before its start could not be made.",
	  .why = "The message has the kernel's words.",
	  .remedy = "ulimit -n; mvmd run -v NAME tells each step.",
	  .evidence = "backend" },
	{ .id = "backend-crashed",
	  .severity = FINDING_WARNING,
	  .title = "a backend ended and is started again",
	  .what = "A program that serves a share, a disk or an interface ended, and not because its "
		  "client had left it. The VM runs on, and a new one takes its place.",
	  .why = "The message has its exit status or signal and its last words: a crash, somebody "
		 "who killed it, a right that is missing, no memory.",
	  .remedy = "In a guest that goes on, umount the share and mount it again; its next boot "
		    "does that by itself and clears this finding. A disk or an interface needs "
		    "nothing, but the guest's connections are lost. mvmd check "
		    "NAME tells whether the backend's user can serve it.",
	  .evidence = "backend, tag, interface, crashes, exit_status, signal, core_dumped, "
		      "oom_kills, last_words" },
	{ .id = "backend-lost",
	  .severity = FINDING_ERROR,
	  .title = "a backend ended for good",
	  .what = "A program that serves a share or a disk ended, is not started again, and the "
		  "VM is stopped. Its socket is closed, so that no VMM waits for it in vain.",
	  .why = "on_exit says so, or for a share in QEMU, which never gets one back, or it has "
		 "ended five times in a row.",
	  .remedy = "Read its lines above; mvmd check NAME. on_exit of the disk or share decides "
		    "between respawn, stop-vm and restart-vm.",
	  .evidence = "backend, crashes, exit_status, signal, core_dumped, oom_kills, "
		      "last_words" },
	{ .id = "backend-usage",
	  .severity = FINDING_ERROR,
	  .title = "a backend does not take its command line",
	  .what = "A program that is to serve a share or a disk complained about its options and "
		  "ended. It is not tried again: it would do the same.",
	  .why = "It is older or newer than the versions that mvmd knows, or another program of "
		 "the same name.",
	  .remedy = "Look: virtiofsd --version, qemu-storage-daemon --version; mvmd needs "
		    "virtiofsd 1.0 and qemu-storage-daemon 6.0 or later.",
	  .evidence = "backend, exit_status, last_words" },
	{ .id = "listener",
	  .severity = FINDING_ERROR,
	  .title = "a socket for a backend cannot be made",
	  .what = "mvmd holds the sockets of its backends itself, and could not listen on one.",
	  .why = "A right is missing on the runtime directory, or the limit of open files is "
		 "reached.",
	  .remedy = "Run mvmd as root; ulimit -n.",
	  .evidence = "path" },
	{ .id = "share-connect",
	  .severity = FINDING_ERROR,
	  .title = "QEMU's share has nobody who listens",
	  .what = "The socket of a share could not be connected to.",
	  .why = "The backend that somebody else starts went away after it had been seen, or "
		 "refuses a second connection.",
	  .remedy = "ss -xlp lists who listens; start the backend again.",
	  .evidence = "device, path, attempts" },
	{ .id = "socket-not-listening",
	  .severity = FINDING_ERROR,
	  .title = "nobody listens on a backend's socket",
	  .what = "A disk or share is served by a program that somebody else starts, and nobody "
		  "listened on its socket in time.",
	  .why = "The program was not started, has ended, or left a stale socket file behind. A "
		 "vhost-user backend mostly ends with its client: after a guest's reboot it "
		 "must be started again.",
	  .remedy = "Start the program that serves it; ss -xlp lists who listens where.",
	  .evidence = "socket, seen, attempts" },
	{ .id = "socket-look",
	  .severity = FINDING_ERROR,
	  .title = "a backend's socket cannot be looked at",
	  .what = "Whether anybody listens on the socket could not be found out.",
	  .why = "The message has the kernel's words.",
	  .remedy = "ss -xlp; namei -l PATH.",
	  .evidence = "socket" },
	{ .id = "socket-wait",
	  .severity = FINDING_ERROR,
	  .title = "mvmd cannot wait for a backend's socket",
	  .what = "The wait for somebody who listens could not begin.",
	  .why = "The message has the kernel's words; too many inotify watches is one.",
	  .remedy = "sysctl fs.inotify; ulimit -n.",
	  .evidence = "socket" },
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
	  .remedy = "Run mvmd as root; ulimit -n.",
	  .evidence = "path" },
	{ .id = "vsock-path-taken",
	  .severity = FINDING_ERROR,
	  .title = "the place of the VM's vsock socket is taken",
	  .what = "Where cloud-hypervisor is to make the socket of the VM's vsock lies something "
		  "that mvmd does not remove: a folder, for instance.",
	  .why = "Somebody put it into the VM's runtime directory.",
	  .remedy = "ls -ld PATH; remove it.",
	  .evidence = "path" },
	{ .id = "vmm-protocol",
	  .severity = FINDING_ERROR,
	  .title = "the VMM does not speak as it should",
	  .what = "The connection to the VMM broke, or its answers are not of the kind that mvmd "
		  "knows.",
	  .why = "The VMM crashed a moment ago, is of a version that differs from those mvmd was "
		 "tested with, or mvmd is short of memory.",
	  .remedy = "Read the VMM's lines above; cloud-hypervisor --version or qemu-system-x86_64 "
		    "--version.",
	  .evidence = "vmm" },
	{ .id = "vmm-silent",
	  .severity = FINDING_ERROR,
	  .title = "the VMM does not answer",
	  .what = "A request to the VMM had no answer in time.",
	  .why = "It hangs: the host is overloaded, or it waits for a disk or backend that does "
		 "not answer; the message tells for which, where that can be seen.",
	  .remedy = "ps -o pid,stat,wchan,args; look at the backends and at the load of the host.",
	  .evidence = "vmm, request, device, socket, waits_for, backend_pid" },
	{ .id = "vmm-refused",
	  .severity = FINDING_ERROR,
	  .title = "the VMM refused what it was asked",
	  .what = "The VMM answered with an error, which the message has in full.",
	  .why = "A value of the spec that this VMM or version does not take, or a file that it "
		 "cannot open.",
	  .remedy = "Correct what the error names; mvmd plan --json NAME shows what it is given.",
	  .evidence = "vmm, request, vmm_error, exit_status, last_words" },
	{ .id = "vmm-deaf",
	  .severity = FINDING_ERROR,
	  .title = "the VMM did not start, boot or reboot the guest in time",
	  .what = "The VMM had its command and did not come back before timeouts.boot. It is "
		  "killed, for meanwhile it hears nothing, SIGTERM neither.",
	  .why = "Mostly it waits for a vhost-user backend, and the message tells for which: "
		 "nobody listens on its socket, or nobody accepts the VMM's connection, reads "
		 "from it or answers on it. A VMM has no limit of its own for that.",
	  .remedy = "kill -CONT PID where the backend is stopped; start an external backend anew. "
		    "One that leaves with its client must be started again at each reboot of the "
		    "guest, which mvmd does for its own. Where the VMM only needs longer: "
		    "timeouts.boot.",
	  .evidence = "device, socket, waits_for, backend_pid, last_words" },
	{ .id = "vmm-exited",
	  .severity = FINDING_ERROR,
	  .title = "the VMM ended unasked",
	  .what = "The VMM's process left with an exit status, and neither the guest nor mvmd had "
		  "asked for it.",
	  .why = "Its last words tell, where there are any. Exit status 0 proves nothing: "
		 "cloud-hypervisor leaves with it when a thread of its own fails, and after a "
		 "SIGTERM.",
	  .remedy = "Read its lines above; mvmd run -v NAME; mvmd check NAME.",
	  .evidence = "vmm, exit_status, last_words, device, socket, waits_for" },
	{ .id = "vmm-killed",
	  .severity = FINDING_ERROR,
	  .title = "the VMM was killed",
	  .what = "A signal from outside ended the VMM, and it was not mvmd's.",
	  .why = "Somebody sent it: kill(1), a service manager, a script. For SIGKILL it may also "
		 "have been the kernel for want of memory; the message says what its count of "
		 "that tells.",
	  .remedy = "journalctl -k -g 'oom-kill|Killed process'; ask who sends signals on this "
		    "host.",
	  .evidence = "vmm, signal, core_dumped, exit_status, oom_kills, last_words" },
	{ .id = "vmm-oom-killed",
	  .severity = FINDING_ERROR,
	  .title = "the kernel killed the VMM for want of memory",
	  .what = "The VMM was ended by SIGKILL, and the count of such kills in its control group "
		  "has grown.",
	  .why = "The guest and its VMM used more than the unit's or the host's memory.",
	  .remedy = "journalctl -k -g oom-kill tells whose limit it was; raise MemoryMax= of the "
		    "unit, or give the guest less: memory in the spec.",
	  .evidence = "vmm, signal, core_dumped, oom_kills, last_words" },
	{ .id = "vmm-seccomp",
	  .severity = FINDING_ERROR,
	  .title = "the VMM made a forbidden system call",
	  .what = "The VMM was ended by SIGSYS.",
	  .why = "Its own seccomp filter, or the unit's SystemCallFilter=, does not know the call: "
		 "a kernel or C library newer than the VMM, a bug, or a guest that took it over.",
	  .remedy = "journalctl -k -g 'type=1326' has the call's number (syscall=); update the "
		    "VMM.",
	  .evidence = "vmm, signal, core_dumped, oom_kills, last_words" },
	{ .id = "vmm-bus-error",
	  .severity = FINDING_ERROR,
	  .title = "the VMM's memory could not be had",
	  .what = "The VMM was ended by SIGBUS.",
	  .why = "The pool of huge pages is empty, a file that the VMM has mapped was cut short, a "
		 "file system was full, or memory is damaged.",
	  .remedy = "grep Huge /proc/meminfo; df /dev/shm; journalctl -k -g 'Memory failure'.",
	  .evidence = "vmm, signal, core_dumped, oom_kills, last_words" },
	{ .id = "vmm-crashed",
	  .severity = FINDING_ERROR,
	  .title = "the VMM crashed",
	  .what = "The VMM was ended by SIGSEGV, SIGABRT or the like, or by a panic of its own, "
		  "after which cloud-hypervisor may leave with exit status 0.",
	  .why = "Mostly a bug of the VMM; rarely damaged memory. By SIGABRT it ends itself, also "
		 "where the host's KVM does not give what it takes for granted.",
	  .remedy =
		  "Update the VMM; coredumpctl info, and its lines above, are what its authors "
		  "need. Where they name KVM or an MSR, the host's kernel, too; or set accel to tcg.",
	  .evidence = "vmm, signal, core_dumped, exit_status, oom_kills, last_words" },
	{ .id = "console",
	  .severity = FINDING_ERROR,
	  .title = "the console cannot be made",
	  .what = "A pty or socket for the guest's serial line could not be made.",
	  .why = "/dev/pts is not mounted, or the limit of ptys or open files is reached.",
	  .remedy = "ls /dev/pts; sysctl kernel.pty.nr kernel.pty.max; ulimit -n.",
	  .evidence = "path" },
	{ .id = "no-console",
	  .severity = FINDING_ERROR,
	  .title = "the console cannot be had now",
	  .what = "The supervisor has no console to give.",
	  .why = "The VM is not that far yet, or too many read it already.",
	  .remedy = "mvmd status NAME; try again." },
	{ .id = "post-mortem",
	  .severity = FINDING_ERROR,
	  .title = "the record of the last failure cannot be read",
	  .what = "mvmd status --last found a record of a run that failed, and could not read it.",
	  .why = "It is for the administrator only, or it is damaged; the message has the "
		 "kernel's words.",
	  .remedy = "sudo mvmd status --last NAME. A damaged one is the file of the highest "
		    "number in STATE/NAME/post-mortem; without it the one before is shown." },
	{ .id = "start-times",
	  .severity = FINDING_ERROR,
	  .title = "the record of the last start's time cannot be read",
	  .what = "mvmd blame found a record of the VM's last start, and could not read it.",
	  .why = "It is for the administrator only, or it is damaged; the message has the "
		 "kernel's words.",
	  .remedy = "sudo mvmd blame NAME. The next start writes it anew.",
	  .evidence = "path" },
	{ .id = "clock-jump",
	  .severity = FINDING_NOTE,
	  .title = "the host's clock was set",
	  .what = "While the VM ran the host's clock was set by a second or more.",
	  .why = "Somebody set it, or NTP for the first time. mvmd waits by no such clock; the guest "
		 "goes on with the time that it had.",
	  .remedy =
		  "In the guest: chronyc makestep, or what else sets its clock; timedatectl shows "
		  "the host's.",
	  .evidence = "jump_usec" },
	{ .id = "stop-waiting",
	  .severity = FINDING_ERROR,
	  .title = "a start that waits cannot be stopped",
	  .what = "The VM's next start waits for its turn, and could not be sent a signal.",
	  .why = "It is another user's process.",
	  .remedy = "Run mvmd stop as root.",
	  .evidence = "pid" },
	{ .id = "control-socket",
	  .severity = FINDING_ERROR,
	  .title = "the supervisor does not answer",
	  .what = "Connecting to the VM's supervisor, or its answer, failed.",
	  .why = "It is stopped (SIGSTOP, a debugger), hangs, or the socket is not for this "
		 "user.",
	  .remedy = "ps -o pid,stat,wchan,args -C mvmd; kill -CONT PID where it is stopped.",
	  .evidence = "path, attempts" },
	{ .id = "ended-meanwhile",
	  .severity = FINDING_NOTE,
	  .title = "the VM has just ended",
	  .what = "The VM ran when the command looked, and had ended before it could be asked.",
	  .why = "Its guest powered off, or somebody stopped it.",
	  .remedy = "Nothing is to be done; mvmd run NAME starts it again." },
	{ .id = "control-error",
	  .severity = FINDING_ERROR,
	  .title = "the supervisor answered strangely",
	  .what = "The supervisor's answer is an error that this mvmd does not know, or no JSON.",
	  .why = "It was started by another version of mvmd.",
	  .remedy = "mvmd --version; start the VM anew with this one.",
	  .evidence = "answer" },
	{ .id = "not-an-owner",
	  .severity = FINDING_ERROR,
	  .title = "this user may not",
	  .what = "The supervisor refused the call: the user is neither root nor an owner of the "
		  "VM.",
	  .why = "\"owners\" in the spec lists who may stop the VM and read its console.",
	  .remedy = "sudo; or add the user to \"owners\" and start the VM anew.",
	  .evidence = "uid" },
};

const FindingTable findings_of_run = { "LIFE OF A VM", findings, ELEMENTSOF(findings) };
