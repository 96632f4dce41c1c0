# SPDX-License-Identifier: Apache-2.0
# The tiny guest, for x86-64 VMMs; elsewhere its tests skip.
ifeq ($(shell uname -m),x86_64)
TEST_PARTS += $(BUILD)/tests/guest/tiny.elf $(BUILD)/tests/guest/mute-backend \
	      $(BUILD)/tests/guest/guest-says $(BUILD)/tests/guest/connect-exec
endif

TINY_OBJ := $(BUILD)/tests/guest/tiny.o $(BUILD)/tests/guest/disk.o

$(TINY_OBJ): $(BUILD)/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(AS) --64 --fatal-warnings -o $@ $<

$(BUILD)/tests/guest/tiny.elf: $(TINY_OBJ) tests/guest/tiny.ld
	$(call say,GUEST,$@)
	$(Q)$(LD) -m elf_x86_64 -z noexecstack --build-id=none -s -T tests/guest/tiny.ld \
	  -o $@ $(TINY_OBJ)
