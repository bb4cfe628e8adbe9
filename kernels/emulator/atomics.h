// CUDA's atomics for kernels compiled by g++, as real atomics of the CPU: blocks run on several OS
// threads at once. Included through kernels/device.cuh.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/emulator/device_api.h"

namespace lathe::emulator {

/// Replaces *p by change(*p) in one step and returns the old value.
template <class T, class Change>
__attribute__((no_sanitize("thread"))) T atomic_change(T* p, Change change, Place place) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  static_assert(sizeof(T) == sizeof(Bits));
  touch(p, sizeof(T), true, true, place);
  auto* bits = reinterpret_cast<Bits*>(p);
  Bits seen = __atomic_load_n(bits, __ATOMIC_RELAXED), wanted;
  T old;
  do {
    std::memcpy(&old, &seen, sizeof(T));
    const T next = change(old);
    std::memcpy(&wanted, &next, sizeof(T));
  } while (
      !__atomic_compare_exchange_n(bits, &seen, wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}

template <class T, class... Allowed>
concept OneOf = (std::is_same_v<T, Allowed> || ...);

using AtomicWord = unsigned long long;

}  // namespace lathe::emulator

template <lathe::emulator::OneOf<int, unsigned, lathe::emulator::AtomicWord, float, double> T>
T atomicAdd(T* p, std::type_identity_t<T> value,
            lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [value](T old) { return T(old + value); }, place);
}
template <lathe::emulator::OneOf<int, unsigned, lathe::emulator::AtomicWord> T>
T atomicMax(T* p, std::type_identity_t<T> value,
            lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [value](T old) { return old > value ? old : value; }, place);
}
template <lathe::emulator::OneOf<int, unsigned, lathe::emulator::AtomicWord> T>
T atomicMin(T* p, std::type_identity_t<T> value,
            lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [value](T old) { return old < value ? old : value; }, place);
}
template <lathe::emulator::OneOf<int, unsigned, lathe::emulator::AtomicWord> T>
T atomicOr(T* p, std::type_identity_t<T> value,
           lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [value](T old) { return T(old | value); }, place);
}
template <lathe::emulator::OneOf<int, unsigned, lathe::emulator::AtomicWord, float> T>
T atomicExch(T* p, std::type_identity_t<T> value,
             lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [value](T) { return value; }, place);
}
template <lathe::emulator::OneOf<int, unsigned, lathe::emulator::AtomicWord> T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value,
            lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [=](T old) { return old == expected ? value : old; }, place);
}
inline unsigned atomicInc(unsigned* p, unsigned limit,
                          lathe::emulator::Place place = lathe::emulator::Place::here()) {
  return lathe::emulator::atomic_change(
      p, [limit](unsigned old) { return old >= limit ? 0u : old + 1; }, place);
}
