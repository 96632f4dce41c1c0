/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "model/helper-faults.h"
#include "mvmd/exit-codes.h"

static int remedy_allow(const char *bridge, Fault *fault)
{
	return fault_remedy(fault, "as root: echo \"allow %s\" >> " BRIDGE_ACL_FILE, bridge);
}

static int fault_acl_line(const AclFact *acl, const char *bridge, Fault *fault)
{
	if (acl->verdict == ACL_DENIED) {
		(void) fault_set(fault, -EACCES, MVMD_EXIT_PERMISSION, "helper-acl-denies",
				 "qemu-bridge-helper may not use bridge %s: %s:%u says \"%s\"",
				 bridge, acl->file, acl->line, acl->text);
		(void) fault_why(fault, "a line with deny stands against all with allow, wherever "
					"they are");
		(void) fault_remedy(fault, "take that line out, as root; or name another bridge");
	} else {
		(void) fault_set(fault, -EINVAL, MVMD_EXIT_PERMISSION, "helper-acl-broken",
				 "qemu-bridge-helper cannot read its access file: %s:%u is \"%s\"",
				 acl->file, acl->line, acl->text);
		(void) fault_why(fault, "a line is allow, deny or include, a space, and one word; "
					"one that is not makes the helper refuse everything");
		(void) fault_remedy(fault, "correct that line, as root");
	}
	(void) fault_evidence(fault, "file", "%s", acl->file);
	return fault_evidence(fault, "line", "%u", acl->line);
}

static int fault_acl_file(const AclFact *acl, const char *bridge, Fault *fault)
{
	switch (acl->verdict) {
	case ACL_MISSING:
		(void) fault_set(fault, -ENOENT, MVMD_EXIT_PERMISSION, "helper-acl-missing",
				 "qemu-bridge-helper may not use bridge %s: it has no access file, "
				 "%s",
				 bridge, BRIDGE_ACL_FILE);
		(void) fault_why(fault,
				 "without one it refuses every bridge, and Debian ships none");
		return fault_remedy(fault, "as root: mkdir -p /etc/qemu && echo \"allow %s\" >> %s",
				    bridge, BRIDGE_ACL_FILE);
	case ACL_UNREADABLE:
		(void) fault_set(fault, acl->error, MVMD_EXIT_PERMISSION, "helper-acl-unreadable",
				 "qemu-bridge-helper cannot read its access file, %s: %m",
				 BRIDGE_ACL_FILE);
		(void) fault_why(fault, "it gives root's rights up before it reads, so that its "
					"user must be able to");
		return fault_remedy(fault,
				    "as root: chmod 0644 %s; who may use which bridge can stand in "
				    "files of mode 0640 that it includes",
				    BRIDGE_ACL_FILE);
	case ACL_NOT_ALLOWED:
	case ACL_UNKNOWN:
	case ACL_ALLOWED:
	case ACL_DENIED:
	case ACL_BROKEN:
	default:
		(void) fault_set(fault, -EACCES, MVMD_EXIT_PERMISSION, "helper-acl-silent",
				 "qemu-bridge-helper may not use bridge %s: no line of %s, or of a "
				 "file that it includes, allows it",
				 bridge, BRIDGE_ACL_FILE);
		(void) fault_why(fault, "what is not allowed there is refused");
		return remedy_allow(bridge, fault);
	}
}

int fault_helper_acl(const AclFact *acl, const char *bridge, Fault *fault)
{
	if (acl->verdict == ACL_UNKNOWN || acl->verdict == ACL_ALLOWED)
		return 0;
	if (acl->verdict == ACL_DENIED || acl->verdict == ACL_BROKEN)
		(void) fault_acl_line(acl, bridge, fault);
	else
		(void) fault_acl_file(acl, bridge, fault);
	return fault_evidence(fault, "bridge", "%s", bridge);
}

static int remedy_rights(const char *path, Fault *fault)
{
	return fault_remedy(fault,
			    "as root: chmod u+s %s, or: setcap cap_net_admin+ep %s; on Debian, "
			    "dpkg-statoverride --update --add root root 4755 %s keeps it over "
			    "upgrades",
			    path, path, path);
}

int fault_helper_rights(const Program *helper, FileRights rights, uid_t uid, Fault *fault)
{
	const char *path = helper->path;

	if (rights == FILE_RIGHTS_COUNT)
		return 0;
	(void) fault_set(fault, -EPERM, MVMD_EXIT_PERMISSION,
			 rights == FILE_RIGHTS_NONE ? "helper-no-rights" : "helper-rights-void",
			 "%s cannot make a tap for uid %u", path, (unsigned) uid);
	(void) fault_evidence(fault, "path", "%s", path);
	switch (rights) {
	case FILE_RIGHTS_NO_NEW_PRIVS:
		(void) fault_why(fault, "it is set-uid root or has CAP_NET_ADMIN, and that is void "
					"here: no_new_privs is set, by the unit (NoNewPrivileges=) "
					"or by whoever started mvmd");
		return fault_remedy(fault, "NoNewPrivileges=no in the unit (man systemd.exec lists "
					   "what else sets it for a user's unit); in a container, "
					   "let it have new privileges");
	case FILE_RIGHTS_NOSUID:
		(void) fault_why(fault, "it is set-uid root or has CAP_NET_ADMIN, and that is void "
					"here: its file system is mounted with nosuid");
		return fault_remedy(fault,
				    "findmnt --target %s; mount it with suid, or name another "
				    "copy in host.conf: { \"helper\": { \"program\": … } }",
				    path);
	case FILE_RIGHTS_NONE:
	case FILE_RIGHTS_COUNT:
	default:
		(void) fault_why(fault, "its file is neither set-uid root nor has CAP_NET_ADMIN: "
					"Debian leaves that to each host");
		return remedy_rights(path, fault);
	}
}

int fault_helper_program(const Program *helper, Fault *fault)
{
	if (helper->path && helper->error == 0)
		return 0;
	if (!helper->path) {
		(void) fault_set(fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "program-missing",
				 "qemu-bridge-helper is not installed, and \"attach\": \"helper\" "
				 "needs it");
		(void) fault_evidence(fault, "program", "qemu-bridge-helper");
		return fault_remedy(fault,
				    "apt install qemu-system-common (Debian); where it lies "
				    "elsewhere, host.conf: { \"helper\": { \"program\": … } }");
	}
	(void) fault_set(fault, helper->error,
			 helper->error == -EACCES ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 "program-denied", "uid %u cannot execute %s: %m", (unsigned) helper->uid,
			 helper->path);
	(void) fault_evidence(fault, "path", "%s", helper->path);
	(void) fault_evidence(fault, "uid", "%u", (unsigned) helper->uid);
	return fault_remedy(fault, "ls -l %s: where it is for one group, join that (usermod -aG)",
			    helper->path);
}

/* A line each of qemu-bridge-helper.c, as far as it leads on to something. */
static int fault_by_words(const HelperFact *helper, const AclFact *acl, const char *bridge,
			  const char *words, Fault *fault)
{
	bool denied = strstr(words, strerror(EPERM)) || strstr(words, strerror(EACCES));

	if (strstr(words, "acl file"))
		return fault_helper_acl(acl, bridge, fault);
	if (strstr(words, "failed to create tun device") && denied)
		return fault_helper_rights(&helper->program, helper->rights, helper->program.uid,
					   fault);
	if (strstr(words, strerror(EXFULL))) {
		(void) fault_set(fault, -EXFULL, MVMD_EXIT_UNAVAILABLE, "bridge-full",
				 "cannot put a tap on bridge %s: the bridge is full", bridge);
		return fault_remedy(fault, "set interfaces[].bridge to another bridge");
	}
	if (strstr(words, "control socket")) {
		(void) fault_set(fault, -EAFNOSUPPORT, MVMD_EXIT_PERMISSION, "unit-lacks",
				 "qemu-bridge-helper may not open the socket that it sets links "
				 "up by");
		(void) fault_why(fault, "the unit (RestrictAddressFamilies=) forbids it");
		(void) fault_evidence(fault, "lacks", "RestrictAddressFamilies=AF_INET");
		return fault_remedy(fault, "systemctl daemon-reload, and start the VM again");
	}
	return 0;
}

/* One line of them, to stand in a sentence. */
static char *in_one_line(const char *words)
{
	StrBuf line = { 0 };
	char *text = NULL;

	for (const char *c = words; *c; c++)
		if (*c != '\n')
			str_buf_add_bytes(&line, c, 1);
		else if (c[1])
			str_buf_add(&line, "; ");
	return str_buf_take(&line, &text) < 0 ? NULL : text;
}

int fault_helper_failed(const HelperFact *helper, const AclFact *acl, const char *bridge,
			const char *words, Fault *fault)
{
	_cleanup_free_ char *line = in_one_line(words);

	if (!line)
		return fault_oom(fault);
	if (fault_by_words(helper, acl, bridge, words, fault) == 0) {
		(void) fault_set(fault, -EIO, MVMD_EXIT_UNAVAILABLE, "helper-failed",
				 "%s made no tap on bridge %s: %s", helper->program.path, bridge,
				 *line ? line : "it said nothing");
		(void) fault_remedy(fault, "ip -d link show %s; ls -l %s /dev/net/tun", bridge,
				    helper->program.path);
	}
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	return fault_evidence(fault, "said", "%s", line);
}

static int judge_interface(const Spec *spec, const Facts *facts, size_t i, FaultList *faults)
{
	Fault fault = { 0 };

	if (fault_helper_acl(&facts->helper.acls[i], spec->interfaces[i].bridge, &fault) == 0)
		return 0;
	(void) fault_prefix(&fault, "interface %s", spec->interfaces[i].id);
	return fault_list_take(faults, &fault);
}

int helper_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	const HelperFact *helper = &facts->helper;
	Fault fault = { 0 };
	int r = 0;

	if (!helper->acls)
		return 0;
	if (fault_helper_program(&helper->program, &fault) < 0 ||
	    (!facts->net_admin &&
	     fault_helper_rights(&helper->program, helper->rights, facts->euid, &fault) < 0))
		r = fault_list_take(faults, &fault);
	for (size_t i = 0; r == 0 && i < helper->n_acls; i++)
		r = judge_interface(spec, facts, i, faults);
	return r;
}
