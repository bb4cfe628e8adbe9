// Streams, events and graphs of the emulated CUDA runtime (see runtime.h).
#include <algorithm>
#include <utility>

#include "kernels/emulator/grid.h"
#include "kernels/emulator/options.h"
#include "kernels/emulator/runtime.h"

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
    stream->capture->operations.push_back(std::move(operation));
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
  for (const auto& stream : runtime().streams) {
    if (stream->capture_origin && stream->capture_mode != cudaStreamCaptureModeRelaxed) {
      return report(cudaErrorStreamCaptureUnsupported,
                    std::string(call) + ": not allowed while a stream is capturing");
    }
  }
  return cudaSuccess;
}

cudaError_t submit(std::shared_ptr<const Kernel> kernel, dim3 grid, dim3 block,
                   size_t dynamic_bytes, cudaStream_t stream) {
  const std::string wrong = launch_error(grid, block, dynamic_bytes);
  std::lock_guard lock(runtime().mutex);
  if (!wrong.empty()) return report(cudaErrorInvalidConfiguration, wrong);
  return enqueue(stream, [kernel = std::move(kernel), grid, block, dynamic_bytes] {
    const std::string error = run_grid(*kernel, grid, block, dynamic_bytes);
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
    if (stream->capture_origin) delete stream->capture;
    stream->capture = nullptr;
    stream->capture_origin = false;
  }
  cudaGetLastError();
}

}  // namespace lathe::emulator

using namespace lathe::emulator;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  std::lock_guard lock(runtime().mutex);
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
  return cudaSuccess;
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
  return stream->done == stream->enqueued ? report(runtime().sticky) : cudaErrorNotReady;
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

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  std::lock_guard lock(runtime().mutex);
  if (event->stream && !event->capture) drain(event->stream.get(), event->position);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  std::lock_guard lock(runtime().mutex);
  CUstream_st* stream = stream_of(handle);
  event->stream = stream->shared_from_this();
  event->capture = stream->capture;
  event->position = stream->enqueued + 1;
  if (event->capture) return cudaSuccess;
  return enqueue(handle, [event] { event->time = std::chrono::steady_clock::now(); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  std::lock_guard lock(runtime().mutex);
  if (event->capture) {
    return report(cudaErrorStreamCaptureUnsupported, "cudaEventSynchronize: recorded in a capture");
  }
  if (event->stream) drain(event->stream.get(), event->position);
  return report(runtime().sticky);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  std::lock_guard lock(runtime().mutex);
  const bool happened = !event->stream || event->stream->done >= event->position;
  return happened ? report(runtime().sticky) : cudaErrorNotReady;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  std::lock_guard lock(runtime().mutex);
  if (!start->stream || !end->stream) {
    return report(cudaErrorInvalidResourceHandle, "cudaEventElapsedTime: an event not recorded");
  }
  if (start->stream->done < start->position || end->stream->done < end->position) {
    return cudaErrorNotReady;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  std::lock_guard lock(runtime().mutex);
  if (!event->stream) return cudaSuccess;
  CUstream_st* stream = stream_of(handle);
  if (event->capture) {  // the stream joins the capture; the order of recording respects the event
    stream->capture = event->capture;
    return cudaSuccess;
  }
  return enqueue(
      handle, [from = event->stream, position = event->position] { drain(from.get(), position); });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  std::lock_guard lock(runtime().mutex);
  if (!stream || stream->capture) {
    return report(cudaErrorStreamCaptureUnsupported,
                  stream ? "cudaStreamBeginCapture: the stream is capturing already"
                         : "cudaStreamBeginCapture: the default stream cannot be captured");
  }
  stream->capture = new CUgraph_st;
  stream->capture_origin = true;
  stream->capture_mode = mode;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  std::lock_guard lock(runtime().mutex);
  if (!stream || !stream->capture || !stream->capture_origin) {
    return report(cudaErrorStreamCaptureUnmatched,
                  "cudaStreamEndCapture: no capture began on this stream");
  }
  *graph = stream->capture;
  for (const auto& other : runtime().streams) {
    if (other->capture == *graph) other->capture = nullptr;
  }
  stream->capture_origin = false;
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  std::lock_guard lock(runtime().mutex);
  *status =
      stream_of(stream)->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{graph->operations};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  std::lock_guard lock(runtime().mutex);
  for (const Operation& operation : exec->operations) {
    if (const auto error = enqueue(stream, operation)) return error;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}

}  // extern "C"
