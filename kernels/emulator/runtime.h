// The state behind the emulated CUDA runtime: streams, events and graphs are queues of operations
// on host memory. Eager, an operation runs when it is enqueued. Lazy, it runs at the last moment
// that CUDA allows (when somebody waits for it), so a missing synchronisation gives a wrong result.
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lathe::emulator {
using Operation = std::function<void()>;
}

struct CUgraph_st {
  std::vector<lathe::emulator::Operation> operations;  // in an order that respects dependencies
};
struct CUgraphExec_st {
  std::vector<lathe::emulator::Operation> operations;
};

namespace lathe::emulator {

/// Streams being recorded into one graph. Each is a branch of it, the first the one on which the
/// capture began.
struct Capture {
  std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::vector<uint64_t> lengths;  // steps of each branch
};

/// How many steps of each branch lie before a point of the capture.
using Reached = std::vector<uint64_t>;

}  // namespace lathe::emulator

struct CUstream_st : std::enable_shared_from_this<CUstream_st> {  // events outlive streams
  std::deque<lathe::emulator::Operation> queue;
  uint64_t enqueued = 0, done = 0;                    // how many operations, ever
  bool blocking = true;                               // synchronises with the default stream
  std::shared_ptr<lathe::emulator::Capture> capture;  // being recorded instead of run
  size_t branch = 0;
  lathe::emulator::Reached reached;

  bool began_capture() const { return capture && branch == 0; }
  /// One more step of this stream's branch.
  void step() { reached[branch] = ++capture->lengths[branch]; }
};

namespace lathe::emulator {

/// One recording of an event. Streams that have still to pass it keep it alive.
struct EventRecord {
  std::shared_ptr<CUstream_st> stream;
  uint64_t position = 0;  // done >= position means that the event has happened
  std::chrono::steady_clock::time_point time{};
  bool captured = false;
  std::weak_ptr<Capture> capture{};  // expires when the capture ends
  Reached reached{};
};

}  // namespace lathe::emulator

struct CUevent_st {
  std::shared_ptr<lathe::emulator::EventRecord> record;  // null: never recorded
};

namespace lathe::emulator {

/// Memory of one kind by its first address.
using Allocations = std::map<const char*, size_t>;

struct Runtime {
  std::recursive_mutex mutex;  // held by every call and while device work runs
  std::shared_ptr<CUstream_st> default_stream = std::make_shared<CUstream_st>();
  std::vector<std::shared_ptr<CUstream_st>> streams{default_stream};
  Allocations device, pinned;
  std::map<const void*, size_t> dynamic_limits;  // of kernels, from cudaFuncSetAttribute
  cudaError_t sticky = cudaSuccess;  // after a failed kernel nothing works any more, as on a GPU
  std::string message;               // of the last error that has one
};

Runtime& runtime();

/// Remembers an error for cudaGetLastError and returns it.
cudaError_t report(cudaError_t error, const std::string& message = "");

CUstream_st* stream_of(cudaStream_t stream);
cudaError_t enqueue(cudaStream_t stream, Operation operation);
/// Runs a stream's operations up to a position.
void drain(CUstream_st* stream, uint64_t position);
void drain_all();

/// The error of a call that CUDA forbids while a capture is going on, and of every call after a
/// failed kernel; success otherwise.
cudaError_t refuse_during_capture(const char* call);

/// The allocation that holds an address; end() if there is none.
Allocations::const_iterator find(const Allocations& allocations, const void* address);

/// Whether the range begins in device memory. One that leaves its allocation is a sticky error.
bool is_device_range(const void* address, size_t bytes, const char* call);

/// While alive, device memory may be touched; otherwise AddressSanitizer reports the host's access.
class DeviceMemoryOpen {
 public:
  DeviceMemoryOpen();
  ~DeviceMemoryOpen();
  DeviceMemoryOpen(const DeviceMemoryOpen&) = delete;
  DeviceMemoryOpen& operator=(const DeviceMemoryOpen&) = delete;
  static bool active() { return depth > 0; }

 private:
  static inline int depth = 0;
};

}  // namespace lathe::emulator
