/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The exit codes of mvmd: classes that scripts and unit files may rely on.
 *
 * 64-78 are the codes of sysexits.h with their meaning there. 79-99 are free of other meanings
 * under systemd (systemd.exec(5), "Process Exit Codes"). What a restart cannot cure is final: 64, 66,
 * 70, 77, 78, 80.
 */
enum {
	MVMD_EXIT_OK = 0, /* the guest powered off; the command succeeded */
	MVMD_EXIT_WARNINGS =
		1, /* doctor: nothing keeps a VM from starting, but there are warnings */
	MVMD_EXIT_NOT_RUNNING = 3, /* status, stop, console: the VM is not running (LSB) */
	MVMD_EXIT_UNKNOWN_VM = 4, /* status, stop, console: there is no such VM (LSB) */
	MVMD_EXIT_USAGE = 64, /* the command line is wrong */
	MVMD_EXIT_NO_SPEC = 66, /* there is no such spec file */
	MVMD_EXIT_UNAVAILABLE = 69, /* the host lacks something, also after waiting for it */
	MVMD_EXIT_BUG = 70, /* a bug of mvmd */
	MVMD_EXIT_SYSTEM = 71, /* another system error */
	MVMD_EXIT_BUSY = 75, /* already running; a tap, disk or MAC is held by somebody */
	MVMD_EXIT_PERMISSION = 77, /* a right is missing */
	MVMD_EXIT_SPEC = 78, /* the spec, or host.conf, is wrong, or a known issue refuses it */
	MVMD_EXIT_CRASH_LIMIT = 80, /* the guest crashed too often in a row */
	MVMD_EXIT_BACKEND = 81, /* a backend failed */
	MVMD_EXIT_VMM = 82, /* the VMM failed */
	MVMD_EXIT_RESTART = 83, /* a restart was asked for (on_exit: restart-vm) */
	MVMD_EXIT_GUEST_CRASHED = 84 /* the guest crashed */
};
