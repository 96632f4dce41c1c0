# SPDX-License-Identifier: Apache-2.0
#
# make fuzz       libFuzzer on the spec language, FUZZ_SECONDS long (needs clang). What it finds lies in
#                 $(BUILD)/fuzz; put it into tests/fuzz/corpus, which the unit tests replay.

FUZZ_SECONDS ?= 30
FUZZ_SRC     := tests/fuzz/fuzz-spec.c $(sort $(wildcard src/base/*.c src/model/*.c))
FUZZ_FLAGS   := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -O1 -g

$(BUILD)/fuzz/fuzz-spec: $(FUZZ_SRC) $(wildcard tests/fuzz/*.h src/base/*.h src/model/*.h)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)clang -std=gnu11 -D_GNU_SOURCE -DMVMD_VERSION='"$(VERSION)"' -Isrc -Iinclude -Itests $(PKG_CFLAGS) $(FUZZ_FLAGS) \
	  $(FUZZ_SRC) -o $@ $(PKG_LIBS)

# New inputs go to $(BUILD)/fuzz/found, so that the corpus in the repository stays as it is.
fuzz: $(BUILD)/fuzz/fuzz-spec
	@mkdir -p $(BUILD)/fuzz/found
	$(BUILD)/fuzz/fuzz-spec -max_total_time=$(FUZZ_SECONDS) -dict=tests/fuzz/spec.dict \
	  -artifact_prefix=$(BUILD)/fuzz/ -print_final_stats=1 $(BUILD)/fuzz/found tests/fuzz/corpus
