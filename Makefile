# Lathe's commands. `make demo` and `make test` are complete on a fresh Debian or Ubuntu machine.

jobs := $(shell nproc)
lathe := build/default/bin/lathe

.PHONY: help build demo test gpu cudnn-plans format clean packages

help:
	@echo "make demo     installs what is missing, builds, makes data, trains two detectors and evaluates them"
	@echo "make test     builds and runs all tests"
	@echo "make build    the library and the program, in build/default"
	@echo "make gpu      on a machine with a GPU: builds with nvcc, runs tests and benchmarks, writes docs/gpu.md"
	@echo "make cudnn-plans  where the CUDA toolkit has cuDNN, without a GPU: writes docs/cudnn-plans.md"
	@echo "make format   clang-format over all sources"

packages:
	@.ci/install-packages

build: packages
	@cmake --preset default -DLATHE_BUILD_TESTS=OFF
	@cmake --build --preset default -j $(jobs)

demo: build
	$(lathe) data make landmarks data/generated/landmarks
	$(lathe) train recipes/landmark_mlp_fast.toml --name demo --exist-ok
	$(lathe) eval runs/train/demo --split test
	$(lathe) data make faces data/generated/faces --size 64
	$(lathe) train recipes/faces_small.toml --name demo-faces --exist-ok
	$(lathe) eval runs/train/demo-faces --split test
	@echo "the runs' folders: runs/train/demo and runs/train/demo-faces"

test: packages
	@cmake --preset default -DLATHE_BUILD_TESTS=ON
	@cmake --build --preset default -j $(jobs)
	@ctest --test-dir build/default --output-on-failure -j $(jobs)

gpu: packages
	@bench/gpu

cudnn-plans: packages
	@tests/cudnn/sweep

format:
	@git ls-files '*.h' '*.cpp' '*.cu' '*.cuh' | xargs clang-format -i

clean:
	@rm -rf build
