/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of a few hundred bytes that obeys the words of its own command line, in the order in
 * which they stand there. Words that it does not know are skipped; after the last one it hangs.
 *
 *   silent       (anywhere) nothing is said of its own, but print= and echo work
 *   print=TEXT   prints TEXT and a newline; an underscore is printed as a space
 *   wait=N       waits for N ticks of the clock's seconds
 *   reboot       reboots
 *   reboot=N     reboots N times, then goes on with the next word
 *   lives=disk   (anywhere) counts its lives in the first sector of the first virtio disk
 *   poweroff     powers off
 *   powerbutton  waits for the ACPI power button, then goes on with the next word
 *   panic        reports a panic to QEMU's pvpanic device
 *   triplefault  dies at its next instruction
 *   echo         sends back what arrives on the serial line, until a "q"
 *   echo=N       the same, in life N only
 *   flood        prints numbered lines for ever
 *   credentials  prints the credentials that lie in its SMBIOS tables, a line each
 *   hang         halts for ever
 *
 * Lives are counted in the battery-backed CMOS RAM, which QEMU keeps over a reset. cloud-hypervisor
 * builds all devices anew, so there reboot=N takes lives=disk, or reboots for ever.
 *
 * It runs in 32-bit protected mode without paging, as a PVH entry leaves it (Linux,
 * Documentation/arch/x86/boot.rst and include/xen/interface/hvm/start_info.h), and never enables an
 * interrupt. A KVM without hardware support emulates such code one instruction at a time, so it
 * polls in short loops only.
 */

	.set	SERIAL_DATA, 0x3f8
	.set	SERIAL_STATUS, 0x3fd	/* line status register of the 16550 */
	.set	SERIAL_RECEIVED, 0x01
	.set	SERIAL_CAN_SEND, 0x20

	.set	CMOS_INDEX, 0x70
	.set	CMOS_DATA, 0x71
	.set	CMOS_SECONDS, 0x00
	.set	CMOS_LIVES, 0x70	/* a byte that neither SeaBIOS nor QEMU uses */

	.set	START_INFO_CMDLINE, 24	/* struct hvm_start_info: cmdline_paddr, rsdp_paddr */
	.set	START_INFO_RSDP, 32

	.section .note.Xen, "a", @note
	.balign	4
	.long	4, 8, 18		/* name and descriptor bytes, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	start

	.section .rodata
	.asciz	"Linux version 6.12.0-tiny (mvmd's own)"

	/* Two tables of words: what holds from the start, and what is then done. */
settings:
	.long	word_silent, be_silent
	.long	word_lives, count_lives_on_disk
	.long	0
actions:
	.long	word_print, print_text
	.long	word_wait, wait_seconds
	.long	word_reboot, reboot
	.long	word_poweroff, power_off
	.long	word_powerbutton, await_power_button
	.long	word_panic, report_panic
	.long	word_triplefault, triple_fault
	.long	word_echo, echo
	.long	word_flood, flood
	.long	word_credentials, print_credentials
	.long	word_hang, hang
	.long	0

word_silent:		.asciz	"silent"
word_lives:		.asciz	"lives=disk"
word_print:		.asciz	"print"
word_wait:		.asciz	"wait"
word_reboot:		.asciz	"reboot"
word_poweroff:		.asciz	"poweroff"
word_powerbutton:	.asciz	"powerbutton"
word_panic:		.asciz	"panic"
word_triplefault:	.asciz	"triplefault"
word_echo:		.asciz	"echo"
word_flood:		.asciz	"flood"
word_hang:		.asciz	"hang"
word_credentials:	.asciz	"credentials"

text_life:		.asciz	"tiny: life "
text_no_disk:		.asciz	"tiny: no disk that works\n"
text_flood:		.asciz	"tiny: flood "
text_listening:		.asciz	"tiny: listening\n"
text_awaiting:		.asciz	"tiny: awaiting the power button\n"
text_pressed:		.asciz	"tiny: power button\n"
text_newline:		.asciz	"\n"
no_idt:			.word	0
			.long	0

	.text
	.code32
	.globl	start
start:
	cli
	cld
	movl	$stack_top, %esp	/* undefined at a PVH entry */
	movl	START_INFO_RSDP(%ebx), %eax
	movl	%eax, rsdp
	movl	START_INFO_CMDLINE(%ebx), %esi
	movl	%esi, command_line
	movb	$0, quiet
	movb	$0, lives_on_disk

	movl	$settings, %edi
	call	obey
	call	begin_life
	movl	$text_life, %edx
	call	say
	movl	life, %eax
	call	say_number
	movl	$text_newline, %edx
	call	say

	movl	command_line, %esi
	movl	$actions, %edi
	call	obey
hang:
	hlt
	jmp	hang

/*
 * obey: does what the words at %esi say, as the table at %edi has it. A word's function finds %esi
 * at the byte after the word's name, and may change every register but %esi and %ebp.
 */
obey:
	movl	%edi, %ebp
next_word:
	cmpb	$' ', (%esi)
	jb	out			/* the end of the command line, or a newline */
	jne	look_up
	incl	%esi
	jmp	next_word
look_up:
	movl	%ebp, %edi
1:	movl	(%edi), %edx
	testl	%edx, %edx
	jz	skip_word
	movl	%esi, %ecx
2:	movb	(%edx), %al
	testb	%al, %al
	jz	3f
	cmpb	(%ecx), %al
	jne	4f
	incl	%edx
	incl	%ecx
	jmp	2b
3:	movb	(%ecx), %al		/* the name stands there; does the word end with it? */
	cmpb	$'=', %al
	je	5f
	cmpb	$' ', %al
	jbe	5f
4:	addl	$8, %edi
	jmp	1b
5:	movl	%ecx, %esi
	call	*4(%edi)
skip_word:
	cmpb	$' ', (%esi)
	jbe	next_word
	incl	%esi
	jmp	skip_word
out:
	ret

be_silent:
	movb	$1, quiet
	ret

count_lives_on_disk:
	movb	$1, lives_on_disk
	ret

/* begin_life: adds this life to those counted. */
begin_life:
	cmpb	$0, lives_on_disk
	jne	begin_life_on_disk
	movb	$CMOS_LIVES, %al
	outb	%al, $CMOS_INDEX
	inb	$CMOS_DATA, %al
	incb	%al
	outb	%al, $CMOS_DATA
	movzbl	%al, %eax
	movl	%eax, life
	ret

/* The sector is "tinylife", then the number; what else it held is nobody's. */
	.set	MARK_LOW, 0x796e6974
	.set	MARK_HIGH, 0x6566696c

begin_life_on_disk:
	movl	$0, life
	call	disk_open
	jne	2f
	xorl	%eax, %eax
	call	disk_transfer
	jne	2f
	cmpl	$MARK_LOW, disk_sector
	jne	1f
	cmpl	$MARK_HIGH, disk_sector + 4
	jne	1f
	movl	disk_sector + 8, %eax
	movl	%eax, life
1:	incl	life
	movl	life, %eax
	movl	%eax, disk_sector + 8
	movl	$MARK_LOW, disk_sector
	movl	$MARK_HIGH, disk_sector + 4
	movl	$1, %eax
	call	disk_transfer
	jne	2f
	ret
2:	movl	$text_no_disk, %edx
	call	say
	jmp	power_off

print_text:
	cmpb	$'=', (%esi)
	jne	2f
1:	incl	%esi
	movb	(%esi), %al
	cmpb	$' ', %al
	jbe	2f
	cmpb	$'_', %al
	jne	3f
	movb	$' ', %al
3:	call	put
	jmp	1b
2:	movb	$'\n', %al
	jmp	put

wait_seconds:
	call	number
	movl	%eax, %ecx
	call	clock_seconds
	movb	%al, %bl
1:	jecxz	2f
	call	clock_seconds
	cmpb	%al, %bl
	je	1b
	movb	%al, %bl
	decl	%ecx
	jmp	1b
2:	ret

clock_seconds:
	movb	$CMOS_SECONDS, %al
	outb	%al, $CMOS_INDEX
	inb	$CMOS_DATA, %al
	ret

reboot:
	cmpb	$'=', (%esi)
	jne	1f
	call	number
	cmpl	%eax, life
	ja	out
1:	movb	$0xfe, %al		/* the keyboard controller's reset line */
	outb	%al, $0x64
	jmp	hang

/* Either register is nothing that the other VMM minds. */
power_off:
	movb	$0x34, %al		/* cloud-hypervisor's sleep register: S5, enable */
	movw	$0x600, %dx
	outb	%al, %dx
	movw	$0x2000, %ax		/* PM1a control of the ICH9, as SeaBIOS places it */
	movw	$0x604, %dx
	outw	%ax, %dx
	jmp	hang

report_panic:
	movb	$1, %al			/* PVPANIC_PANICKED */
	movw	$0x505, %dx
	outb	%al, %dx
	ret

triple_fault:
	lidt	no_idt
	ud2

echo:
	cmpb	$'=', (%esi)
	jne	2f
	call	number
	cmpl	%eax, life
	jne	out
2:	movl	$text_listening, %edx
	call	say
1:	call	get
	movb	%al, %bl
	call	put
	cmpb	$'q', %bl
	jne	1b
	movb	$'\n', %al
	jmp	put

flood:
	movl	$0, lines
1:	movl	$text_flood, %edx
	call	say
	movl	lines, %eax
	call	say_number
	movl	$text_newline, %edx
	call	say
	incl	lines
	jmp	1b

/*
 * Where the SMBIOS tables lie is told by an entry point in the 64 KiB below 1 MiB (DMTF DSP0134, 5.2): QEMU's is
 * "_SM_", cloud-hypervisor's "_SM3_". A string ends with a NUL.
 */
	.set	LAST_64K, 0xf0000
	.set	SM_LENGTH, 0x16		/* 16 bits */
	.set	SM_ADDRESS, 0x18
	.set	SM3_LENGTH, 0x0c
	.set	SM3_ADDRESS, 0x10
print_credentials:
	movl	$LAST_64K, %ebx
1:	cmpl	$0x5f4d535f, (%ebx)	/* '_SM_' */
	je	2f
	cmpl	$0x334d535f, (%ebx)	/* '_SM3' */
	je	3f
	addl	$16, %ebx
	cmpl	$(LAST_64K + 0x10000), %ebx
	jb	1b
	ret
2:	movl	SM_ADDRESS(%ebx), %edi
	movzwl	SM_LENGTH(%ebx), %ecx
	jmp	print_strings
3:	movl	SM3_ADDRESS(%ebx), %edi
	movl	SM3_LENGTH(%ebx), %ecx
print_strings:
1:	movb	$'i', %al
	repne scasb
	jne	out
	cmpl	$0x79732e6f, (%edi)	/* 'o.sy' of "io.systemd" */
	jne	1b
	leal	-1(%edi), %ebx
2:	movb	(%ebx), %al
	testb	%al, %al
	jz	3f
	call	put
	incl	%ebx
	jmp	2b
3:	movb	$'\n', %al
	call	put
	jmp	1b

/*
 * On q35 the power button is a status bit that is only set once it was enabled. On cloud-hypervisor
 * it is an interrupt of the Generic Event Device, whose register lies beyond 4 GiB, where this
 * guest cannot read; so every pin of the I/O APIC gets one vector, and the local APIC's request
 * register tells that one of them was raised.
 */
	.set	PM1_STATUS, 0x600
	.set	PM1_ENABLE, 0x602
	.set	PM1_POWER_BUTTON, 0x100

	.set	IOAPIC_SELECT, 0xfec00000
	.set	IOAPIC_WINDOW, 0xfec00010
	.set	IOAPIC_PINS, 24
	.set	APIC_SPURIOUS, 0xfee000f0
	.set	APIC_ENABLED, 0x1ff	/* with the spurious vector 0xff */
	.set	APIC_REQUESTS, 0xfee00220	/* vectors 0x40 to 0x5f */
	.set	VECTOR, 0x40

await_power_button:
	call	has_event_device
	jne	await_pm1_button
	movl	$APIC_ENABLED, APIC_SPURIOUS
	movl	$0x10, %ecx		/* the first pin's low half; the high one is 0 */
1:	movl	%ecx, IOAPIC_SELECT
	movl	$VECTOR, IOAPIC_WINDOW
	addl	$2, %ecx
	cmpl	$(0x10 + 2 * IOAPIC_PINS), %ecx
	jne	1b
	movl	$text_awaiting, %edx
	call	say
2:	movl	APIC_REQUESTS, %eax
	testb	$1, %al
	jz	2b
	jmp	power_button_pressed

await_pm1_button:
	movw	$PM1_POWER_BUTTON, %ax
	movw	$PM1_STATUS, %dx
	outw	%ax, %dx		/* writing the bit clears it */
	movw	$PM1_ENABLE, %dx
	outw	%ax, %dx
	movl	$text_awaiting, %edx
	call	say
	movw	$PM1_STATUS, %dx
1:	inw	%dx, %ax
	testw	$PM1_POWER_BUTTON, %ax
	jz	1b
power_button_pressed:
	movl	$text_pressed, %edx
	jmp	say

/*
 * has_event_device: "equal" where the ACPI tables have the Generic Event Device's region, GDST.
 * cloud-hypervisor writes its tables in one piece from the RSDP on.
 */
	.set	TABLES_BYTES, 0x8000
has_event_device:
	movl	rsdp, %edi
	movl	$TABLES_BYTES, %ecx
1:	movb	$'G', %al
	repne scasb
	jne	2f
	cmpl	$0x54534447, -1(%edi)	/* 'GDST' */
	jne	1b
2:	ret

/* say: prints the text at %edx, unless the guest is to be silent. */
say:
	cmpb	$0, quiet
	jne	2f
1:	movb	(%edx), %al
	testb	%al, %al
	jz	2f
	pushl	%edx
	call	put
	popl	%edx
	incl	%edx
	jmp	1b
2:	ret

/* say_number: prints %eax. */
say_number:
	cmpb	$0, quiet
	jne	2f
	xorl	%edx, %edx
	movl	$10, %ecx
	divl	%ecx
	pushl	%edx
	testl	%eax, %eax
	jz	1f
	call	say_number
1:	popl	%eax
	addb	$'0', %al
	jmp	put
2:	ret

/* number: %eax is the number after the "=" at %esi; 0 where there is none. */
number:
	xorl	%eax, %eax
	cmpb	$'=', (%esi)
	jne	2f
1:	incl	%esi
	movzbl	(%esi), %edx
	subl	$'0', %edx
	cmpl	$9, %edx
	ja	2f
	imull	$10, %eax
	addl	%edx, %eax
	jmp	1b
2:	ret

/* put: sends %al, whoever is silent. */
put:
	movb	%al, %ah
	movw	$SERIAL_STATUS, %dx
1:	inb	%dx, %al
	testb	$SERIAL_CAN_SEND, %al
	jz	1b
	movb	%ah, %al
	movw	$SERIAL_DATA, %dx
	outb	%al, %dx
	ret

/* get: waits for a byte, %al. */
get:
	movw	$SERIAL_STATUS, %dx
1:	inb	%dx, %al
	testb	$SERIAL_RECEIVED, %al
	jz	1b
	movw	$SERIAL_DATA, %dx
	inb	%dx, %al
	ret

	.bss
	.balign	16
rsdp:		.skip	4
command_line:	.skip	4
life:		.skip	4
lines:		.skip	4
quiet:		.skip	1
lives_on_disk:	.skip	1
	.balign	16
	.skip	4096
stack_top:
