// What the emulator tells those who watch a kernel run: the race checker and the counters. Builds
// whose kernels are compiled with hooks (presets racecheck and profile) have one observer; in all
// others the pointer stays null.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/emulator/place.h"

namespace lathe::emulator {

/// The memory that a kernel's access goes to; a thread's own stack is not reported.
enum class Space : uint8_t { global, shared };

/// What a thread executes besides memory accesses, for the counters.
enum class Instruction : uint8_t {
  block_barrier,
  warp_barrier,
  shuffle,
  vote,
  matrix,
  matrix_load,
  count
};

struct Access {
  const void* address;
  size_t bytes;
  bool write, atomic;
  Space space;
  const void* origin;  // the access's return address, or from place_origin
};

struct LaunchInfo {
  const void* kernel;
  uint64_t blocks;
  unsigned block_threads;
  size_t dynamic_bytes;  // of shared memory, a block
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void launch_begins(const LaunchInfo&) {}
  virtual void launch_ends() {}
  virtual void block_begins(uint64_t /*block*/) {}
  virtual void block_ends() {}
  virtual void access(const Access&) {}
  /// The bytes of a cp.async, whose access was told at its issue, are waited for.
  virtual void copy_waited_for(const Access&) {}
  virtual void executes(Instruction) {}
  virtual void block_barrier_released() {}
  virtual void warp_synchronised(unsigned /*warp*/) {}
  virtual void fence() {}
  /// What was found wrong since the last call; empty if nothing.
  virtual std::string verdict() { return {}; }
};

extern Observer* observer;

/// A place as the origin of accesses that have no return address of their own.
const void* place_origin(const Place& place);
bool is_place_origin(const void* origin);

/// Where an access's origin lies: "softmax.cu:48".
std::string origin_text(const void* origin);

}  // namespace lathe::emulator
