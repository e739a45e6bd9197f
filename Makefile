# Every target a newcomer or a developer needs. `make demo` and `make test` are all that the README asks for.
BUILD ?= build
TESTS ?= .*
CMAKE_FLAGS ?=

.PHONY: build
build:
	@scripts/bootstrap
	@cmake -S . -B $(BUILD) -G Ninja $(CMAKE_FLAGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@cmake --build $(BUILD)
