/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/spec.h"

/* The texts that a spec is made of, in merging order. Zero-initialise. */
typedef struct SpecFiles {
	SpecDoc *docs;
	size_t n;
} SpecFiles;

/*
 * Reads the spec at 'path' of VM 'name': the file, its drop-ins PATH.d/NN-WHAT.json sorted by name, and the
 * template that they name, SPEC_DIRECTORY/templates/T.json. A template that does not exist and a file that is too large
 * are no failures here: spec_parse() tells of them.
 *
 * Only regular files are read, and nothing here waits: a FIFO is refused, not opened for ever.
 * Returns 0, or with fault -ENOENT (exit code 66, nearest name in the remedy), -EACCES (77), -EISDIR
 * or -EOPNOTSUPP (78, no regular file) or another -errno (71).
 */
int spec_files_read(const char *spec_directory, const char *path, const char *name, SpecFiles *ret,
		    Fault *fault);
void spec_files_done(SpecFiles *files);

/* Reads SPEC_DIRECTORY/host.conf with the same care. A file that does not exist is no document. */
int spec_files_read_host_conf(const char *spec_directory, SpecFiles *ret, Fault *fault);

/*
 * The lists of known issues: 'file' where it is there, and DIRECTORY's files *.json, sorted by name. Neither needs
 * to exist. Returns 0 or -errno with fault.
 */
int spec_files_read_known_issues(const char *file, const char *directory, SpecFiles *ret,
				 Fault *fault);

/*
 * The names of the specs in a folder, sorted: its files NAME.json that do not begin with a dot. Names
 * that no VM can have are among them: whoever reads that spec is told. A folder that does not exist has
 * none. Returns 0 or -errno with fault.
 */
int spec_files_list(const char *directory, StrList *ret, Fault *fault);
