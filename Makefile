# SPDX-License-Identifier: Apache-2.0
#
# make            the program, build/mvmd; needs no root and no network
# make check      all tests (sudo: those that need taps, bridges and other users' files)
# make install    below PREFIX (/usr); unitdir=, userunitdir=, presetdir=, generatordir=, usergeneratordir=, catalogdir=, sysusersdir= and tmpfilesdir=
#                 say where systemd looks, bashdir=, zshdir= and fishdir= where shells do, if pkg-config does not
# make deb        a package for this release of Debian, in build/deb; contrib/debian says what that needs
# make demo       a real guest on a bridge with a share (sudo)
#
# ASAN=1 builds with AddressSanitizer and UBSan into build/asan; WERROR=1 makes warnings errors; V=1 shows
# the commands; CC=clang BUILD=build/clang builds with another compiler beside the first.

.DEFAULT_GOAL := all
PREFIX  ?= /usr
DESTDIR ?=
bindir  := $(PREFIX)/bin
mandir  := $(PREFIX)/share/man
datadir := $(PREFIX)/share/mvmd
incdir  := $(PREFIX)/include/mvmd

VERSION := 0.1.0
CC      ?= gcc
BUILD   ?= build$(if $(ASAN),/asan)
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

PKGS    := libnl-3.0 libnl-route-3.0 libsystemd jansson
PKGCONF ?= pkg-config
CFLAGS  ?= -O2 -g

WARN    := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wmissing-declarations -Wstrict-prototypes \
           -Wold-style-definition -Wredundant-decls -Wnested-externs -Wundef -Wdate-time -Wpointer-arith -Wcast-qual \
           -Wcast-align -Wwrite-strings -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference -Wfloat-equal -Winit-self \
           -Wmissing-noreturn -Wconversion -Wsign-conversion -Wunused-macros -Woverride-init -Wno-unused-parameter
WARNGCC := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wformat-signedness -Wformat-overflow=2 \
           -Wformat-truncation=2 -Wsuggest-attribute=noreturn -Wsuggest-attribute=format -Wstack-usage=16384
HARDEN  := -fno-common -fno-strict-aliasing -fstack-protector-strong -fPIE
OPTIONAL := -fstack-clash-protection -fcf-protection -fstrict-flex-arrays=3 -ftrivial-auto-var-init=zero
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# _FORTIFY_SOURCE hides its checks from AddressSanitizer, so the two builds exclude each other.
FORTIFY  := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3

# What depends on the compiler or on the host is asked once and kept in $(BUILD)/config.mk.
-include $(BUILD)/config.mk
$(BUILD)/config.mk: Makefile
	@mkdir -p $(@D)
	@$(PKGCONF) --exists $(PKGS) || { echo "mvmd needs $(PKGS): sudo contrib/install-deps" >&2; exit 1; }
	@{ printf 'PROBED :='; \
	   for flag in $(WARNGCC) $(OPTIONAL); do \
	     $(CC) -Werror $$flag -x c -c /dev/null -o /dev/null 2>/dev/null && printf ' %s' $$flag; done; echo; \
	   printf 'unitdir ?= %s\n' "$$($(PKGCONF) --variable=systemdsystemunitdir systemd 2>/dev/null || echo $(PREFIX)/lib/systemd/system)"; \
	   printf 'userunitdir ?= %s\n' "$$($(PKGCONF) --variable=systemduserunitdir systemd 2>/dev/null || echo $(PREFIX)/lib/systemd/user)"; \
	   printf 'usergeneratordir ?= %s\n' "$$($(PKGCONF) --variable=systemdusergeneratordir systemd 2>/dev/null || echo $(PREFIX)/lib/systemd/user-generators)"; \
	   printf 'presetdir ?= %s\n' "$$($(PKGCONF) --variable=systemdsystempresetdir systemd 2>/dev/null || echo $(PREFIX)/lib/systemd/system-preset)"; \
	   printf 'catalogdir ?= %s\n' "$$($(PKGCONF) --variable=catalogdir systemd 2>/dev/null || echo $(PREFIX)/lib/systemd/catalog)"; \
	   printf 'generatordir ?= %s\n' "$$($(PKGCONF) --variable=systemdsystemgeneratordir systemd 2>/dev/null || echo $(PREFIX)/lib/systemd/system-generators)"; \
	   printf 'sysusersdir ?= %s\n' "$$($(PKGCONF) --variable=sysusersdir systemd 2>/dev/null || echo $(PREFIX)/lib/sysusers.d)"; \
	   printf 'bashdir ?= %s\n' "$$($(PKGCONF) --variable=completionsdir bash-completion 2>/dev/null || echo $(PREFIX)/share/bash-completion/completions)"; \
	   printf 'zshdir ?= $(PREFIX)/share/zsh/%s\n' "$$(if [ -e /etc/debian_version ]; then echo vendor-completions; else echo site-functions; fi)"; \
	   printf 'fishdir ?= %s\n' "$$($(PKGCONF) --variable=completionsdir fish 2>/dev/null || echo $(PREFIX)/share/fish/vendor_completions.d)"; \
	   printf 'tmpfilesdir ?= %s\n' "$$($(PKGCONF) --variable=tmpfilesdir systemd 2>/dev/null || echo $(PREFIX)/lib/tmpfiles.d)"; \
	   printf 'PKG_CFLAGS := %s\n' "$$($(PKGCONF) --cflags $(PKGS) | sed 's/-I/-isystem /g')"; \
	   printf 'PKG_LIBS := %s\n' "$$($(PKGCONF) --libs $(PKGS))"; } > $@

ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DMVMD_VERSION='"$(VERSION)"' -DMVMD_DATA_DIRECTORY='"$(datadir)"' -Isrc -Iinclude -I$(BUILD) -MMD -MP $(WARN) $(PROBED) \
              $(HARDEN) $(PKG_CFLAGS) $(CPPFLAGS) $(if $(ASAN),$(SANITIZE),$(FORTIFY)) $(if $(WERROR),-Werror) $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now,--fatal-warnings,--as-needed $(if $(ASAN),$(SANITIZE)) $(LDFLAGS)

SRC     := $(sort $(wildcard src/*.c src/*/*.c))
OBJ     := $(SRC:%.c=$(BUILD)/%.o)
# What has a main() of its own.
MAINS   := $(BUILD)/src/cli/main.o $(BUILD)/src/cli/generator.o
LIBOBJ  := $(filter-out $(MAINS),$(OBJ))
TESTS   := $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/*.c tests/net/*.c tests/parts/*.c)))
MANSRC  := $(sort $(wildcard man/*.in))
MAN     := $(MANSRC:man/%.in=$(BUILD)/man/%)

UNITS   := $(BUILD)/mvmd@.service contrib/systemd/mvmd.target contrib/systemd/mvmd.slice
USERUNITS := $(BUILD)/user/mvmd@.service
COMPLETION := $(addprefix $(BUILD)/completion/mvmd.,bash zsh fish)
PRESET  := contrib/systemd/90-mvmd.preset

all: $(BUILD)/mvmd $(BUILD)/mvmd-generator $(MAN) $(BUILD)/mvmd@.service $(USERUNITS) $(BUILD)/mvmd.catalog $(COMPLETION)

$(BUILD)/mvmd: $(BUILD)/src/cli/main.o $(BUILD)/libmvmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)

$(BUILD)/mvmd-generator: $(BUILD)/src/cli/generator.o $(BUILD)/libmvmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)

$(BUILD)/libmvmd.a: $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/config.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# The text of the varlink interface as a C string, for GetInterfaceDescription.
$(BUILD)/varlink-interface.h: include/mvmd/io.mvmd.vm.varlink
	@mkdir -p $(@D)
	@sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< > $@
$(BUILD)/src/run/control.o: $(BUILD)/varlink-interface.h

# The tables of keys and findings in the man pages come from the program's own.
KEYS_mvmd.host.conf.5 := schema --man --host
KEYS_mvmd-errors.7    := explain --man
KEYS_mvmd-known-issues.5 := schema --man --known-issues
$(BUILD)/man/%: man/%.in $(BUILD)/mvmd
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(BUILD)/mvmd $(or $(KEYS_$*),schema --man) > $@.keys
	$(Q)sed -e 's/@VERSION@/$(VERSION)/g' -e 's,@DATADIR@,$(datadir),g' -e '/^@KEYS@$$/{r $@.keys' -e 'd}' $< > $@

# Older ones call the key unknown at each load. With it the store outlives a unit that failed.
SERVICE_LINES := $(shell pkg-config --atleast-version=254 systemd && \
	echo '/^FileDescriptorStoreMax=/a FileDescriptorStorePreserve=yes')

$(BUILD)/mvmd@.service: contrib/systemd/mvmd@.service.in Makefile
$(BUILD)/user/mvmd@.service: contrib/systemd/user/mvmd@.service.in Makefile
$(BUILD)/mvmd@.service $(BUILD)/user/mvmd@.service:
	@mkdir -p $(@D)
	$(Q)sed 's,@BINDIR@,$(bindir),g; $(SERVICE_LINES)' $< > $@

# What journalctl -x says of our entries; its table of findings is the program's own.
$(BUILD)/mvmd.catalog: $(BUILD)/mvmd
	$(call say,CATALOG,$@)
	$(Q)$(BUILD)/mvmd explain --catalog > $@

$(COMPLETION): $(BUILD)/completion/mvmd.%: $(BUILD)/mvmd
	@mkdir -p $(@D)
	$(Q)$< complete $* > $@

# The tests put their own functions before these.
LDFLAGS_test-link-watch   := -Wl,--wrap=link_has_altname
LDFLAGS_test-fault-sweep  := -Wl,--wrap=step_ops,--wrap=apply_step_done,--wrap=vmm_create,--wrap=vmm_boot
LDFLAGS_test-attach-sweep := $(LDFLAGS_test-fault-sweep)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libmvmd.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -MF $@.d -MT $@ $< $(ALL_LDFLAGS) $(LDFLAGS_$(@F)) $(BUILD)/libmvmd.a \
	  -o $@ -lcmocka $(PKG_LIBS)

-include $(OBJ:.o=.d) $(TESTS:=.d)
-include tests/guest/guest.mk tests/host/host.mk tests/systemd/systemd.mk tests/bench/bench.mk tests/fuzz/fuzz.mk

tests-build: all $(TESTS) $(TEST_PARTS)
unit-build: all $(filter $(BUILD)/tests/unit/%,$(TESTS))

check: | deps
	$(Q)$(MAKE) --no-print-directory tests-build
# Without a network there is none: the tests that want it say so.
	$(Q)contrib/make-linux-guest $(BUILD)/linux-guest >$(BUILD)/linux-guest.log 2>&1 || true
	$(if $(filter systemd-13,$(or $(LEVELS),systemd-13)),$(Q)contrib/make-test-root $(BUILD)/debian-13 >$(BUILD)/debian-13.log 2>&1 || true)
	$(Q)BUILD=$(BUILD) tests/run $(LEVELS)

demo: | deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(BUILD) contrib/demo

# Installs nothing where nothing is missing.
deps:
	$(Q)contrib/install-deps --if-missing

# A package does it by a trigger of systemd's.
UPDATE_CATALOG = $(if $(DESTDIR),,if command -v journalctl >/dev/null; then journalctl --update-catalog; fi)

install: all
	install -D -m 755 $(BUILD)/mvmd $(DESTDIR)$(bindir)/mvmd
	for page in $(notdir $(MAN)); do \
	  install -D -m 644 $(BUILD)/man/$$page $(DESTDIR)$(mandir)/man$${page##*.}/$$page; done
	install -D -m 644 -t $(DESTDIR)$(incdir) include/mvmd/*
	install -d $(DESTDIR)$(datadir)
	$(BUILD)/mvmd schema > $(DESTDIR)$(datadir)/vm.schema.json
	$(BUILD)/mvmd schema --host > $(DESTDIR)$(datadir)/host.schema.json
	$(BUILD)/mvmd schema --known-issues > $(DESTDIR)$(datadir)/known-issues.schema.json
	install -m 644 contrib/known-issues.json $(DESTDIR)$(datadir)
	install -D -m 644 -t $(DESTDIR)$(unitdir) $(UNITS)
	install -D -m 644 -t $(DESTDIR)$(presetdir) $(PRESET)
	install -D -m 755 -t $(DESTDIR)$(generatordir) $(BUILD)/mvmd-generator
	install -D -m 644 -t $(DESTDIR)$(userunitdir) $(USERUNITS)
	install -D -m 755 -t $(DESTDIR)$(usergeneratordir) $(BUILD)/mvmd-generator
	install -D -m 644 contrib/systemd/mvmd.sysusers $(DESTDIR)$(sysusersdir)/mvmd.conf
	install -D -m 644 contrib/systemd/mvmd.tmpfiles $(DESTDIR)$(tmpfilesdir)/mvmd.conf
	install -D -m 644 -t $(DESTDIR)$(catalogdir) $(BUILD)/mvmd.catalog
	$(UPDATE_CATALOG)
	install -D -m 644 $(BUILD)/completion/mvmd.bash $(DESTDIR)$(bashdir)/mvmd
	install -D -m 644 $(BUILD)/completion/mvmd.zsh $(DESTDIR)$(zshdir)/_mvmd
	install -D -m 644 $(BUILD)/completion/mvmd.fish $(DESTDIR)$(fishdir)/mvmd.fish

# From a copy of the tree, which knows nothing of how this one is built.
DEB := $(BUILD)/deb/mvmd-$(VERSION)
deb:
	$(Q)rm -rf $(BUILD)/deb && mkdir -p $(DEB)
	$(Q)tar --exclude=./build --exclude=./.git -c . | tar -x -C $(DEB)
	$(Q)cp -a contrib/debian $(DEB)/debian
	$(Q)cd $(DEB) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u BUILD dpkg-buildpackage --no-sign --build=binary

uninstall:
	rm -f $(DESTDIR)$(catalogdir)/mvmd.catalog
	rm -f $(DESTDIR)$(bashdir)/mvmd $(DESTDIR)$(zshdir)/_mvmd $(DESTDIR)$(fishdir)/mvmd.fish
	$(UPDATE_CATALOG)
	rm -f $(DESTDIR)$(bindir)/mvmd $(DESTDIR)$(datadir)/vm.schema.json $(DESTDIR)$(datadir)/host.schema.json
	rm -f $(addprefix $(DESTDIR)$(unitdir)/,$(notdir $(UNITS))) $(DESTDIR)$(presetdir)/$(notdir $(PRESET))
	rm -f $(addprefix $(DESTDIR)$(userunitdir)/,$(notdir $(USERUNITS))) $(DESTDIR)$(usergeneratordir)/mvmd-generator
	rm -f $(DESTDIR)$(generatordir)/mvmd-generator $(DESTDIR)$(sysusersdir)/mvmd.conf $(DESTDIR)$(tmpfilesdir)/mvmd.conf
	rm -f $(DESTDIR)$(datadir)/known-issues.json $(DESTDIR)$(datadir)/known-issues.schema.json
	rm -f $(foreach page,$(notdir $(MAN)),$(DESTDIR)$(mandir)/man$(lastword $(subst ., ,$(page)))/$(page))
	rm -f $(foreach file,$(notdir $(wildcard include/mvmd/*)),$(DESTDIR)$(incdir)/$(file))
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(datadir) $(DESTDIR)$(incdir)

FORMATTED = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
format:
	$(Q)clang-format -i $(FORMATTED)
check-format:
	$(Q)clang-format --dry-run -Werror $(FORMATTED)
tidy: $(BUILD)/config.mk $(BUILD)/varlink-interface.h
	printf '%s\n' $(SRC) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 -D_GNU_SOURCE \
	  -DMVMD_VERSION=\"0\" -DMVMD_DATA_DIRECTORY=\"/\" -Isrc -Iinclude -I$(BUILD) $(PKG_CFLAGS)' tidy

coverage:
	$(Q)$(MAKE) --no-print-directory BUILD=build/coverage CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage tests-build
	$(Q)BUILD=build/coverage tests/run $(LEVELS)
	$(Q)contrib/coverage-report build/coverage

clean:
	rm -rf build

.PHONY: all tests-build unit-build check demo deps install deb uninstall format check-format tidy coverage clean bench fuzz
.DELETE_ON_ERROR:
