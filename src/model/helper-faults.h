/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/spec.h"

/*
 * What keeps qemu-bridge-helper from doing its work, in words. All return fault->error, which is not 0; those that judge
 * return 0 where there is nothing to say.
 */

/* Whether its access file lets it use the bridge. ACL_UNKNOWN: nothing is said. */
int fault_helper_acl(const AclFact *acl, const char *bridge, Fault *fault);

/* Whether its file gives it the right to make a tap, for a user who has none. */
int fault_helper_rights(const Program *helper, FileRights rights, uid_t uid, Fault *fault);

/* Whether it is there, and is for us to execute. */
int fault_helper_program(const Program *helper, Fault *fault);

/*
 * It has ended without a tap. words: what it wrote, lines and all; acl: what its file says of the bridge now.
 */
int fault_helper_failed(const HelperFact *helper, const AclFact *acl, const char *bridge,
			const char *words, Fault *fault);

/*
 * All that keeps the spec's interfaces with "attach": "helper" from their taps, and is known before. Returns 0 or
 * -ENOMEM.
 */
int helper_problems(const Spec *spec, const Facts *facts, FaultList *faults);
