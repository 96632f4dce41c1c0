/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tiny guest's driver of a virtio disk: one queue, one request at a time, polled (virtio 1.2,
 * 4.1 "over PCI bus" and 5.2 "block device").
 *
 *   disk_open      looks for the first disk on PCI bus 0; "equal" where it is ready for use
 *   disk_transfer  reads (%eax = 0) or writes (1) the first sector, to or from disk_sector; "equal"
 *                  where that worked
 *
 * Both change every register but %esi and %ebp.
 */

	.set	PCI_ADDRESS, 0xcf8	/* configuration mechanism 1 */
	.set	PCI_DATA, 0xcfc
	.set	PCI_ENABLE, 0x80000000
	.set	PCI_COMMAND, 0x04
	.set	PCI_COMMAND_BITS, 0x06	/* memory space, bus master */
	.set	PCI_BARS, 0x10
	.set	PCI_CAPABILITIES, 0x34
	.set	PCI_CAPABILITY_VENDOR, 0x09
	.set	PCI_SLOT_STEP, 0x800
	.set	PCI_SLOTS_END, PCI_ENABLE + 32 * PCI_SLOT_STEP

	.set	DISK_TRANSITIONAL, 0x10011af4	/* device and vendor: QEMU's, */
	.set	DISK_MODERN, 0x10421af4		/* cloud-hypervisor's */

	.set	CAPABILITY_COMMON, 1	/* struct virtio_pci_cap: cfg_type */
	.set	CAPABILITY_NOTIFY, 2

	/* struct virtio_pci_common_cfg */
	.set	FEATURE_SELECT, 0x08
	.set	FEATURE, 0x0c
	.set	DEVICE_STATUS, 0x14
	.set	QUEUE_SELECT, 0x16
	.set	QUEUE_SIZE, 0x18
	.set	QUEUE_ENABLE, 0x1c
	.set	QUEUE_NOTIFY_OFFSET, 0x1e
	.set	QUEUE_DESCRIPTORS, 0x20
	.set	QUEUE_AVAILABLE, 0x28
	.set	QUEUE_USED, 0x30

	.set	STATUS_DRIVER, 0x03	/* acknowledged, has a driver */
	.set	STATUS_FEATURES, 0x0b
	.set	STATUS_READY, 0x0f
	.set	FEATURE_VERSION_1, 1	/* bit 32: the first of the second word */

	.set	DESCRIPTORS, 4
	.set	NO_INTERRUPT, 1		/* VIRTQ_AVAIL_F_NO_INTERRUPT */
	.set	DESCRIPTOR_NEXT, 1
	.set	DESCRIPTOR_WRITE, 2	/* by the device */
	.set	SECTOR_BYTES, 512

	.text
	.code32
	.globl	disk_open, disk_transfer, disk_sector
disk_open:
	movl	$PCI_ENABLE, %ebx
1:	xorl	%eax, %eax
	call	pci_read
	cmpl	$DISK_MODERN, %eax
	je	2f
	cmpl	$DISK_TRANSITIONAL, %eax
	je	2f
	addl	$PCI_SLOT_STEP, %ebx
	cmpl	$PCI_SLOTS_END, %ebx
	jb	1b
	jmp	not_ready
2:	movl	$PCI_COMMAND, %eax
	call	pci_read
	orl	$PCI_COMMAND_BITS, %eax
	outl	%eax, %dx
	call	find_registers
	cmpl	$0, common
	je	not_ready
	cmpl	$0, notify
	je	not_ready

	movl	common, %ebx
	movb	$0, DEVICE_STATUS(%ebx)
3:	cmpb	$0, DEVICE_STATUS(%ebx)
	jne	3b
	movb	$STATUS_DRIVER, DEVICE_STATUS(%ebx)
	movl	$0, FEATURE_SELECT(%ebx)
	movl	$0, FEATURE(%ebx)
	movl	$1, FEATURE_SELECT(%ebx)
	movl	$FEATURE_VERSION_1, FEATURE(%ebx)
	movb	$STATUS_FEATURES, DEVICE_STATUS(%ebx)

	movl	$rings, %edi		/* QEMU keeps the memory over a reset */
	movl	$(rings_end - rings), %ecx
	xorl	%eax, %eax
	rep stosb
	movw	$NO_INTERRUPT, available
	movw	$0, QUEUE_SELECT(%ebx)
	movw	$DESCRIPTORS, QUEUE_SIZE(%ebx)
	movl	$descriptors, QUEUE_DESCRIPTORS(%ebx)
	movl	$0, QUEUE_DESCRIPTORS + 4(%ebx)
	movl	$available, QUEUE_AVAILABLE(%ebx)
	movl	$0, QUEUE_AVAILABLE + 4(%ebx)
	movl	$used, QUEUE_USED(%ebx)
	movl	$0, QUEUE_USED + 4(%ebx)
	movzwl	QUEUE_NOTIFY_OFFSET(%ebx), %eax
	imull	notify_step, %eax
	addl	%eax, notify
	movw	$1, QUEUE_ENABLE(%ebx)
	movb	$STATUS_READY, DEVICE_STATUS(%ebx)
	cmpb	$STATUS_READY, DEVICE_STATUS(%ebx)
	ret
not_ready:
	cmpb	$1, common		/* an address is a multiple of 4: "not equal" */
	ret

/* find_registers: sets common, notify and notify_step from the capabilities of the device %ebx. */
find_registers:
	movl	$0, common
	movl	$0, notify
	movl	$PCI_CAPABILITIES, %eax
	call	pci_read
1:	movzbl	%al, %edi
	testl	%edi, %edi
	jz	4f
	movl	%edi, %eax
	call	pci_read
	pushl	%eax			/* id, next, length, kind */
	cmpb	$PCI_CAPABILITY_VENDOR, %al
	jne	3f
	shrl	$24, %eax
	cmpb	$CAPABILITY_COMMON, %al
	jne	2f
	call	register_address
	movl	%eax, common
	jmp	3f
2:	cmpb	$CAPABILITY_NOTIFY, %al
	jne	3f
	call	register_address
	movl	%eax, notify
	leal	16(%edi), %eax
	call	pci_read
	movl	%eax, notify_step
3:	popl	%eax
	shrl	$8, %eax
	jmp	1b
4:	ret

/* register_address: %eax is where the capability %edi points: an offset into one of the BARs. */
register_address:
	leal	8(%edi), %eax
	call	pci_read
	pushl	%eax
	leal	4(%edi), %eax
	call	pci_read
	movzbl	%al, %eax
	leal	PCI_BARS(,%eax,4), %eax
	call	pci_read
	andl	$~0xf, %eax
	popl	%edx
	addl	%edx, %eax
	ret

/* pci_read: %eax is the word %eax of the device %ebx's configuration; %dx is ready to write it. */
pci_read:
	addl	%ebx, %eax
	movw	$PCI_ADDRESS, %dx
	outl	%eax, %dx
	movw	$PCI_DATA, %dx
	inl	%dx, %eax
	ret

disk_transfer:
	movl	%eax, request		/* VIRTIO_BLK_T_IN is 0, _OUT is 1 */
	movl	$0, request + 4
	movl	$0, request + 8		/* the sector */
	movl	$0, request + 12
	movb	$0xff, outcome

	movl	$descriptors, %edi	/* each: address, length, flags and next */
	movl	$request, (%edi)
	movl	$16, 8(%edi)
	movl	$(DESCRIPTOR_NEXT + (1 << 16)), 12(%edi)
	movl	$disk_sector, 16(%edi)
	movl	$SECTOR_BYTES, 24(%edi)
	movl	$(DESCRIPTOR_NEXT + (2 << 16)), 28(%edi)
	testl	%eax, %eax
	jnz	1f
	orl	$DESCRIPTOR_WRITE, 28(%edi)
1:	movl	$outcome, 32(%edi)
	movl	$1, 40(%edi)
	movl	$DESCRIPTOR_WRITE, 44(%edi)

	incw	available + 2		/* every entry of the ring is descriptor 0 */
	movl	notify, %ebx
	movw	$0, (%ebx)
2:	movw	used + 2, %ax
	cmpw	%ax, available + 2
	jne	2b
	cmpb	$0, outcome
	ret

	.bss
	.balign	4096
rings:
descriptors:	.skip	16 * DESCRIPTORS
available:	.skip	6 + 2 * DESCRIPTORS
	.balign	16
used:		.skip	6 + 8 * DESCRIPTORS
rings_end:
	.balign	16
request:	.skip	16
disk_sector:	.skip	SECTOR_BYTES
outcome:	.skip	1
	.balign	4
common:		.skip	4
notify:		.skip	4
notify_step:	.skip	4
