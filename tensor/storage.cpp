#include "tensor/storage.h"

#include "tensor/allocator.h"

namespace lathe {

Storage::Storage(int64_t bytes, Device device)
    : data_(static_cast<std::byte*>(allocator(memory_of(device)).allocate(size_t(bytes)))),
      bytes_(bytes),
      pool_(MemoryPool::current()),
      device_(device),
      owned_(true) {}

Storage::Storage(void* data, int64_t bytes, Device device, std::shared_ptr<void> keeper)
    : data_(static_cast<std::byte*>(data)),
      bytes_(bytes),
      device_(device),
      owned_(false),
      keeper_(std::move(keeper)) {}

Storage::~Storage() {
  if (owned_) allocator(memory_of(device_)).free(data_);
}

}  // namespace lathe
