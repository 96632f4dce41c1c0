# SPDX-License-Identifier: Apache-2.0
# What a Linux guest of the emulated host runs: it has no libraries, and no sanitizer.
TEST_PARTS += $(BUILD)/tests/host/guest-notifies

$(BUILD)/tests/host/guest-notifies: tests/host/guest-notifies.c $(BUILD)/config.mk
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -static -o $@ $<
