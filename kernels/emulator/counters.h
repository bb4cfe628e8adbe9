// Counters of what kernels cost, measured without a GPU (preset profile): how the lanes of a warp
// spread over memory, how many instructions wait for others. They need no clock: the k-th access at
// one place of the code by each lane of a warp is one request of the hardware. What it costs
// follows from the lanes' addresses.
//
// - In global memory: the 32-byte sectors that the request moves. Loads by neighbouring lanes: 4
//   for 4 bytes a lane, 16 for 16 bytes; with stride 2: 8; with stride 32: 32.
// - In shared memory: the passes that it takes, since each of 32 banks serves one 4-byte word a
//   pass. Accesses of 8 and 16 bytes are served for a half and a quarter of the warp at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::emulator {

struct GlobalCounts {
  uint64_t requests = 0;
  uint64_t lanes = 0;         // active, over all requests
  uint64_t sectors = 0;       // 32 bytes each
  uint64_t useful_bytes = 0;  // of the sectors, those that some lane asked for

  double sectors_per_request() const { return requests ? double(sectors) / double(requests) : 0; }
  double lanes_per_request() const { return requests ? double(lanes) / double(requests) : 0; }
  uint64_t bytes() const { return 32 * sectors; }
  double used_share() const { return sectors ? double(useful_bytes) / double(bytes()) : 0; }
  GlobalCounts& operator+=(const GlobalCounts& other);
};

struct SharedCounts {
  uint64_t requests = 0;
  uint64_t lanes = 0;
  uint64_t passes = 0;        // needed, with conflicts
  uint64_t least_passes = 0;  // 1, 2 or 4 a request, by the width of its accesses
  uint64_t ways = 0;          // of the worst request: lanes that wait for one bank, 1 is free

  uint64_t conflicts() const { return passes - least_passes; }
  double lanes_per_request() const { return requests ? double(lanes) / double(requests) : 0; }
  SharedCounts& operator+=(const SharedCounts& other);
};

/// The accesses of one kind on one source line.
struct LineCounts {
  std::string place;  // "softmax.cu:48"
  bool write = false, atomic = false, shared = false;
  GlobalCounts global_counts;
  SharedCounts shared_counts;
};

/// All launches of one kernel between start and stop.
struct KernelCounts {
  std::string kernel;  // "softmax_rows<float, 4>"
  std::string symbol;  // mangled
  std::string file;    // "softmax.cu", which instantiates it; empty where that is not known
  uint64_t launches = 0, blocks = 0, threads = 0;
  unsigned block_threads = 0;         // of the largest block
  uint64_t dynamic_shared_bytes = 0;  // of the block that asked for most
  GlobalCounts loads, stores;         // atomics count as stores
  SharedCounts shared;
  uint64_t least_bytes = 0;  // global: each byte that a launch touches read once, written once
  uint64_t block_barriers = 0, warp_barriers = 0, shuffles = 0, votes = 0;  // over all threads
  uint64_t matrix_products = 0, matrix_loads = 0;                           // over all warps
  std::vector<LineCounts> lines;  // in the order of places

  uint64_t bytes() const { return loads.bytes() + stores.bytes(); }
  double per_thread(uint64_t count) const { return threads ? double(count) / double(threads) : 0; }
};

/// Whether this build counts: only the preset `profile` does.
bool counters_available();

/// Begins to count all launches; forgets earlier counts. Throws Error(usage), saying which build
/// has counters, in one that has none.
void counters_start();

/// Ends counting; one entry a kernel, in the order of first launches.
std::vector<KernelCounts> counters_stop();

}  // namespace lathe::emulator
