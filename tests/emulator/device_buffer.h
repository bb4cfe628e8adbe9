// An array in device memory for the emulator's tests, which stand below tensors.
#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <vector>

namespace lathe::tests {

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(size_t count) : count_(count) {
    REQUIRE(cudaMalloc(&data_, count * sizeof(T)) == cudaSuccess);
  }
  DeviceBuffer(size_t count, T value) : DeviceBuffer(std::vector<T>(count, value)) {}
  explicit DeviceBuffer(const std::vector<T>& values) : DeviceBuffer(values.size()) {
    REQUIRE(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice) ==
            cudaSuccess);
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* data() { return data_; }
  size_t count() const { return count_; }
  std::vector<T> values() const {
    std::vector<T> copy(count_);
    REQUIRE(cudaMemcpy(copy.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost) ==
            cudaSuccess);
    return copy;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

}  // namespace lathe::tests
