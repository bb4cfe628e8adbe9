// How the emulator runs kernels. Read from the environment at first use; a test may assign to it
// between launches.
//
// - LATHE_EMULATOR_ORDER=forward|reverse|random:SEED: which thread (and block) goes next
// - LATHE_EMULATOR_STREAMS=eager|lazy: work at once, or as late as CUDA allows
// - LATHE_EMULATOR_THREADS=N: OS threads that run blocks, by default one a core, at most 16; 1
//   makes float atomics repeatable
// - LATHE_EMULATOR_SKIP=[KERNEL@]file.cu:line,...: synchronisations to ignore
// - LATHE_EMULATOR_PLACES=FILE: appends each distinct place of synchronisation once
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::emulator {

enum class Order { forward, reverse, random };

struct Options {
  Order order = Order::forward;
  uint64_t seed = 1;
  bool lazy_streams = false;
  unsigned threads = 1;
  std::vector<std::string> skip;  // "softmax.cu:48", or "softmax_rows@device.cuh:120"
  std::string places_file;        // empty: places are not listed
};

Options& options();

/// Call after changing options().skip or options().places_file.
void places_changed();

/// Clears a sticky error and drops all queued work, as a new process would; for tests.
void reset();

}  // namespace lathe::emulator
