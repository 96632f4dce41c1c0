/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan-builder.h"

void describe_helper_tap(const Builder *builder, size_t index, StrBuf *what)
{
	const PlanNic *nic = &builder->plan->nics[index];
	const HelperFact *helper = &builder->plan->facts->helper;
	const AclFact *acl = helper->acls ? &helper->acls[index] : NULL;

	str_buf_add(what, "a tap of qemu-bridge-helper's on bridge %s", nic->spec->bridge);
	if (acl && acl->verdict == ACL_ALLOWED)
		str_buf_add(what, " (%s:%u allows it)", acl->file, acl->line);
	str_buf_add(what, ", ");
}
