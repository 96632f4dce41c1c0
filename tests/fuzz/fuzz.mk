# SPDX-License-Identifier: Apache-2.0
#
# make fuzz       libFuzzer on each tests/fuzz/fuzz-X.c, FUZZ_SECONDS long (needs clang). What it finds lies in
#                 $(BUILD)/fuzz; for the spec language put it into tests/fuzz/corpus, which the unit tests replay.

FUZZ_SECONDS ?= 30
FUZZERS      := $(patsubst tests/fuzz/fuzz-%.c,%,$(sort $(wildcard tests/fuzz/fuzz-*.c)))
FUZZ_SRC     := $(sort $(wildcard src/base/*.c src/model/*.c))
FUZZ_FLAGS   := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -O1 -g

# Where a fuzzer has them: seeds and a dictionary.
FUZZ_SEEDS_spec := -dict=tests/fuzz/spec.dict tests/fuzz/corpus
FUZZ_SEEDS_record := tests/fuzz/records

$(BUILD)/fuzz/fuzz-%: tests/fuzz/fuzz-%.c $(FUZZ_SRC) $(wildcard tests/fuzz/*.h src/base/*.h src/model/*.h)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)clang -std=gnu11 -D_GNU_SOURCE -DMVMD_VERSION='"$(VERSION)"' -Isrc -Iinclude -Itests $(PKG_CFLAGS) $(FUZZ_FLAGS) \
	  $< $(FUZZ_SRC) -o $@ $(PKG_LIBS)

# New inputs go to $(BUILD)/fuzz/found-X, so that the corpus in the repository stays as it is.
fuzz: $(FUZZERS:%=fuzz-%)
fuzz-%: $(BUILD)/fuzz/fuzz-%
	@mkdir -p $(BUILD)/fuzz/found-$*
	$< -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(BUILD)/fuzz/ -print_final_stats=1 $(BUILD)/fuzz/found-$* \
	  $(FUZZ_SEEDS_$*)

.PRECIOUS: $(BUILD)/fuzz/fuzz-%
