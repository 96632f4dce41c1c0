# SPDX-License-Identifier: Apache-2.0
# The tiny guest, for x86-64 VMMs; elsewhere its tests skip.
ifeq ($(shell uname -m),x86_64)
TEST_PARTS += $(BUILD)/tests/guest/tiny.elf
endif

$(BUILD)/tests/guest/tiny.elf: tests/guest/tiny.S tests/guest/tiny.ld
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(AS) --64 --fatal-warnings -o $(@:.elf=.o) $<
	$(Q)$(LD) -m elf_x86_64 -z noexecstack --build-id=none -s -T tests/guest/tiny.ld -o $@ \
	  $(@:.elf=.o)
