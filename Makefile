# The project's commands; `make` alone lists them.  All work in .venv, made on first use.
#   PYTHON=python3.12 make test      another interpreter (the .venv is made anew when it changes)

PYTHON ?= python3
VENV := .venv
# Hundreds of tests start a process: what is compiled to bytecode once is read by all.
unexport PYTHONDONTWRITEBYTECODE
BIN := $(VENV)/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --disable-pip-version-check --quiet
MADE := $(VENV)/.made-by-$(subst /,_,$(PYTHON))
SOURCES := setup.py $(shell find src_c -type f -not -name '*.pyc') $(wildcard lstmcore/_binding/*.pyx lstmcore/_binding/*.px[di])
PLAIN_C := $(shell find src_c examples tests benchmarks -name '*.[ch]')
CORE_TESTS := $(filter-out %/test_cmake.py %/test_embed.py %/test_library.py %/test_threads.py,$(wildcard tests/core/test_*.py))
CORE_TESTS += tests/test_streaming.py tests/text/test_generation.py

help:  ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: $(VENV)/.plot build  ## train a model on a bundled series and draw its forecast
	$(BIN)/lstmcore demo

test: $(VENV)/.test build  ## the tests, under three minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: lint slow kernels faults assertions sanitize bounds  ## everything else: lint, slow tests, faults, assertions, sanitizers, lowest versions

slow: $(VENV)/.test build  ## the slow tests alone
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.bench build  ## measure the speed against other engines where they are installed
	$(BIN)/python -m benchmarks.speed.bench --json bench.json
	$(BIN)/python -m benchmarks.speed.ragged --json bench-ragged.json
	$(BIN)/python -m benchmarks.speed.options --json bench-options.json
	$(BIN)/python -m benchmarks.speed.streaming --json bench-streaming.json
	$(BIN)/python -m benchmarks.speed.fitting --json bench-fitting.json

lint: $(VENV)/.dev build  ## ruff, mypy, stubtest and clang-format, changing nothing
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml --ignore-unused-allowlist \
	--allowlist lstmcore/_binding/stubtest_allowlist.txt lstmcore._core
	$(BIN)/clang-format --dry-run --Werror $(PLAIN_C)
	@! grep -rInE '^.{121,}' src_c || { echo 'src_c has lines of more than 120 characters'; exit 1; }

format: $(VENV)/.dev  ## let ruff and clang-format lay out the sources
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/clang-format -i $(PLAIN_C)

kernels: lib  ## check every kernel of the C core by itself; BENCH=--bench also says its cycles
	@for type in f32 f64; do \
	$(CC) -std=gnu11 -O2 -Wall -DREAL_F64=$$(test $$type = f32; echo $$?) -Isrc_c -o build/check_kernels_$$type \
	tests/core/check_kernels.c build/lib/liblstmcore.a $$(sed -n 's/^Libs.private: //p' build/lib/pkgconfig/lstmcore.pc) -lm && \
	build/check_kernels_$$type $(BENCH) || exit 1; done

faults: $(VENV)/.test  ## plant one-line faults in the C core; every one must turn the tests red
	$(BIN)/python tests/core/faults.py

build: build/.built  ## compile the C core into lstmcore/, if a source changed

debug: $(VENV)/.test  ## compile it with -O1 -g and assertions; the next `make build` undoes it
	rm -f build/.built && LSTMCORE_DEBUG=1 $(BIN)/python setup.py --quiet build_ext -i

# A copy of the tree, so that the usual build stays as it is.
assertions: $(VENV)/.test  ## the tests of the C core in a debug build, which checks every precondition
	rm -rf build/assertions && mkdir -p build/assertions
	cp -r setup.py pyproject.toml README.md LICENSE src_c lstmcore tests examples build/assertions
	cd build/assertions && rm -f lstmcore/*.so && LSTMCORE_DEBUG=1 ../../$(BIN)/python setup.py --quiet build_ext -i
	cd build/assertions && ../../$(BIN)/python -m pytest $(CORE_TESTS)

bounds:  ## lint and tests with the lowest versions of all dependencies, in an environment of their own
	@mkdir -p build
	$(PYTHON) tests/project/bounds.py build/bounds

# A copy of the tree, so that the usual build stays as it is.  Leaks are Python's own, at its exit.
sanitize: $(VENV)/.test  ## the tests of the C core under gcc's address and undefined-behaviour sanitizers
	rm -rf build/sanitize && mkdir -p build/sanitize
	cp -r setup.py pyproject.toml README.md LICENSE src_c lstmcore tests examples build/sanitize
	cd build/sanitize && LSTMCORE_SANITIZE=address,undefined ../../$(BIN)/python setup.py --quiet build_ext -i
	cd build/sanitize && LD_PRELOAD=$$(gcc -print-file-name=libasan.so) PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 ../../$(BIN)/python -m pytest --capture=sys $(CORE_TESTS)

lib: $(MADE)  ## build the C core as liblstmcore, for C programs; PREFIX=... puts it elsewhere
	$(BIN)/python src_c/build_lib.py --prefix $(or $(PREFIX),build)

install: $(MADE)  ## install liblstmcore for C programs; PREFIX=/usr/local
	$(BIN)/python src_c/build_lib.py --prefix $(DESTDIR)$(or $(PREFIX),/usr/local)

clean:  ## remove what was built, but not .venv
	rm -rf build dist *.egg-info lstmcore/*.so .pytest_cache .ruff_cache .mypy_cache .hypothesis

# ---- the machinery ----

build/.built: $(MADE) $(SOURCES)
	$(BIN)/python setup.py --quiet build_ext -i
	@touch $@

# .venv/.test: the package, editable, with the extra [test]; so for every extra of pyproject.toml
$(VENV)/.%: $(MADE) pyproject.toml
	$(PIP) install --no-build-isolation -e '.[$*]'
	@touch $@

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'lstmcore needs Python 3.11 or newer; try: PYTHON=python3.12 make ...'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	{ echo 'this Python has no venv module (Debian and Ubuntu: apt install python3-venv)'; exit 1; }
	@command -v $(CC) >/dev/null || \
	{ echo 'no C compiler found (Debian and Ubuntu: apt install gcc python3-dev)'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --upgrade pip setuptools Cython
	@touch $@

.PHONY: help demo test check slow bench lint format kernels faults build debug assertions sanitize lib install bounds clean
