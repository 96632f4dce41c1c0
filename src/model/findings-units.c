/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "unit-stale",
	  .severity = FINDING_WARNING,
	  .title = "systemd does not know what the VM needs",
	  .what = "The unit runs with older lines than its spec asks for: a device, or what a share "
		  "needs of the sandbox, is not allowed. The VM may fail for that.",
	  .why = "mvmd-generator writes these lines into a drop-in of the unit, and systemd calls it "
		 "only at boot and at a daemon-reload; the spec was changed since. mvmd start and mvmd "
		 "restart see to that.",
	  .remedy =
		  "systemctl daemon-reload, and then: systemctl restart mvmd@NAME. Where that "
		  "changes nothing, mvmd-generator is missing: systemd.generator(7) has the folders.",
	  .evidence = "line, lines" },
	{ .id = "no-runtime-dir",
	  .severity = FINDING_ERROR,
	  .title = "there is nowhere for a user's sockets",
	  .what = "XDG_RUNTIME_DIR is not set, and a user's VMs have their sockets and their systemd "
		  "there.",
	  .why = "A login makes the folder (pam_systemd). su and sudo are no login, and a cron job or a "
		 "unit has none by itself.",
	  .remedy =
		  "Log in as that user: ssh, or machinectl shell USER@. Or let the user linger (as "
		  "root: loginctl enable-linger USER), and set XDG_RUNTIME_DIR=/run/user/UID. Or "
		  "give --runtime-dir.",
	  .evidence = "uid" },
	{ .id = "no-user-manager",
	  .severity = FINDING_ERROR,
	  .title = "the user's systemd cannot be reached",
	  .what = "A plain user's units are those of his own systemd, and that does not answer.",
	  .why = "It runs from the user's first login to his last logout. su and sudo are no login. Its "
		 "sockets are in XDG_RUNTIME_DIR.",
	  .remedy =
		  "systemctl status user@UID. As root: loginctl enable-linger USER starts it now and at "
		  "each boot. mvmd run NAME needs none.",
	  .evidence = "uid" },
	{ .id = "start-slots",
	  .severity = FINDING_WARNING,
	  .title = "the start slots cannot be used",
	  .what = "host.conf limits how many VMs start at the same time, and the folder that counts them "
		  "cannot be made, or not be written to. The VM starts without waiting.",
	  .why = "The runtime directory is full or read-only, or something else has the path.",
	  .remedy = "Look: df /run; ls -ld /run/mvmd/.slots.",
	  .evidence = "path" },
	{ .id = "after-unknown",
	  .severity = FINDING_WARNING,
	  .title = "\"after\" names a VM that does not exist",
	  .what = "There is no spec of that name, so that there is nothing to start after.",
	  .why = "The name is misspelt, or that VM's spec was removed.",
	  .remedy = "List all with mvmd list; correct the name in the spec, or take it out.",
	  .evidence = "name, nearest" },
	{ .id = "after-circle",
	  .severity = FINDING_WARNING,
	  .title = "\"after\" goes round in a circle",
	  .what = "By their specs, each of some VMs is to start after another one of them. One entry is "
		  "left out, so that all of them start.",
	  .why = "Two specs each name the other VM, or more of them in a row.",
	  .remedy =
		  "Take one of the entries of the circle out of its spec's \"after\"; then: systemctl "
		  "daemon-reload.",
	  .evidence = "circle, left_out" },
	{ .id = "no-systemd",
	  .severity = FINDING_ERROR,
	  .title = "there is no systemd to ask",
	  .what = "The command is about the unit of a VM, and process 1 of this host is not systemd.",
	  .why = "/run/systemd/system is not there: another init runs, or this is a container without "
		 "one.",
	  .remedy = "mvmd run NAME starts a VM in the foreground, mvmd stop NAME ends it." },
	{ .id = "no-system-bus",
	  .severity = FINDING_ERROR,
	  .title = "no way to systemd",
	  .what = "systemd is there, and no connection to it can be had.",
	  .why = "Root asks process 1 at /run/systemd/private; everybody else goes by the message "
		 "bus, which is not installed, not started, or not for this user.",
	  .remedy = "sudo; or install dbus, and start it: systemctl start dbus." },
	{ .id = "unit-denied",
	  .severity = FINDING_ERROR,
	  .title = "the caller may not manage the VM's unit",
	  .what = "systemd did not do what it was asked for, because of who asked.",
	  .why = "Only root may, and whom polkit allows it. An owner of the VM may stop it, "
		 "whatever polkit says.",
	  .remedy =
		  "sudo. For good, a rule in /etc/polkit-1/rules.d/50-mvmd.rules; this one is for "
		  "the group kvm: polkit.addRule(function(action, subject) { if (action.id == "
		  "\"org.freedesktop.systemd1.manage-units\" && "
		  "action.lookup(\"unit\").startsWith(\"mvmd@\") && subject.isInGroup(\"kvm\")) "
		  "return polkit.Result.YES; }); polkitd reads it by itself.",
	  .evidence = "unit, uid" },
	{ .id = "unit-missing",
	  .severity = FINDING_ERROR,
	  .title = "systemd has no unit for VMs",
	  .what = "systemd knows no mvmd@.service.",
	  .why = "mvmd was installed elsewhere than where systemd looks for units, or systemd has "
		 "not read them since.",
	  .remedy = "make install, with unitdir= where systemd looks; systemctl daemon-reload.",
	  .evidence = "unit" },
	{ .id = "unit-masked",
	  .severity = FINDING_ERROR,
	  .title = "the VM's unit is masked",
	  .what = "systemd does not start the unit, whoever asks.",
	  .why = "Somebody forbade it: systemctl mask.",
	  .remedy = "systemctl unmask mvmd@NAME.",
	  .evidence = "unit" },
	{ .id = "unit-setting",
	  .severity = FINDING_ERROR,
	  .title = "the unit's file is wrong",
	  .what = "systemd refuses the unit's file, or one of its drop-ins.",
	  .why = "A line in /etc/systemd/system/mvmd@NAME.service.d/ or in the unit itself says what "
		 "cannot be.",
	  .remedy =
		  "systemd-analyze verify mvmd@NAME.service; systemctl cat mvmd@NAME shows all of "
		  "it.",
	  .evidence = "unit" },
	{ .id = "unit-call",
	  .severity = FINDING_ERROR,
	  .title = "systemd refuses",
	  .what = "systemd did not do what it was asked for. The message has its own words.",
	  .why = "The host shuts down, the unit refuses to be started by hand, or systemd is too busy "
		 "to answer.",
	  .remedy = "systemctl status mvmd@NAME; systemctl list-jobs.",
	  .evidence = "unit, answer" },
	{ .id = "systemd-lost",
	  .severity = FINDING_ERROR,
	  .title = "the connection to systemd was lost",
	  .what = "systemd closed the connection while a job was waited for. The job goes on.",
	  .why = "systemd was executed anew: systemctl daemon-reexec, or an upgrade.",
	  .remedy = "mvmd list tells what became of it." },
	{ .id = "unit-failed",
	  .severity = FINDING_ERROR,
	  .title = "the VM's unit failed",
	  .what = "The VM's supervisor ended without a cause of its own on record: the message has "
		  "what is known.",
	  .why = "It was killed, systemd could not execute it in the unit's sandbox, or its last "
		 "words are not for the caller to see.",
	  .remedy = "journalctl -e -u mvmd@NAME, as root.",
	  .evidence = "result" },
	{ .id = "journal-missing",
	  .severity = FINDING_ERROR,
	  .title = "there is no systemd journal",
	  .what = "mvmd logs reads the systemd journal, and this host keeps none.",
	  .why = "systemd-journald does not run, its Storage= is none, or another init runs.",
	  .remedy =
		  "systemctl status systemd-journald; journald.conf(5) tells about Storage=. An mvmd "
		  "run by hand has all its lines on its terminal." },
	{ .id = "journal-forbidden",
	  .severity = FINDING_ERROR,
	  .title = "the journal is not for this user",
	  .what = "The system's journal may not be read by who asks for it.",
	  .why = "It has what all services say, so it is for root and the groups systemd-journal and "
		 "adm.",
	  .remedy = "Use sudo, or: usermod -a -G systemd-journal USER, and log in again." },
	{ .id = "journal-unreadable",
	  .severity = FINDING_ERROR,
	  .title = "the journal cannot be read",
	  .what = "The system's journal is there, and opening it failed.",
	  .why = "The message has the kernel's words: a limit of open files, or memory.",
	  .remedy = "ulimit -n; journalctl --verify." },
	{ .id = "unit-job",
	  .severity = FINDING_ERROR,
	  .title = "systemd dropped the job",
	  .what = "systemd took the job and did not carry it out.",
	  .why = "Somebody asked for something else meanwhile, a stop during a start for instance; or "
		 "a unit that this one requires failed.",
	  .remedy = "mvmd status NAME; systemctl list-jobs.",
	  .evidence = "result" },
	{ .id = "target-disabled",
	  .severity = FINDING_WARNING,
	  .title = "mvmd.target does not start at boot",
	  .what = "A VM is enabled, and the target that starts all of these is not.",
	  .why = "A VM that is enabled starts with mvmd.target; that one starts at boot where it is "
		 "enabled itself, which a package does and make install does not.",
	  .remedy = "systemctl enable mvmd.target." },
	{ .id = "unit-changed",
	  .severity = FINDING_WARNING,
	  .title = "the unit was changed since the VM was started",
	  .what = "A reload takes over a new program; the lines of the unit stay those of the start.",
	  .why = "A file of the unit was written after the VM was started: by an upgrade, which may "
		 "have changed nothing in it, or by hand.",
	  .remedy =
		  "mvmd restart NAME where the new lines are wanted, after systemctl daemon-reload; "
		  "systemctl cat mvmd@NAME shows them.",
	  .evidence = "path" },
	{ .id = "started-by-hand",
	  .severity = FINDING_ERROR,
	  .title = "the VM was not started by its unit",
	  .what = "The VM runs, and systemd knows nothing of it.",
	  .why = "It was started with mvmd run.",
	  .remedy = "mvmd stop NAME && mvmd start NAME." },
};

const FindingTable findings_of_units = { "UNITS AND THE ORDER OF STARTS", findings,
					 ELEMENTSOF(findings) };
