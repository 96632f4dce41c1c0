/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <systemd/sd-login.h>

#include "cli/spec-load.h"
#include "cli/unit-specs.h"
#include "host/unit-files.h"
#include "model/unit-dropin.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

/* NULL: there is none, or it is wrong. */
static Spec *load_quietly(const Places *places, const char *name)
{
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	Spec *spec = NULL;

	(void) spec_load(places, name, &spec, &problems, &fault);
	return spec;
}

static int add_spec(UnitSpecs *specs, Spec *spec)
{
	if (array_grow(&specs->items, specs->n, sizeof(Spec *)) < 0) {
		(void) spec_free(spec);
		return -ENOMEM;
	}
	specs->items[specs->n++] = spec;
	return 0;
}

int unit_specs_load(const Places *places, const StrList *names, UnitSpecs *ret)
{
	_cleanup_(unit_specs_done) UnitSpecs specs = { 0 };
	_cleanup_(str_list_done) StrList seen = { 0 };
	int r = 0;

	for (size_t i = 0; i < names->n; i++)
		if (!str_list_contains(&seen, names->items[i]))
			str_list_add(&seen, "%s", names->items[i]);
	/* The list grows while it is walked: by those that a VM comes after. */
	for (size_t i = 0; r == 0 && i < seen.n; i++) {
		Spec *spec = load_quietly(places, seen.items[i]);

		if (!spec)
			continue;
		for (size_t j = 0; j < spec->n_after; j++)
			if (!str_list_contains(&seen, spec->after[j].name))
				str_list_add(&seen, "%s", spec->after[j].name);
		r = add_spec(&specs, spec);
	}
	if (r == 0)
		r = seen.failed ? -ENOMEM : start_order_build(specs.items, specs.n, &specs.order);
	if (r < 0)
		return r;
	*ret = specs;
	specs = (UnitSpecs){ 0 };
	return 0;
}

void unit_specs_done(UnitSpecs *specs)
{
	start_order_done(&specs->order);
	for (size_t i = 0; i < specs->n; i++)
		(void) spec_free(specs->items[i]);
	free(specs->items);
	*specs = (UnitSpecs){ 0 };
}

/* Where the caller's systemd, or process 1, has its generators' files; a new string or NULL. */
static char *generator_directory(const Places *places)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!places->user)
		return strdup(GENERATOR_DIRECTORY);
	return runtime ? str_printf("%s/" USERS_GENERATOR_DIRECTORY, runtime) : NULL;
}

static bool is_stale(const Places *places, const UnitSpecs *specs, const char *name)
{
	const OrderVm *vm = start_order_find(&specs->order, name);
	_cleanup_free_ char *wanted = NULL, *loaded = NULL,
			    *directory = generator_directory(places);

	if (!vm || !directory || unit_dropin_text(vm, places->user, &wanted) < 0)
		return false;
	return unit_dropin_read(directory, name, &loaded) < 0 || !streq(loaded, wanted);
}

int unit_specs_for_start(const Places *places, StrList *names, bool *ret_reload)
{
	_cleanup_(unit_specs_done) UnitSpecs specs = { 0 };
	bool reload = false;

	if (unit_specs_load(places, names, &specs) < 0 || start_order_sort(&specs.order, names) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < names->n; i++)
		reload = reload || is_stale(places, &specs, names->items[i]);
	*ret_reload = reload;
	return 0;
}

/* Whether this process is that unit's: drop-ins for mvmd@NAME.service mean nothing to any other. */
static bool is_unit_of(const Places *places, const char *name)
{
	_cleanup_free_ char *unit = NULL, *wanted = str_printf("mvmd@%s.service", name);
	int r = places->user ? sd_pid_get_user_unit(0, &unit) : sd_pid_get_unit(0, &unit);

	return wanted && unit_is_told() && r >= 0 && streq(unit, wanted);
}

static int tell_missing(const Places *places, const OrderVm *vm, FaultList *ret)
{
	_cleanup_free_ char *directory = generator_directory(places);
	_cleanup_free_ char *wanted = NULL, *loaded = NULL;
	_cleanup_(str_list_done) StrList missing = { 0 };
	Fault fault = { 0 };

	if (!directory || unit_dropin_text(vm, places->user, &wanted) < 0 ||
	    unit_dropin_read(directory, vm->spec->name, &loaded) == -ENOMEM ||
	    unit_dropin_missing(loaded, wanted, &missing) < 0)
		return -ENOMEM;
	if (missing.n == 0)
		return 0;
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "unit-stale",
			 "systemd does not know yet what this VM needs: %s%s", missing.items[0],
			 missing.n > 1 ? ", …" : "");
	(void) fault_why(&fault, "%s",
			 loaded ? "the spec was changed, and systemd has not read its units since" :
				  "the spec is newer than what systemd has read, or it has no "
				  "mvmd-generator");
	(void) fault_remedy(&fault, "systemctl daemon-reload; systemctl restart mvmd@%s",
			    vm->spec->name);
	(void) fault_evidence(&fault, "line", "%s", missing.items[0]);
	(void) fault_evidence(&fault, "lines", "%zu", missing.n);
	return fault_list_take(ret, &fault);
}

int unit_specs_tell(const Places *places, const char *name, FaultList *ret)
{
	_cleanup_(unit_specs_done) UnitSpecs specs = { 0 };
	_cleanup_(str_list_done) StrList names = { 0 }, all = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	const OrderVm *vm;
	int r = 0;

	if (!is_unit_of(places, name))
		return 0;
	str_list_add(&names, "%s", name);
	if (names.failed || unit_specs_load(places, &names, &specs) < 0)
		return -ENOMEM;
	vm = start_order_find(&specs.order, name);
	if (vm)
		r = tell_missing(places, vm, ret);
	if (vm && r == 0 && vm->spec->n_after > 0 && spec_list_names(places, &all, &fault) == 0)
		r = start_order_unknown(vm->spec, &all, ret);
	if (vm && r == 0)
		r = start_order_circles(&specs.order, name, ret);
	return r;
}
