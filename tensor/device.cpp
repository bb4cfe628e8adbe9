#include "tensor/device.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <ostream>

#include "tensor/check.h"

namespace lathe {
namespace {

constexpr size_t huge_page = size_t{2} << 20, cache_line = 64;

/// Blocks of 2 MiB and more are aligned to huge pages and advised to use them: touching 64 MB of 4
/// KiB pages takes longer than copying it.
void* cpu_allocate(size_t bytes) {
  const size_t alignment = bytes >= huge_page ? huge_page : cache_line;
  void* block = nullptr;
  if (posix_memalign(&block, alignment, bytes) != 0) return nullptr;
  if (bytes >= huge_page) madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}
void cpu_copy(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

DeviceApi cpu_api() {
  return {cpu_allocate,
          std::free,
          cpu_allocate,
          std::free,
          cpu_copy,
          [] {},
          nullptr,
          [] { return std::string(); },
          [] { return std::string("cpu"); }};
}

/// Filled during static initialisation by register_device, so it must not be initialised after
/// that.
DeviceApi* registered(Device device) {
  static DeviceApi table[device_count] = {cpu_api(), {}};
  return &table[static_cast<size_t>(device)];
}

}  // namespace

const char* name(Device device) { return device == Device::cpu ? "cpu" : "cuda"; }
std::ostream& operator<<(std::ostream& out, Device device) { return out << name(device); }
void register_device(Device device, const DeviceApi& api) { *registered(device) = api; }

std::string unavailable(Device device) {
  const DeviceApi* api = registered(device);
  if (!api->unavailable) return concat("this build has no ", name(device), " (LATHE_CUDA=OFF)");
  return api->unavailable();
}

const DeviceApi& device_api(Device device) {
  const DeviceApi* api = registered(device);
  if (!api->allocate) fail(ErrorKind::device, "device: ", unavailable(device));
  if (device != Device::cpu) {
    static const std::string reason = api->unavailable();
    if (!reason.empty()) fail(ErrorKind::device, "device: ", reason);
  }
  return *api;
}

void synchronize(Device device) { device_api(device).synchronize(); }

}  // namespace lathe
