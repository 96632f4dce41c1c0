/* SPDX-License-Identifier: Apache-2.0 */
/* The same objects as mvmd's, its main() under another name: all that is added is a stamp before it. */
#include "stamp.h"

int mvmd_main(int argc, char **argv);

int main(int argc, char **argv)
{
	unsigned long long began;

	stamp_open_from_environment();
	began = monotonic_nsec();
	stamp_number("main", began);
	return mvmd_main(argc, argv);
}
