/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "no-vmm",
	  .severity = FINDING_ERROR,
	  .title = "no VM can start on this host",
	  .what = "There is no VMM that this host can use.",
	  .why = "cloud-hypervisor needs KVM on which a stock guest runs, and v52 or later; QEMU, "
		 "which runs without KVM too, is not installed.",
	  .remedy = "apt install qemu-system-x86 (Debian), or install cloud-hypervisor v52 or "
		    "later on a host with KVM." },
	{ .id = "virtiofsd-deprecated",
	  .severity = FINDING_WARNING,
	  .title = "only the old virtiofsd is here",
	  .what = "The only virtiofsd that was found is QEMU's old one, written in C.",
	  .why = "It serves only as root, cannot serve read-only, and nobody mends it any more: "
		 "QEMU 8.0 removed it. Debian 12 has no other.",
	  .remedy = "Install the Rust virtiofsd: package virtiofsd (Debian 13, Ubuntu 24.04, "
		    "Fedora, Arch), or cargo install virtiofsd.",
	  .evidence = "program" },
	{ .id = "bridge-unsupported",
	  .severity = FINDING_WARNING,
	  .title = "the kernel has no bridges",
	  .what = "The host's kernel has neither a bridge driver nor a module of it, so that no "
		  "VM with an interface can start.",
	  .why = "It was built without, or its modules are gone: an upgrade has removed those of "
		 "the kernel that still runs.",
	  .remedy = "Reboot after an upgrade; else install the kernel's modules, or a kernel that "
		    "has CONFIG_BRIDGE.",
	  .evidence = "kernel" },
	{ .id = "bridge-netfilter",
	  .severity = FINDING_WARNING,
	  .title = "bridges go through the IP packet filter",
	  .what = "What passes between two ports of a bridge goes through the host's iptables as "
		  "well.",
	  .why = "br_netfilter is loaded, by Docker, Kubernetes or a firewall, and its sysctls "
		 "are 1, as they are by default. Where the FORWARD chain drops, as Docker's does, "
		 "a VM on a bridge reaches nobody, though all looks right.",
	  .remedy = "sysctl -w net.bridge.bridge-nf-call-iptables=0 "
		    "net.bridge.bridge-nf-call-ip6tables=0, and the same in a file of "
		    "/etc/sysctl.d; or allow it: iptables -I FORWARD -m physdev "
		    "--physdev-is-bridged -j ACCEPT.",
	  .evidence = "iptables, ip6tables" },
	{ .id = "memlock-low",
	  .severity = FINDING_NOTE,
	  .title = "little memory may be locked",
	  .what = "The limit on locked memory is below the usual 8 MiB.",
	  .why = "Before Linux 5.12 the queues of io_uring, by which a VMM uses its disks, count "
		 "against it; later kernels do not mind.",
	  .remedy = "ulimit -l, /etc/security/limits.conf; in a unit: LimitMEMLOCK=8M.",
	  .evidence = "limit" },
	{ .id = "nofile-low",
	  .severity = FINDING_WARNING,
	  .title = "few files may be open",
	  .what = "The hard limit on open files is low for what VMs of this host need.",
	  .why = "virtiofsd keeps a file open for each that the guest uses; where the limit is "
		 "reached, the guest gets \"Too many open files\".",
	  .remedy = "ulimit -Hn, /etc/security/limits.conf; in a unit: LimitNOFILE=524288.",
	  .evidence = "limit" },
	{ .id = "cgroup-v1",
	  .severity = FINDING_NOTE,
	  .title = "no control groups of version 2",
	  .what = "/sys/fs/cgroup is no control group file system of version 2.",
	  .why = "The system was booted with version 1 or a mixture of both, or this is a "
		 "container that has none. A limit on memory that holds does then not show.",
	  .remedy = "systemd.unified_cgroup_hierarchy=1 on the kernel's command line." },
	{ .id = "systemd-absent",
	  .severity = FINDING_NOTE,
	  .title = "systemd does not manage this system",
	  .what = "There is no systemd that could start VMs as units.",
	  .why = "Another init is at work, or this is a container.",
	  .remedy = "Let what starts this system's services run: mvmd run NAME." },
	{ .id = "state-directory",
	  .severity = FINDING_ERROR,
	  .title = "the state directory cannot be written to",
	  .what = "The directory that keeps each VM's uid and records cannot be written to.",
	  .why = "Its file system is read-only, or a right is missing.",
	  .remedy = "Mount it writable; or run mvmd as root, or give a --state-dir of your own." },
	{ .id = "directory-full",
	  .severity = FINDING_WARNING,
	  .title = "a file system is full",
	  .what = "The file system of the runtime or state directory has less than 1 MiB left.",
	  .why = "Sockets, locks and records of VMs lie there; a start fails half way where they "
		 "cannot be written.",
	  .remedy = "df; make room, or give another --runtime-dir or --state-dir.",
	  .evidence = "directory, available_bytes" },
	{ .id = "uid-range-shared",
	  .severity = FINDING_WARNING,
	  .title = "somebody else has the VMs' uids",
	  .what = "The range of uids that VMs get meets one of /etc/subuid.",
	  .why = "That user can become these uids by newuidmap(1), as containers without root "
		 "do, and then has what these VMs have.",
	  .remedy = "Give \"uid_range\" in host.conf another \"first\" (mvmd.host.conf(5)), or "
		    "the user another range: usermod --del-subuids, --add-subuids.",
	  .evidence = "user" },
	{ .id = "config-wrong",
	  .severity = FINDING_ERROR,
	  .title = "a file of mvmd's is wrong",
	  .what = "A spec, host.conf or a list of known issues breaks a rule; the message has "
		  "file, line, column and place.",
	  .why = "A key is misspelt, a value is out of range, or two do not go together.",
	  .remedy = "mvmd check NAME, or check --all, shows the line.",
	  .evidence = "file, pointer" },
	{ .id = "doctor-unprivileged",
	  .severity = FINDING_NOTE,
	  .title = "doctor was not run as root",
	  .what = "Rights were told as this user has them, and who holds a tap or a lock may not "
		  "show.",
	  .why = "VMs that root starts run as users of their own, which only root can become to "
		 "try.",
	  .remedy = "sudo mvmd doctor." },
};

const FindingTable findings_of_doctor = { "WHAT DOCTOR FINDS", findings, ELEMENTSOF(findings) };
