/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>

#include "cli/spec-load.h"
#include "cli/vm-list.h"
#include "model/spec.h"
#include "mvmd/exit-codes.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* What begins with a dot is no VM (design.md §4), and no valid name either. */
static int add_running(const char *runtime_directory, StrList *names, Fault *fault)
{
	DIR *directory = opendir(runtime_directory);
	const struct dirent *entry;

	if (!directory)
		return errno == ENOENT ?
			       0 :
			       fault_set(fault, -errno, MVMD_EXIT_SYSTEM, "runtime-directory",
					 "cannot read the directory %s: %m", runtime_directory);
	while ((entry = readdir(directory)))
		if (vm_name_is_valid(entry->d_name) && !str_list_contains(names, entry->d_name))
			str_list_add(names, "%s", entry->d_name);
	(void) closedir(directory);
	return names->failed ? fault_oom(fault) : 0;
}

static int add_others(const StrList *others, StrList *names, Fault *fault)
{
	for (size_t i = 0; i < others->n; i++)
		if (vm_name_is_valid(others->items[i]) &&
		    !str_list_contains(names, others->items[i]))
			str_list_add(names, "%s", others->items[i]);
	return names->failed ? fault_oom(fault) : 0;
}

int vm_list_names_with(const Places *places, const StrList *others, StrList *ret, Fault *fault)
{
	StrList names = { 0 };
	int r = spec_list_names(places, &names, fault);

	if (r == 0)
		r = add_running(places->runtime_directory, &names, fault);
	if (r == 0)
		r = add_others(others, &names, fault);
	if (r < 0) {
		str_list_done(&names);
		return r;
	}
	if (names.n > 0)
		qsort(names.items, names.n, sizeof(*names.items), compare_names);
	*ret = names;
	return 0;
}

int vm_list_names(const Places *places, StrList *ret, Fault *fault)
{
	return vm_list_names_with(places, &(StrList){ 0 }, ret, fault);
}
