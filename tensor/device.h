// Where memory lives and code runs, and the few calls that differ: allocate, copy, synchronise. The
// CPU is always there; CUDA registers itself when it was built in (by nvcc, or emulated on the
// CPU).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

namespace lathe {

enum class Device : uint8_t { cpu, cuda };
inline constexpr int device_count = 2;

const char* name(Device device);
std::ostream& operator<<(std::ostream& out, Device device);

/// Work that a device keeps and repeats at one request (a CUDA graph).
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  /// Puts the work on the ambient stream.
  virtual void launch() = 0;
};

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
  /// Keeps the device work that a function puts on the ambient stream instead of doing it; null for
  /// a device that cannot. The function must not synchronise or ask the system for memory.
  std::unique_ptr<DeviceGraph> (*capture)(const std::function<void()>& work);
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
