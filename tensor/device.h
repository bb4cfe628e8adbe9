// Where memory lives and code runs, and the few calls that differ: allocate, copy, synchronise. The
// CPU is always there; CUDA registers itself when it was built in (by nvcc, or emulated on the
// CPU).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace lathe {

enum class Device : uint8_t { cpu, cuda };
inline constexpr int device_count = 2;

const char* name(Device device);
std::ostream& operator<<(std::ostream& out, Device device);

/// What the core asks of a device. Copies and fills run on the ambient stream; a copy to pageable
/// memory has arrived on return.
struct DeviceApi {
  void* (*allocate)(size_t bytes);  ///< null when there is no memory
  void (*release)(void* block);
  void* (*allocate_pinned)(
      size_t bytes);  ///< host memory that the device copies from without staging
  void (*release_pinned)(void* block);
  void (*copy)(void* to, const void* from,
               size_t bytes);  ///< between any two places that this device can reach
  void (*synchronize)();
  std::string (*unavailable)();  ///< why the device cannot be used here; empty when it can
  std::string (*description)();  ///< the device's name, for `lathe env`
};

void register_device(Device device, const DeviceApi& api);
/// Why the device cannot be used in this build on this machine; empty when it can.
std::string unavailable(Device device);
/// The calls of a device; throws Error(device) when it cannot be used.
const DeviceApi& device_api(Device device);
/// Waits until all work given to the device is done.
void synchronize(Device device);

}  // namespace lathe
