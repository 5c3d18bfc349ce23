# sitrep: `make` builds, `make demo` shows it, `make test` proves it.
BUILD ?= build
CMAKE_FLAGS ?=

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) sitrep floors

$(BUILD)/build.ninja:
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo $(CMAKE_FLAGS) >/dev/null

# Installs what is missing, builds, starts a local chat workspace and the bot against it. Ctrl-C ends all.
demo:
	@tests/demo/run

test:
	@tests/run

# The same faults for longer: minutes to hours; what to set is at the top of the script.
test-long:
	@tests/run-long

# cppcheck, gcc -fanalyzer, clang-tidy: docs/static-analysis.md
static:
	@tests/static/run

# Lines that the unit tests reach, floor by floor.
coverage:
	@tests/coverage

docs: all
	@$(BUILD)/sitrep reference commands > docs/commands.md
	@$(BUILD)/sitrep reference configuration > docs/configuration.md

clean:
	rm -rf build build-*

.PHONY: all coverage demo static test test-long docs clean
