// A block of memory that tensors share: taken from the caching allocator, given back when its last
// tensor goes.
#pragma once

#include <cstdint>
#include <memory>

#include "tensor/device.h"

namespace lathe {

class Storage {
 public:
  Storage(int64_t bytes, Device device);
  /// Memory that somebody else owns and keeps alive, a mapped file for example.
  Storage(void* data, int64_t bytes, Device device, std::shared_ptr<void> keeper);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  /// The memory pool in which the block was allocated; 0 for none.
  uint64_t pool() const { return pool_; }

 private:
  std::byte* data_;
  int64_t bytes_;
  uint64_t pool_ = 0;
  Device device_;
  bool owned_;
  std::shared_ptr<void> keeper_;
};

}  // namespace lathe
