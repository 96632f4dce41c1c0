/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "host/unit-fault.h"
#include "mvmd/exit-codes.h"

#define SYSTEMD_ERROR "org.freedesktop.systemd1."

int unit_fault_no_systemd(Fault *fault)
{
	(void) fault_set(fault, -ENOTCONN, MVMD_EXIT_UNAVAILABLE, "no-systemd",
			 "this host was not booted by systemd, so no unit can be asked for");
	(void) fault_why(fault,
			 "there is no /run/systemd/system: systemd is not process 1 here, or "
			 "this is a container without one");
	return fault_remedy(fault, "mvmd run NAME starts a VM in the foreground, mvmd stop NAME "
				   "ends it");
}

/* systemd of a user runs while he is logged in, or lingers (logind.conf(5), loginctl(1)). */
static int fault_no_user_manager(int error, Fault *fault)
{
	unsigned uid = (unsigned) geteuid();

	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "no-user-manager",
			 "cannot talk to the systemd of uid %u: %m", uid);
	(void) fault_evidence(fault, "uid", "%u", uid);
	(void) fault_why(fault, "it runs from a user's first login to his last logout, and its "
				"sockets are in XDG_RUNTIME_DIR; su and sudo are no login");
	return fault_remedy(fault,
			    "systemctl status user@%u; as root: loginctl enable-linger USER starts "
			    "it now and at each boot; mvmd run NAME needs none",
			    uid);
}

int unit_fault_no_bus(bool user, int error, Fault *fault)
{
	if (user)
		return fault_no_user_manager(error, fault);
	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "no-system-bus",
			 "cannot talk to systemd: %m");
	if (geteuid() == 0)
		return fault_remedy(fault, "ls -l /run/systemd/private; systemctl status");
	(void) fault_why(fault, "only root may ask process 1 itself; others go by the message bus, "
				"/run/dbus/system_bus_socket");
	return fault_remedy(fault, "sudo; or apt install dbus and systemctl start dbus");
}

int unit_fault_by_hand(UnitVerb verb, const char *vm, Fault *fault)
{
	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "started-by-hand",
			 "it was started by hand and not by its unit, so systemd cannot %s it",
			 unit_verb_to_string(verb));
	return fault_remedy(fault, "mvmd stop %s && mvmd start %s", vm, vm);
}

/* One for all calls that are not about one VM. */
static void set(Fault *fault, int error, int exit_code, const char *id, UnitVerb verb,
		const char *vm, const char *words)
{
	_cleanup_free_ char *unit = vm ? unit_name(vm) : NULL;

	(void) fault_set(fault, error, exit_code, id, "cannot %s %s: %s", unit_verb_to_string(verb),
			 vm ?: "the units of the VMs", words);
	(void) fault_evidence(fault, "unit", "%s", unit ?: "mvmd@.service");
}

static int fault_denied(UnitVerb verb, const char *vm, int error, bool asks, Fault *fault)
{
	_cleanup_free_ char *words = NULL;

	words = str_printf("uid %u may not", (unsigned) getuid());
	set(fault, error, MVMD_EXIT_PERMISSION, "unit-denied", verb, vm, words ?: "it may not");
	(void) fault_evidence(fault, "uid", "%u", (unsigned) getuid());
	if (asks)
		(void) fault_why(fault, "polkit wants somebody to prove that he is an "
					"administrator, and nobody here can ask for the password");
	else
		(void) fault_why(fault, "it is not root, and polkit, where there is one, does not "
					"allow it to others");
	if (verb == UNIT_LOOK)
		return fault_remedy(fault, "sudo");
	if (verb == UNIT_READ_FILES)
		return fault_remedy(fault, "sudo systemctl daemon-reload");
	/* Of unit files polkit is not told which one is meant, so no rule can be about VMs alone. */
	if (verb == UNIT_ENABLE || verb == UNIT_DISABLE)
		return fault_remedy(fault, "sudo mvmd %s %s", unit_verb_to_string(verb),
				    vm ?: "NAME");
	return fault_remedy(fault,
			    "sudo mvmd %s %s; mvmd explain unit-denied has the polkit rule "
			    "that allows it for good",
			    unit_verb_to_string(verb), vm ?: "NAME");
}

/* As a person calls it. */
static const char *systemctl_of(bool user)
{
	return user ? "systemctl --user" : "systemctl";
}

static int fault_missing(bool user, UnitVerb verb, const char *vm, int error, Fault *fault)
{
	set(fault, error, MVMD_EXIT_UNAVAILABLE, "unit-missing", verb, vm,
	    "systemd knows no mvmd@.service");
	(void) fault_why(fault, "mvmd was not installed where systemd looks for units, or systemd "
				"has not looked since");
	return fault_remedy(fault,
			    "make install, then %s daemon-reload; mvmd run %s starts "
			    "it without a unit",
			    systemctl_of(user), vm ?: "NAME");
}

static int fault_masked(bool user, UnitVerb verb, const char *vm, int error, Fault *fault)
{
	set(fault, error, MVMD_EXIT_UNAVAILABLE, "unit-masked", verb, vm, "its unit is masked");
	(void) fault_why(fault, "somebody forbade it with systemctl mask: the unit is a link to "
				"/dev/null");
	return fault_remedy(fault, "%s unmask mvmd@%s", systemctl_of(user), vm ?: "NAME");
}

static int fault_setting(bool user, UnitVerb verb, const char *vm, int error, const char *words,
			 Fault *fault)
{
	set(fault, error, MVMD_EXIT_UNAVAILABLE, "unit-setting", verb, vm,
	    words ?: "its unit's file has a wrong setting");
	(void) fault_why(fault, "systemd refuses the unit's file or one of its drop-ins");
	return fault_remedy(
		fault,
		"systemd-analyze verify%s mvmd@%s.service; %s cat mvmd@%s.service shows "
		"the files",
		user ? " --user" : "", vm ?: "NAME", systemctl_of(user), vm ?: "NAME");
}

/* The answer's name is for people who know systemd, its words for all. */
static int fault_other(bool user, UnitVerb verb, const char *vm, int error,
		       const sd_bus_error *answer, Fault *fault)
{
	const char *systemctl = systemctl_of(user);
	bool answered = answer && answer->name;

	set(fault, error, MVMD_EXIT_SYSTEM, "unit-call", verb, vm,
	    answered && answer->message ? answer->message : strerror(-error));
	if (answered)
		(void) fault_evidence(fault, "answer", "%s", answer->name);
	return vm ? fault_remedy(fault, "%s status mvmd@%s; %s list-jobs", systemctl, vm,
				 systemctl) :
		    fault_remedy(fault, "%s status; %s list-jobs", systemctl, systemctl);
}

/* The message bus starts polkit as a unit, too: of one that is masked it tells as if that were ours. */
static bool is_about_polkit(const sd_bus_error *answer)
{
	return answer && answer->message && strstr(answer->message, "polkit");
}

int unit_fault_call(bool user, UnitVerb verb, const char *vm, int error, const sd_bus_error *answer,
		    Fault *fault)
{
	const char *name = answer && answer->name ? answer->name : "";

	if (error == -ENOMEM)
		return fault_oom(fault);
	if (streq(name, SD_BUS_ERROR_ACCESS_DENIED))
		return fault_denied(verb, vm, error, false, fault);
	if (streq(name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
		return fault_denied(verb, vm, error, true, fault);
	if (is_about_polkit(answer))
		return fault_denied(verb, vm, error, false, fault);
	if (streq(name, SYSTEMD_ERROR "NoSuchUnit") || streq(name, SD_BUS_ERROR_FILE_NOT_FOUND))
		return fault_missing(user, verb, vm, error, fault);
	if (streq(name, SYSTEMD_ERROR "UnitMasked"))
		return fault_masked(user, verb, vm, error, fault);
	if (streq(name, SYSTEMD_ERROR "BadUnitSetting"))
		return fault_setting(user, verb, vm, error, answer->message, fault);
	return fault_other(user, verb, vm, error, answer, fault);
}
