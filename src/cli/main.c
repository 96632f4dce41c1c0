/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "mvmd/exit-codes.h"

int main(void)
{
	return MVMD_EXIT_USAGE;
}
