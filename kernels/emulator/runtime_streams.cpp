// Streams of the emulated CUDA runtime and the work on them (see runtime.h).
#include <algorithm>
#include <utility>

#include "kernels/emulator/grid.h"
#include "kernels/emulator/options.h"
#include "kernels/emulator/runtime.h"
#include "kernels/emulator/shared_memory.h"

namespace lathe::emulator {
namespace {

void run(const Operation& operation) {
  if (runtime().sticky != cudaSuccess) return;
  const DeviceMemoryOpen open;
  operation();
}

// The legacy default stream waits for every blocking stream, and each of those for it.
Operation after_implicit_dependencies(CUstream_st* stream, Operation operation) {
  Runtime& rt = runtime();
  std::vector<std::pair<std::shared_ptr<CUstream_st>, uint64_t>> before;
  const auto depend = [&](const std::shared_ptr<CUstream_st>& other) {
    if (other->done < other->enqueued) before.emplace_back(other, other->enqueued);
  };
  if (stream == rt.default_stream.get()) {
    for (const auto& other : rt.streams) {
      if (other.get() != stream && other->blocking) depend(other);
    }
  } else if (stream->blocking) {
    depend(rt.default_stream);
  }
  if (before.empty()) return operation;
  return [before = std::move(before), operation = std::move(operation)] {
    for (const auto& [other, position] : before) drain(other.get(), position);
    operation();
  };
}

}  // namespace

CUstream_st* stream_of(cudaStream_t stream) {
  return stream ? stream : runtime().default_stream.get();
}

cudaError_t enqueue(cudaStream_t handle, Operation operation) {
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  CUstream_st* stream = stream_of(handle);
  if (rt.sticky != cudaSuccess) return report(rt.sticky);
  if (stream->capture) {
    stream->capture->graph->operations.push_back(std::move(operation));
    stream->step();
    return cudaSuccess;
  }
  stream->queue.push_back(after_implicit_dependencies(stream, std::move(operation)));
  stream->enqueued++;
  if (!options().lazy_streams) drain(stream, stream->enqueued);
  return rt.sticky == cudaSuccess ? cudaSuccess : report(rt.sticky);
}

void drain(CUstream_st* stream, uint64_t position) {
  while (stream->done < position && !stream->queue.empty()) {
    const Operation operation = std::move(stream->queue.front());
    stream->queue.pop_front();
    stream->done++;
    run(operation);
  }
}

void drain_all() {
  auto streams = runtime().streams;
  if (options().order != Order::forward) std::reverse(streams.begin(), streams.end());
  for (const auto& stream : streams) drain(stream.get(), stream->enqueued);
}

cudaError_t refuse_during_capture(const char* call) {
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  for (const auto& stream : runtime().streams) {
    if (stream->began_capture() && stream->capture->mode != cudaStreamCaptureModeRelaxed) {
      return report(cudaErrorStreamCaptureUnsupported,
                    std::string(call) + ": not allowed while a stream is capturing");
    }
  }
  return cudaSuccess;
}

cudaError_t submit(std::shared_ptr<const Kernel> kernel, dim3 grid, dim3 block,
                   size_t dynamic_bytes, cudaStream_t stream) {
  const std::string wrong = launch_error(grid, block, dynamic_bytes);
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  if (rt.sticky != cudaSuccess) return report(rt.sticky);
  if (!wrong.empty()) return report(cudaErrorInvalidConfiguration, wrong);
  const auto asked = rt.dynamic_limits.find(kernel->function);
  const bool opted_in = asked != rt.dynamic_limits.end() && dynamic_bytes <= asked->second;
  if (dynamic_bytes > SharedMemory::static_limit && !opted_in) {
    return report(cudaErrorInvalidValue,
                  "launch: " + std::to_string(dynamic_bytes) +
                      " bytes of dynamic shared memory, but cudaFuncSetAttribute allowed this "
                      "kernel no more than " +
                      std::to_string(SharedMemory::static_limit));
  }
  const size_t limit = opted_in ? SharedMemory::block_limit : SharedMemory::static_limit;
  return enqueue(stream, [kernel = std::move(kernel), grid, block, dynamic_bytes, limit] {
    const std::string error = run_grid(*kernel, grid, block, {dynamic_bytes, limit});
    if (error.empty()) return;
    runtime().sticky = cudaErrorLaunchFailure;
    report(cudaErrorLaunchFailure, error);
  });
}

void reset() {
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  rt.sticky = cudaSuccess;
  rt.message.clear();
  for (const auto& stream : rt.streams) {
    stream->queue.clear();
    stream->done = stream->enqueued;
    stream->capture.reset();
  }
  cudaGetLastError();
}

}  // namespace lathe::emulator

using namespace lathe::emulator;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  runtime().streams.push_back(std::make_shared<CUstream_st>());
  *stream = runtime().streams.back().get();
  (*stream)->blocking = !(flags & cudaStreamNonBlocking);
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::lock_guard lock(runtime().mutex);
  auto& streams = runtime().streams;
  const auto found = std::find_if(streams.begin(), streams.end(),
                                  [&](const auto& known) { return known.get() == stream; });
  if (!stream || found == streams.end()) {
    return report(cudaErrorInvalidResourceHandle, "cudaStreamDestroy: not a stream");
  }
  drain(stream, stream->enqueued);
  streams.erase(found);
  return report(runtime().sticky);
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  std::lock_guard lock(runtime().mutex);
  CUstream_st* stream = stream_of(handle);
  if (stream->capture) {
    return report(cudaErrorStreamCaptureUnsupported,
                  "cudaStreamSynchronize: the stream is capturing; nothing runs before replay");
  }
  drain(stream, stream->enqueued);
  return report(runtime().sticky);
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  std::lock_guard lock(runtime().mutex);
  const CUstream_st* stream = stream_of(handle);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  return stream->done == stream->enqueued ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaDeviceSynchronize() {
  std::lock_guard lock(runtime().mutex);
  if (const auto error = refuse_during_capture("cudaDeviceSynchronize")) return error;
  drain_all();
  return report(runtime().sticky);
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* user_data) {
  return enqueue(stream, [=] { function(user_data); });
}

}  // extern "C"
