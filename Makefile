# All that a newcomer needs is `make demo` and `make test`; `make help` lists the rest.
BUILD  ?= build
PREFIX ?= /usr/local
TESTS  ?= .
SEED   ?= $(shell date +%s)
FIRST  ?= 1
SEEDS  ?= 10000
JOBS   ?= $(shell nproc)
ARGS   ?=

export BUILD

sources = $(shell git ls-files '*.cpp' '*.hpp')
# Tests that go much further when ACCRUE_TORTURE is set.
torture_tests = daemon_store_test daemon_committer_test e2e_delivery_test e2e_workers_test e2e_full_disk_test \
                e2e_silence_test e2e_memory_test
# Tests in Python are run by `make test` alone: the client is the same under every compiler and sanitizer, and what the
# daemon does for them the other tests make it do as well.
python_packages = python3-zmq python3-msgpack python3-numpy python3-pandas python3-scipy python3-sklearn python3-pytest \
                  python3-jsonschema python3-pip python3-setuptools python3-venv python3-wheel mypy flake8
not_python      = -LE '^python$$'
datasets = ACCRUE_DATASETS="$$(scripts/fetch-datasets)"
# What tests need beside what was built.
fetched  = $(datasets) ACCRUE_PROMTOOL="$$(scripts/fetch-promtool)"

# Ninja itself configures again when that is needed.
configure = test -f $(1)/build.ninja || scripts/quietly $(1)/configure.log cmake -S . -B $(1) -G Ninja $(2)

.PHONY: help build demo run test torture simulate sanitize sanitize-address sanitize-thread clang \
        bench bench-check bench-python bench-scaling bench-peers format tidy install clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

build: ## build/bin/accrued and build/bin/accrue
	@scripts/bootstrap
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target accrued accrue

demo: build ## Replay California housing through a fresh daemon and print what it learned
	@scripts/demo

run: build ## Start the daemon for use (ARGS="--data DIR --listen tcp://HOST:PORT")
	@$(BUILD)/bin/accrued $(ARGS)

test: ## Every test (TESTS=REGEX for some of them)
	@scripts/bootstrap $(python_packages)
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS)
	@$(fetched) ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure -R '$(TESTS)'

torture: ## Faults and power cuts by the thousand (SEED=N to repeat a run)
	@scripts/bootstrap
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target $(torture_tests)
	@seed=$(SEED); for test in $(torture_tests); do \
	  echo "$$test: SEED=$$seed"; \
	  ACCRUE_TORTURE=1 ACCRUE_SEED=$$seed $(BUILD)/bin/$$test --gtest_brief=1 || exit 1; \
	done

simulate: ## Simulated histories of crashes, SEEDS=N of them from seed FIRST=N on
	@scripts/bootstrap
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target simulate
	@$(BUILD)/bin/simulate --first $(FIRST) --seeds $(SEEDS)

sanitize: sanitize-address sanitize-thread ## Every test under ASan + UBSan, then under TSan

sanitize-address:
	@scripts/bootstrap
	@$(call configure,$(BUILD)-address,-DACCRUE_SANITIZE=address$(comma)undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo)
	@cmake --build $(BUILD)-address -j $(JOBS)
	@$(fetched) ctest --test-dir $(BUILD)-address -j $(JOBS) --output-on-failure -R '$(TESTS)' $(not_python)

sanitize-thread:
	@scripts/bootstrap
	@$(call configure,$(BUILD)-thread,-DACCRUE_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo)
	@cmake --build $(BUILD)-thread -j $(JOBS)
	@TSAN_OPTIONS="suppressions=$(CURDIR)/tests/support/tsan.supp" $(fetched) \
	  ctest --test-dir $(BUILD)-thread -j $(JOBS) --output-on-failure -R '$(TESTS)' $(not_python)

clang: ## Build all with Clang 14 and run every test
	@scripts/bootstrap clang-14
	@$(call configure,$(BUILD)-clang,-DCMAKE_CXX_COMPILER=clang++-14)
	@cmake --build $(BUILD)-clang -j $(JOBS)
	@$(fetched) ctest --test-dir $(BUILD)-clang -j $(JOBS) --output-on-failure -R '$(TESTS)' $(not_python)

bench: ## accrue beside raw ZeroMQ, TCP and memcpy, its learners, and recovery: writes tests/bench/RESULTS.md (ARGS=--quick)
	@scripts/bootstrap
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target socket_bench models_bench learners_bench sgd_bench recovery_bench
	@mkdir -p $(BUILD)/bench
	@$(BUILD)/bin/socket_bench --json $(BUILD)/bench/sockets.json $(ARGS)
	@$(BUILD)/bin/models_bench $(call repeated,models)
	@$(BUILD)/bin/learners_bench $(call repeated,learners) --benchmark_filter='/(least_squares|adaptive)/'
	@$(BUILD)/bin/learners_bench --benchmark_filter='-/(least_squares|adaptive)/'
	@$(BUILD)/bin/sgd_bench
	@$(BUILD)/bin/recovery_bench
	@scripts/bench-page $(BUILD)/bench

bench-scaling: ## Speed and memory as features, batches, producers, streams, models and epochs grow: tables and plots
	@scripts/bootstrap
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target scaling_bench
	@$(BUILD)/bin/scaling_bench --json $(BUILD)/bench/scaling.json --plots tests/bench/plots $(ARGS)
	@scripts/bench-page $(BUILD)/bench

bench-peers: build ## accrue beside scikit-learn, River and Vowpal Wabbit, those that scripts/install-peers has installed
	@mkdir -p $(BUILD)/bench
	@python=$(BUILD)/peers/bin/python3; [ -x $$python ] || python=/usr/bin/python3; \
	  $(datasets) $$python scripts/bench-peers $(BUILD)/bin $(BUILD)/bench/peers.json $(ARGS)
	@scripts/bench-page $(BUILD)/bench

bench-python: ## The Python client beside the C++ one, in batches of 4,096
	@scripts/bootstrap $(python_packages)
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target accrued socket_bench
	@mkdir -p $(BUILD)/bench
	@/usr/bin/python3 scripts/bench-python $(BUILD)/bin $(BUILD)/bench/python.json $(ARGS)

bench-check: ## Instructions of the hot units against the committed baseline (ARGS=--renew for a new one)
	@scripts/bootstrap valgrind
	@$(call configure,$(BUILD))
	@cmake --build $(BUILD) -j $(JOBS) --target hot_units
	@scripts/bench-check $(BUILD)/bin/hot_units $(ARGS)

format: ## Lay out the sources
	@scripts/bootstrap clang-format-14
	@clang-format-14 -i $(sources)

tidy: ## clang-tidy over the sources
	@scripts/bootstrap clang-14 clang-tidy-14
	@$(call configure,$(BUILD)-clang,-DCMAKE_CXX_COMPILER=clang++-14)
	@run-clang-tidy-14 -quiet -p $(BUILD)-clang -j $(JOBS) '/(models|ingest|daemon|client|datasets)/'

install: build ## Programs, client library and header under PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## Remove what was built
	@rm -rf $(BUILD) $(BUILD)-address $(BUILD)-thread $(BUILD)-clang

comma := ,
repeated = --benchmark_repetitions=5 --benchmark_min_time=0.1 --benchmark_out_format=json \
           --benchmark_out=$(BUILD)/bench/$(1).json
