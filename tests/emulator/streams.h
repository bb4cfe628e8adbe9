// Streams and events that end with their scope, and both ways of running streams, for the
// emulator's tests.
#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <string>

#include "kernels/emulator/options.h"

namespace lathe::tests {

class Stream {
 public:
  Stream() { REQUIRE(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking) == cudaSuccess); }
  ~Stream() { cudaStreamDestroy(handle_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

class Event {
 public:
  Event() { REQUIRE(cudaEventCreate(&handle_) == cudaSuccess); }
  ~Event() { cudaEventDestroy(handle_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return handle_; }

 private:
  cudaEvent_t handle_ = nullptr;
};

template <class F>
void for_eager_and_lazy(const F& check) {
  emulator::Options& options = emulator::options();
  const emulator::Options before = options;
  for (bool lazy : {false, true}) {
    options.lazy_streams = lazy;
    INFO("streams are ", std::string(lazy ? "lazy" : "eager"));
    check();
  }
  options = before;
}

}  // namespace lathe::tests
