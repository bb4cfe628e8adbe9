// Runs a check once for each order of threads that the emulator knows; once on a GPU.
#pragma once

#include <doctest/doctest.h>

#if !defined(__CUDACC__)
#include "kernels/emulator/options.h"
#endif

namespace lathe::tests {

template <class F>
void for_each_order(const F& check) {
#if defined(__CUDACC__)
  check();
#else
  using emulator::Order;
  emulator::Options& options = emulator::options();
  const emulator::Options before = options;
  for (Order order : {Order::forward, Order::reverse, Order::random}) {
    options.order = order;
    INFO("order ", int(order), " (0 forward, 1 reverse, 2 random), seed ", options.seed);
    check();
  }
  options = before;
#endif
}

}  // namespace lathe::tests
