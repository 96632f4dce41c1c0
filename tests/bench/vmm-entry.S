/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry point of the stub: the clocks are read by its first instructions, before the C library sets
 * itself up, which would count as a part of the exec. Goes on at the library's own entry point.
 */
#include <sys/syscall.h>

	.bss
	.balign	8
	.globl	entry_monotonic, entry_realtime
entry_monotonic:
	.skip	16			/* struct timespec */
entry_realtime:
	.skip	16

	.text
	.globl	vmm_entry
	.type	vmm_entry, @function
vmm_entry:				/* %rdx and the stack are for _start (System V ABI, 3.4.1) */
	movl	$SYS_clock_gettime, %eax
	movl	$1, %edi		/* CLOCK_MONOTONIC */
	leaq	entry_monotonic(%rip), %rsi
	syscall
	movl	$SYS_clock_gettime, %eax
	xorl	%edi, %edi		/* CLOCK_REALTIME */
	leaq	entry_realtime(%rip), %rsi
	syscall
	jmp	_start

	.section .note.GNU-stack, "", @progbits
