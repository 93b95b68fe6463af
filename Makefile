# The commands of this repository; CMake (CMakePresets.json) does the building.
#   make          sets up what is missing and builds build/tvae
#   make demo     shows a trained model, then trains a small one on data that it makes
#   make test     runs every test
#   make install PREFIX=/usr/local
#   make api      writes the reference of the Python package, in build/api, with pdoc
#   make wheel    makes a wheel of the Python package for other machines, in build/wheels
#   make check    format, layers, build, tests and clang-tidy, as before a commit
#   make bench-check  counts the instructions of fixed pieces of work beside those that are kept; UPDATE=1 keeps them
#   make format   formats the sources
#   make clean    removes the build folders (.venv and runs stay)
# TORCH=/path/to/site-packages/torch, or the environment variable TVAE_TORCH, uses a PyTorch that is already there; the
# build folder remembers it.

TVAE_TORCH ?=
remembered_torch = $(shell sed -n 's/^TVAE_TORCH:PATH=//p' build/CMakeCache.txt 2>/dev/null)
TORCH ?= $(or $(TVAE_TORCH),$(remembered_torch))
PREFIX ?= /usr/local

.PHONY: all setup configure demo test install api wheel check bench-check format clean

all: configure
	@cmake --build build

setup:
	@TORCH='$(TORCH)' tools/setup.sh

configure: setup
	@cmake --preset release --log-level=WARNING $(if $(TORCH),-DTVAE_TORCH='$(TORCH)') > /dev/null

demo: configure
	@cmake --build build --target tvae
	@tools/demo.sh

test:
	@TORCH='$(TORCH)' tools/setup.sh --tests
	@$(MAKE) --no-print-directory all
	@ctest --preset release

install: configure
	@cmake --build build --target tvae
	cmake --install build --prefix '$(PREFIX)'

api: configure
	@cmake --build build --target _core _core_stub
	@.venv/bin/pip install -q --disable-pip-version-check pdoc
	PYTHONPATH=build/python .venv/bin/python -m pdoc --docformat google --output-directory build/api tvae tvae.explorer tvae.nn tvae.sklearn tvae.wandb '!tvae._core'

wheel: setup
	@TVAE_TORCH='$(TORCH)' tools/wheel.sh

check: setup
	@TORCH='$(TORCH)' tools/check.sh

bench-check: setup
	@cmake --preset instructions --log-level=WARNING $(if $(TORCH),-DTVAE_TORCH='$(TORCH)') > /dev/null
	@cmake --build --preset instructions
	@python3 benchmarks/instructions.py $(if $(UPDATE),--update)

format:
	@tools/check.sh --format

clean:
	rm -rf build build-debug build-asan build-tidy build-instructions
