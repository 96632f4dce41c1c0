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

int unit_fault_no_bus(int error, Fault *fault)
{
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

static int fault_missing(UnitVerb verb, const char *vm, int error, Fault *fault)
{
	set(fault, error, MVMD_EXIT_UNAVAILABLE, "unit-missing", verb, vm,
	    "systemd knows no mvmd@.service");
	(void) fault_why(fault, "mvmd was not installed where systemd looks for units, or systemd "
				"has not looked since");
	return fault_remedy(fault,
			    "make install, then systemctl daemon-reload; mvmd run %s starts "
			    "it without a unit",
			    vm ?: "NAME");
}

static int fault_masked(UnitVerb verb, const char *vm, int error, Fault *fault)
{
	set(fault, error, MVMD_EXIT_UNAVAILABLE, "unit-masked", verb, vm, "its unit is masked");
	(void) fault_why(fault, "somebody forbade it with systemctl mask: the unit is a link to "
				"/dev/null");
	return fault_remedy(fault, "systemctl unmask mvmd@%s", vm ?: "NAME");
}

static int fault_setting(UnitVerb verb, const char *vm, int error, const char *words, Fault *fault)
{
	set(fault, error, MVMD_EXIT_UNAVAILABLE, "unit-setting", verb, vm,
	    words ?: "its unit's file has a wrong setting");
	(void) fault_why(fault, "systemd refuses the unit's file or one of its drop-ins");
	return fault_remedy(fault,
			    "systemd-analyze verify mvmd@%s.service; systemctl cat mvmd@%s.service "
			    "shows the files",
			    vm ?: "NAME", vm ?: "NAME");
}

/* The answer's name is for people who know systemd, its words for all. */
static int fault_other(UnitVerb verb, const char *vm, int error, const sd_bus_error *answer,
		       Fault *fault)
{
	bool answered = answer && answer->name;

	set(fault, error, MVMD_EXIT_SYSTEM, "unit-call", verb, vm,
	    answered && answer->message ? answer->message : strerror(-error));
	if (answered)
		(void) fault_evidence(fault, "answer", "%s", answer->name);
	return vm ? fault_remedy(fault, "systemctl status mvmd@%s; systemctl list-jobs", vm) :
		    fault_remedy(fault, "systemctl status; systemctl list-jobs");
}

/* The message bus starts polkit as a unit, too: of one that is masked it tells as if that were ours. */
static bool is_about_polkit(const sd_bus_error *answer)
{
	return answer && answer->message && strstr(answer->message, "polkit");
}

int unit_fault_call(UnitVerb verb, const char *vm, int error, const sd_bus_error *answer,
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
		return fault_missing(verb, vm, error, fault);
	if (streq(name, SYSTEMD_ERROR "UnitMasked"))
		return fault_masked(verb, vm, error, fault);
	if (streq(name, SYSTEMD_ERROR "BadUnitSetting"))
		return fault_setting(verb, vm, error, answer->message, fault);
	return fault_other(verb, vm, error, answer, fault);
}
