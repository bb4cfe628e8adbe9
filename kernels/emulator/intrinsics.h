// CUDA's own names for kernels compiled by g++: threadIdx and its kin, barriers, warp shuffles and
// votes, fences. Included through kernels/device.cuh. Each function takes the place of its call as
// a last, defaulted argument, so that errors can name the line.
#pragma once

#include "kernels/emulator/device_api.h"

// The emulator sets these before it runs a thread. initial-exec: one instruction to read them.
inline constinit thread_local uint3 threadIdx __attribute__((tls_model("initial-exec"))) = {};
inline constinit thread_local uint3 blockIdx __attribute__((tls_model("initial-exec"))) = {};
inline constinit thread_local dim3 blockDim __attribute__((tls_model("initial-exec"))) = {};
inline constinit thread_local dim3 gridDim __attribute__((tls_model("initial-exec"))) = {};
constexpr int warpSize = 32;

namespace lathe::emulator {

enum class ShuffleMode { index, up, down, exclusive_or };
constexpr const char* shuffle_names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync",
                                         "__shfl_xor_sync"};

// The payload of a lane in a shuffle, and what happens when all lanes have arrived. The lanes'
// payloads lie on their stacks, where the hooks of racecheck must not look.
template <class T>
struct Shuffle {
  T value, result;
  int source;

  __attribute__((no_sanitize("thread"))) static void compute(void* const payloads[32],
                                                             uint32_t lanes, Place place) {
    for (int lane = 0; lane < 32; lane++) {
      if (!(lanes >> lane & 1)) continue;
      auto* mine = static_cast<Shuffle*>(payloads[lane]);
      if (!(lanes >> mine->source & 1)) {
        fail(place, "a shuffle: lane %d reads lane %d, which does not take part (mask %#x)", lane,
             mine->source, lanes);
      }
      mine->result = static_cast<Shuffle*>(payloads[mine->source])->value;
    }
  }
};

template <class T, ShuffleMode mode>
inline constexpr Collective shuffle_collective = {shuffle_names[int(mode)], &Shuffle<T>::compute,
                                                  Instruction::shuffle};

template <ShuffleMode mode, class T>
__attribute__((no_sanitize("thread"))) T shuffle(uint32_t mask, T value, int source, Place place) {
  Shuffle<T> payload{value, value, source};
  warp_collective(mask, &payload, shuffle_collective<T, mode>, place);
  return payload.result;
}

struct Vote {
  uint32_t value, result;

  template <class Combine>
  __attribute__((no_sanitize("thread"))) static void compute(void* const payloads[32],
                                                             uint32_t lanes, Place) {
    uint32_t result = Combine::initial;
    for (int lane = 0; lane < 32; lane++) {
      if (lanes >> lane & 1) {
        result = Combine::combine(result, static_cast<Vote*>(payloads[lane])->value, lane);
      }
    }
    for (int lane = 0; lane < 32; lane++) {
      if (lanes >> lane & 1) static_cast<Vote*>(payloads[lane])->result = result;
    }
  }
};

// How the lanes' values become one.
struct Ballot {
  static constexpr const char* name = "__ballot_sync";
  static constexpr uint32_t initial = 0;
  static uint32_t combine(uint32_t all, uint32_t value, int lane) {
    return all | uint32_t(value != 0) << lane;
  }
};
struct Any {
  static constexpr const char* name = "__any_sync";
  static constexpr uint32_t initial = 0;
  static uint32_t combine(uint32_t all, uint32_t value, int) { return all | (value != 0); }
};
struct All {
  static constexpr const char* name = "__all_sync";
  static constexpr uint32_t initial = 1;
  static uint32_t combine(uint32_t all, uint32_t value, int) { return all & (value != 0); }
};
struct Add {
  static constexpr const char* name = "__reduce_add_sync";
  static constexpr uint32_t initial = 0;
  static uint32_t combine(uint32_t all, uint32_t value, int) { return all + value; }
};
struct Maximum {
  static constexpr const char* name = "__reduce_max_sync";
  static constexpr uint32_t initial = 0;
  static uint32_t combine(uint32_t all, uint32_t value, int) { return all > value ? all : value; }
};

template <class Combine>
inline constexpr Collective vote_collective = {Combine::name, &Vote::compute<Combine>,
                                               Instruction::vote};

template <class Combine>
__attribute__((no_sanitize("thread"))) uint32_t vote(uint32_t mask, uint32_t value, Place place) {
  Vote payload{value, 0};
  warp_collective(mask, &payload, vote_collective<Combine>, place);
  return payload.result;
}

inline constexpr Collective warp_barrier_collective = {"__syncwarp", nullptr,
                                                       Instruction::warp_barrier, true};

}  // namespace lathe::emulator

inline void __syncthreads(lathe::emulator::Place place = lathe::emulator::Place::here()) {
  lathe::emulator::block_barrier(1, place);
}
inline int __syncthreads_count(int predicate,
                               lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::block_barrier(predicate, place).count;
}
inline int __syncthreads_and(int predicate,
                             lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::block_barrier(predicate, place).all;
}
inline int __syncthreads_or(int predicate,
                            lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::block_barrier(predicate, place).any;
}
inline void __syncwarp(unsigned mask = ~0u,
                       lathe::emulator::Place place = lathe::emulator::Place::here()) {
  lathe::emulator::warp_collective(mask, nullptr, lathe::emulator::warp_barrier_collective, place);
}

// Shuffles: a lane reads another's value within a segment of `width` lanes; where the source would
// lie outside the segment it keeps its own.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              lathe::emulator::Place place = lathe::emulator::Place::here()) {
  const int lane = int(lathe::emulator::lane_number());
  const int from = (lane & ~(width - 1)) | (source & (width - 1));
  return lathe::emulator::shuffle<lathe::emulator::ShuffleMode::index>(mask, value, from, place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 lathe::emulator::Place place = lathe::emulator::Place::here()) {
  const int lane = int(lathe::emulator::lane_number()), from = lane - int(delta);
  return lathe::emulator::shuffle<lathe::emulator::ShuffleMode::up>(
      mask, value, from < (lane & ~(width - 1)) ? lane : from, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   lathe::emulator::Place place = lathe::emulator::Place::here()) {
  const int lane = int(lathe::emulator::lane_number()), from = lane + int(delta);
  return lathe::emulator::shuffle<lathe::emulator::ShuffleMode::down>(
      mask, value, from > (lane | (width - 1)) ? lane : from, place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flipped, int width = 32,
                  lathe::emulator::Place place = lathe::emulator::Place::here()) {
  const int lane = int(lathe::emulator::lane_number()), from = lane ^ flipped;
  return lathe::emulator::shuffle<lathe::emulator::ShuffleMode::exclusive_or>(
      mask, value, from > (lane | (width - 1)) ? lane : from, place);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::vote<lathe::emulator::Ballot>(mask, predicate != 0, place);
}
inline int __any_sync(unsigned mask, int predicate,
                      lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return int(lathe::emulator::vote<lathe::emulator::Any>(mask, predicate != 0, place));
}
inline int __all_sync(unsigned mask, int predicate,
                      lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return int(lathe::emulator::vote<lathe::emulator::All>(mask, predicate != 0, place));
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value,
                                  lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::vote<lathe::emulator::Add>(mask, value, place);
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value,
                                  lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::vote<lathe::emulator::Maximum>(mask, value, place);
}
inline unsigned __activemask() { return lathe::emulator::live_lanes(); }

inline void __threadfence() { lathe::emulator::fence(); }
inline void __threadfence_block() { lathe::emulator::fence(); }
[[noreturn]] inline void __trap(lathe::emulator::Place place = lathe::emulator::Place::here()) {
  lathe::emulator::fail(place, "__trap()");
}
