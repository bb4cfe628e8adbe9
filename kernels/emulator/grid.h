// Runs the grid of a launch: checks its limits, hands blocks out to a pool of OS threads in the
// chosen order, and returns the first error.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "kernels/emulator/device_api.h"
#include "kernels/emulator/shared_memory.h"

namespace lathe::emulator {

/// What is wrong with a launch's shape by the limits of CUDA (compute capability 9.0); empty if
/// fine.
std::string launch_error(dim3 grid, dim3 block, size_t dynamic_bytes);

/// Runs all blocks and returns the error of the first that failed; empty if none did. Calls must
/// not overlap: the runtime makes them under its lock.
std::string run_grid(const Kernel& kernel, dim3 grid, dim3 block, SharedSizes shared);

}  // namespace lathe::emulator
