# tampu's only door: `make help` lists every target, and CI calls nothing else.
#
# Sources are found, not listed: a new file needs no change here. Everything is made under
# BUILD. Variants: SAN=address,undefined, CC=clang, FUZZ=1, CROSS=aarch64-linux-gnu, each
# with a BUILD of its own. WERROR=1 turns warnings into errors; every check sets it.

BUILD   ?= build
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
PYTHON  := /usr/bin/python3
MAKEFLAGS += --no-builtin-rules

ifdef CROSS
CC      := $(CROSS)-gcc
AR      := $(CROSS)-ar
DEPS    := build/deps-arm64
else
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
AR      ?= ar
DEPS    := build/deps
endif

# No test, demo or bench started from here may reach beyond this machine.
export TAMPU_LOOPBACK_ONLY := 1
export BUILD
export TAMPU := $(abspath $(BUILD))/tampu
export PYTHONDONTWRITEBYTECODE := 1

# --- libraries: the system's where it has them, else what tools/setup put into DEPS ---

SYSTEM_LIBS := libuv openssl sqlite3 libfyaml ncursesw libpq hiredis
EXTRA_LIBS  := yyjson libllhttp
DEPS_READY  := $(wildcard $(DEPS)/complete)
ifdef CROSS
LIB_CFLAGS  := --sysroot=$(abspath $(DEPS)) -isystem $(DEPS)/usr/include/postgresql
LDLIBS      := -luv -lssl -lcrypto -lsqlite3 -lfyaml -lncursesw -ltinfo -lpq -lhiredis
MISSING     := $(if $(DEPS_READY),,$(DEPS))
else
has          = $(shell pkg-config --exists $(1) 2>/dev/null && echo yes)
MISSING     := $(if $(call has,$(SYSTEM_LIBS)),,$(foreach l,$(SYSTEM_LIBS),$(if $(call has,$l),,$l)))
LIB_CFLAGS  := $(if $(MISSING),,$(shell pkg-config --cflags $(SYSTEM_LIBS)))
LDLIBS      := $(if $(MISSING),,$(shell pkg-config --libs $(SYSTEM_LIBS)))
endif
ifeq ($(if $(CROSS),,$(call has,$(EXTRA_LIBS))),yes)
LIB_CFLAGS  += $(shell pkg-config --cflags $(EXTRA_LIBS))
LDLIBS      += $(shell pkg-config --libs $(EXTRA_LIBS))
else ifneq ($(DEPS_READY),)
LIB_CFLAGS  += -isystem $(DEPS)/yyjson/src $(if $(CROSS),,-isystem $(DEPS)/usr/include)
LDLIBS      += $(wildcard $(DEPS)/usr/lib/*/libllhttp.a)
DEPS_OBJ    := $(BUILD)/obj/deps/yyjson.o
else
MISSING     += $(EXTRA_LIBS)
endif

# --- flags ---

WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wimplicit-fallthrough \
            -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings
HARDEN   := -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
SANITIZE += $(if $(FUZZ),$(if $(findstring clang,$(CC)),-fsanitize=fuzzer-no-link))
# -Werror stays out of FLAGS: switching it must not rebuild everything. With sanitizers
# gcc sees overflows that are not there, so warnings stay warnings.
FLAGS    := -std=gnu17 -O2 -g $(WARNINGS) -fPIE $(HARDEN) $(SANITIZE) -D_GNU_SOURCE \
            -Isrc -I$(BUILD)/gen $(LIB_CFLAGS) $(CFLAGS)
LINK     := -pie -Wl,-z,relro,-z,now $(SANITIZE) $(if $(CROSS),$(LIB_CFLAGS)) $(LDFLAGS)
# The thread sanitizer must see what libuv closes: test/tsan/close.c.
LINK     += $(if $(filter thread,$(SAN)),-u syscall)
# Recipes say in a few letters what they do; V=1 shows the commands.
say       = $(if $(V),,@printf '  %-5s %s\n' $(1) '$(2)';)
COMPILE   = $(call say,cc,$<)$(CC) $(FLAGS) $(if $(WERROR),$(if $(SAN),,-Werror)) -MMD -MP -c -o $@ $<
LDLIBS   += -lm -lpthread

# --- what there is ---

# FOLDERS="base wire" builds and tests these alone, as while the others are in pieces.
FOLDERS  ?= *
LIB_SRC  := $(wildcard $(FOLDERS:%=src/%/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/embedded.o $(DEPS_OBJ)
LIB_OBJ  += $(if $(filter thread,$(SAN)),$(BUILD)/obj/test/tsan/close.o)
EMBED    := $(wildcard catalog/*.yaml fleets/homelab.yaml src/store/schema/*.sql src/store/schema/*/*.sql src/store/valkey/*.lua src/web/assets/* \
            src/cmd/assets/* share/prometheus/*.yml share/grafana/*) $(sort $(shell find share/roles share/engines -type f))
# What the dashboard draws with, where tools/setup could get it; without it there are tables.
UPLOT    := $(wildcard build/charts/node_modules/uplot)
EMBED    += $(if $(UPLOT),$(addprefix $(BUILD)/gen/charts/src/web/assets/,uplot.js uplot.css))
UNIT_SRC := $(wildcard $(FOLDERS:%=test/unit/%/test_*.c))
UNIT     := $(UNIT_SRC:test/unit/%.c=$(BUILD)/unit/%)
FUZZ_SRC := $(wildcard test/fuzz/fuzz_*.c)
FUZZERS  := $(FUZZ_SRC:test/fuzz/%.c=$(BUILD)/fuzz/%)
TORTURE  := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard test/torture/*.c))
REPORT   := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard test/report/*.c))
GOLDEN   := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard test/golden/*.c))
SHELLS    = $(shell grep -rlE '^\#!.*(ba)?sh$$' tools .ci/run share 2>/dev/null)
C_FILES   = $(wildcard src/*.[ch] src/*/*.[ch] test/*/*.[ch] test/unit/*/*.[ch])
STORIES  := $(wildcard test/scenario)
ENGINES  := $(wildcard test/engine)
CLIENTS  := $(wildcard test/clients)

.PHONY: all help demo test check check-unit check-golden check-story check-clients check-web check-engine \
        check-plan check-asan check-tsan check-clang check-torture check-debian13 check-arm64 \
        check-roles fuzz \
        bench bench-decide bench-everything bench-ledger bench-seed routing-report soak \
        format format-check tidy layers banned budget docs docs-check tour quick install clean \
        matrix plan-report screenshots libraries unit fuzzers FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/tampu $(BUILD)/libtampu.a ## build build/tampu (the default)

help: ## list every target
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- building ---

# Says what is missing before the compiler says it in a hundred lines.
libraries:
	$(if $(strip $(MISSING)),@echo 'make: missing: $(strip $(MISSING)); run tools/setup' >&2; exit 1)

# Rewritten only when its contents change, so what depends on it is remade just then.
define when_changed
@mkdir -p $(@D)
@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
endef

$(BUILD)/gen/flags: FORCE
	$(call when_changed,$(CC) $(FLAGS) $(LINK))

$(BUILD)/gen/sources: FORCE
	$(call when_changed,$(LIB_OBJ))

$(BUILD)/gen/embedded.list: FORCE
	$(call when_changed,$(EMBED))

$(BUILD)/gen/embedded.c: tools/embed $(BUILD)/gen/embedded.list $(EMBED)
	$(if $(UPLOT),,@echo 'make: no build/charts: the dashboard shows tables, not charts; tools/setup brings it' >&2)
	$(call say,embed,$@)$(PYTHON) tools/embed --under $(BUILD)/gen/charts/ $(EMBED) >$@

# A module, with the licence that must go along.
$(BUILD)/gen/charts/src/web/assets/uplot.js: $(UPLOT)/dist/uPlot.iife.min.js
	@mkdir -p $(@D)
	@{ echo '/*'; cat $(UPLOT)/LICENSE; echo '*/'; cat $<; echo 'export default uPlot;'; } >$@

$(BUILD)/gen/charts/src/web/assets/uplot.css: $(UPLOT)/dist/uPlot.min.css
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/obj/embedded.o: $(BUILD)/gen/embedded.c $(BUILD)/gen/flags | libraries
	@mkdir -p $(@D)
	$(COMPILE)

# Somebody else's code: its warnings are theirs.
$(BUILD)/obj/deps/yyjson.o: $(DEPS)/yyjson/src/yyjson.c $(BUILD)/gen/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)$(CC) $(FLAGS) -w -c -o $@ $<

$(BUILD)/obj/test/%.o: FLAGS += -Itest/unit
$(BUILD)/obj/%.o: %.c $(BUILD)/gen/flags | libraries
	@mkdir -p $(@D)
	$(COMPILE)

# q, not r: two folders may each have a file of the same name.
$(BUILD)/libtampu.a: $(LIB_OBJ) $(BUILD)/gen/sources
	@rm -f $@
	$(call say,ar,$@)$(AR) qcs $@ $(LIB_OBJ)

# Link the objects and libraries among the prerequisites.
define link
@mkdir -p $(@D)
$(call say,link,$@)$(CC) $(LINK) -o $@ $(filter %.o %.a,$^) $(1) $(LDLIBS)
endef

$(BUILD)/tampu: $(BUILD)/obj/src/main.o $(BUILD)/libtampu.a
	$(call link)

$(BUILD)/unit/%: $(BUILD)/obj/test/unit/%.o $(BUILD)/libtampu.a
	$(call link,-lcmocka)

$(BUILD)/golden: $(GOLDEN) $(BUILD)/libtampu.a
	$(call link)

$(BUILD)/plan_report: $(REPORT) $(BUILD)/libtampu.a
	$(call link)

$(BUILD)/torture: $(TORTURE) $(BUILD)/libtampu.a
	$(call link,-lcmocka -Wl$(comma)--wrap=malloc$(comma)--wrap=calloc$(comma)--wrap=realloc)
comma := ,

# Without clang's libFuzzer, a plain main replays the corpus and mutates it a little.
FUZZ_MAIN := $(if $(findstring clang,$(CC)),,$(BUILD)/obj/test/fuzz/plain_main.o)
$(BUILD)/fuzz/%: $(BUILD)/obj/test/fuzz/%.o $(FUZZ_MAIN) $(BUILD)/libtampu.a
	$(call link,$(if $(FUZZ_MAIN),,-fsanitize=fuzzer))

unit: $(UNIT)
fuzzers: $(FUZZERS)

# --- running ---

demo: ## the whole imagined fleet on this machine, gateway on port 4000
	@tools/setup build
	@$(MAKE) -j$(JOBS) all
	$(BUILD)/tampu demo $(DEMO_ARGS)

test: ## everything CI runs: installs what it needs, builds, tests; one closing line
	@tools/test

check: ## what every change must pass: unit, golden, stories and the quick gates
	@tools/test unit golden story layers banned budget docs-check

quick: layers banned budget ## the gates that take no time, for a pre-commit hook

# Checks come with warnings as errors, and say N passed, N failed at the end.
CHECK = +@$(MAKE) -s -j$(JOBS) WERROR=1

check-unit: ## unit tests, one program per source file
	$(CHECK) unit
	@tools/tally check-unit --each $(UNIT)

check-plan: ## the planner against brute force on 1,000 fleets, and 100 machines with 300 models
	$(CHECK) $(BUILD)/unit/plan/test_milp $(BUILD)/unit/plan/test_plan
	@PLAN_FLEETS=1000 PLAN_SCALE=1 tools/tally check-plan --each $(BUILD)/unit/plan/test_milp \
	    $(BUILD)/unit/plan/test_plan

check-golden: ## bytes in, bytes out, cut at every position
	$(if $(GOLDEN),$(CHECK) $(BUILD)/golden)
	@tools/tally check-golden $(if $(GOLDEN),$(BUILD)/golden test/golden)

check-torture: ## fail every allocation in turn
	$(if $(TORTURE),$(CHECK) $(BUILD)/torture)
	@tools/tally check-torture $(if $(TORTURE),$(BUILD)/torture)

check-story: ## stories and scenarios: the real program, imagined machines
	$(CHECK) all
	@tools/tally check-story $(if $(STORIES),$(PYTHON) -m pytest -q $(STORIES))

check-clients: ## official client libraries against the real program
	$(CHECK) all
	@tools/tally check-clients $(if $(CLIENTS),$(PYTHON) -m pytest -q -rs $(CLIENTS))

check-web: ## the dashboard in a real browser, against the demo
	$(CHECK) all
	@tools/tally check-web $(PYTHON) -m pytest -q -rs test/web

check-engine: ## the real llama-server behind the real gateway
	$(CHECK) all
	@tools/tally check-engine $(if $(ENGINES),$(PYTHON) -m pytest -q -rs $(ENGINES))

check-asan: ## unit, golden, torture and stories under address and undefined sanitizers
	+@BUILD=build/asan tools/test unit golden torture story -- SAN=address,undefined

check-tsan: ## unit tests and stories under the thread sanitizer
	+@BUILD=build/tsan tools/test unit story -- SAN=thread

check-clang: ## unit and golden tests, built by clang
	@tools/setup build test clang
	+@BUILD=build/clang tools/test unit golden -- CC=clang

check-debian13: ## make test on a fresh Debian 13 in a chroot
	@tools/setup debian13
	tools/check-debian13

check-roles: all ## the install scripts of Pis and machines, run in a Debian 12 root
	@tools/setup build roles
	tools/check-roles

check-arm64: ## cross-build for arm64; unit and golden tests under qemu
	@tools/setup build test arm64
	tools/check-arm64

FUZZ_SECONDS ?= 60
fuzz: ## fuzz every parser for FUZZ_SECONDS each
	+@tools/fuzz $(FUZZ_SECONDS)

bench: all ## side by side with HAProxy and nginx
	@tools/setup bench
	test/bench/run

bench-seed: all ## the LAN registry beside nginx; docs/bench/seed.md
	@tools/setup bench
	test/bench/seed

matrix: all ## every dialect, engine and feature once; docs/reference/matrix.md is what came of it
	TAMPU_WRITE_MATRIX=1 $(PYTHON) -m pytest -q test/scenario/test_matrix.py

screenshots: all ## write docs/screenshots: every view of the dashboard
	@tools/setup web
	NODE_PATH=build/web/node/node_modules node test/web/screenshots.js

plan-report: ## the planner against baselines, into docs/bench/plan.md
	$(CHECK) $(BUILD)/plan_report
	$(BUILD)/plan_report >docs/bench/plan.md

$(BUILD)/bench/%: $(BUILD)/obj/test/bench/%.o $(BUILD)/libtampu.a
	$(call link)

bench-decide: $(BUILD)/bench/decide ## what one routing decision costs, against its limits
	$(BUILD)/bench/decide

# The same gateway without books and metrics, which no setting turns off.
NOTHING := recorder_hold recorder_is_kept recorder_push recorder_put series_add series_shift series_observe_us series_observe_tokens
$(BUILD)/bench/nothing: $(BUILD)/obj/src/main.o $(BUILD)/obj/test/bench/nothing.o $(BUILD)/libtampu.a
	$(call link,$(NOTHING:%=-Wl$(comma)--wrap=%))

bench-everything: all $(BUILD)/bench/nothing ## what a request costs with keys, limits, budget, journal, metrics and log, and without
	@tools/setup bench
	test/bench/everything

bench-ledger: $(BUILD)/bench/ledger ## rows a second that the books take, and what a request waits for them
	$(BUILD)/bench/ledger

routing-report: all ## write docs/routing.md: policies compared in the simulator; minutes
	tools/routing-report docs/routing.md

soak: all ## load, leaks and drift; ten minutes of machines that come and go; the books, whatever dies; gateway and simulator side by side
	test/soak/run
	test/soak/chaos
	test/soak/books
	test/soak/fidelity

# --- reading and writing ---

format: ## let clang-format have the last word
	clang-format -i $(C_FILES)

format-check: ## would clang-format change anything?
	clang-format --dry-run --Werror $(C_FILES)

tidy: ## clang-tidy and shellcheck
	@tools/setup build clang
	shellcheck $(SHELLS)
	clang-tidy --quiet $(LIB_SRC) -- $(filter-out -f% -W%,$(FLAGS))

layers: ## does every include point down?
	@tools/tally layers tools/layers

banned: ## does any code call what this house does not use?
	@tools/tally banned tools/banned

budget: ## is every file and function short enough to read?
	@tools/tally budget tools/budget

docs: all ## write docs/reference, man pages and completions from the tables
	tools/docs .

docs-check: all ## does what is written in docs match the tables?
	@tools/tally docs-check tools/docs --check

tour: ## the code tour: every folder, every header, what it says of itself
	@tools/tour

DEST = $(DESTDIR)$(PREFIX)
install: all ## install under PREFIX (default /usr/local), into DESTDIR
	install -D -m 755 $(BUILD)/tampu $(DEST)/bin/tampu
	tools/install-docs $(DEST)

clean: ## remove what was built; keep what tools/setup fetched
	rm -rf $(addprefix build/,obj gen unit golden torture fuzz asan tsan clang arm64 fuzzing docs log) \
	    build/tampu build/libtampu.a

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
