# SPDX-License-Identifier: Apache-2.0
# make bench: how mvmd compares with baselines measured in the same run; tests/bench/run does it.
BENCH    := $(BUILD)/tests/bench
BENCHERS := $(addprefix $(BENCH)/,mvmd baseline cloud-hypervisor backend-ready taps-gone first-byte \
	    always-there kernel-version ready-unit unit-times json-only relay-says many-taps stream)

comma    := ,

bench: all $(BENCHERS) $(TEST_PARTS)
	$(Q)BUILD=$(BUILD) tests/bench/run

$(BENCH)/%.o: tests/bench/%.c $(BUILD)/config.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# The program itself with its main() under another name: what is measured is what is shipped.
$(BENCH)/mvmd-main.o: $(BUILD)/src/cli/main.o
	@mkdir -p $(@D)
	$(Q)objcopy --redefine-sym main=mvmd_main $< $@

$(BENCH)/mvmd: $(addprefix $(BENCH)/,stamped-mvmd.o stamp.o mvmd-main.o) $(BUILD)/libmvmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)

# The VMM's stub is static and has an entry point of its own: its start would dilute the ratios.
ifeq ($(shell uname -m),x86_64)
STUB_ENTRY := $(BENCH)/vmm-entry.o
endif
$(BENCH)/cloud-hypervisor: $(addprefix $(BENCH)/,stub-vmm.o stamp.o vhost-user.o) $(STUB_ENTRY)
	$(call say,LD,$@)
	$(Q)$(CC) -static $(LDFLAGS) $(if $(STUB_ENTRY),-Wl$(comma)-e$(comma)vmm_entry) $^ -o $@

$(BENCH)/%.o: tests/bench/%.S
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -c $< -o $@

$(BENCH)/baseline: $(BENCH)/baseline.o $(BENCH)/stamp.o
$(BENCH)/backend-ready: $(addprefix $(BENCH)/,backend-ready.o backend-start.o stamp.o vhost-user.o)
$(BENCH)/always-there: $(addprefix $(BENCH)/,always-there.o backend-start.o)
$(BENCH)/kernel-version: $(addprefix $(BENCH)/,kernel-version.o stamp.o) $(BUILD)/libmvmd.a
$(BENCH)/unit-times: $(addprefix $(BENCH)/,unit-times.o stamp.o)
$(BENCH)/ready-unit: $(BENCH)/ready-unit.o
$(BENCH)/taps-gone: $(BENCH)/taps-gone.o $(BENCH)/stamp.o
$(BENCH)/json-only: $(BENCH)/json-only.o
$(BENCH)/relay-says: $(BENCH)/relay-says.o $(BENCH)/stamp.o
$(BENCH)/stream: $(BENCH)/stream.o $(BENCH)/stamp.o
$(BENCH)/many-taps: $(addprefix $(BENCH)/,many-taps.o stamp.o) $(BUILD)/libmvmd.a
$(BENCH)/first-byte: $(BENCH)/first-byte.o $(BENCH)/stamp.o
$(addprefix $(BENCH)/,baseline backend-ready taps-gone first-byte always-there kernel-version ready-unit unit-times json-only relay-says many-taps stream):
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)

-include $(wildcard $(BENCH)/*.d)
