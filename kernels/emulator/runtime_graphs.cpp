// Events, captures and graphs of the emulated CUDA runtime (see runtime.h).
#include <algorithm>
#include <utility>

#include "kernels/emulator/runtime.h"

namespace lathe::emulator {
namespace {

cudaError_t refuse_captured(const char* call) {
  return report(cudaErrorCapturedEvent,
                std::string(call) +
                    ": the event was last recorded in a capture, which runs "
                    "nothing");
}

// The stream waits for the event, and thereby joins its capture. The order of recording respects
// the event.
cudaError_t wait_in_capture(CUstream_st& stream, const EventRecord& record) {
  const auto capture = record.capture.lock();
  if (!capture) return refuse_captured("cudaStreamWaitEvent");
  if (!stream.capture) {
    stream.capture = capture;
    stream.branch = capture->lengths.size();
    capture->lengths.push_back(0);
    stream.reached.clear();
  }
  if (stream.capture != capture) {
    return report(cudaErrorStreamCaptureMerge,
                  "cudaStreamWaitEvent: the event belongs to another capture than the stream");
  }
  stream.reached.resize(capture->lengths.size());
  for (size_t i = 0; i < record.reached.size(); i++) {
    stream.reached[i] = std::max(stream.reached[i], record.reached[i]);
  }
  stream.step();
  return cudaSuccess;
}

// Whether everything that was captured comes before the end of the first branch.
bool is_joined(const CUstream_st& origin) {
  Reached reached = origin.reached;
  reached.resize(origin.capture->lengths.size());
  return reached == origin.capture->lengths;
}

}  // namespace
}  // namespace lathe::emulator

using namespace lathe::emulator;

extern "C" {

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  std::lock_guard lock(runtime().mutex);
  delete event;
  return report(runtime().sticky);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  CUstream_st* stream = stream_of(handle);
  const auto record = std::make_shared<EventRecord>(
      EventRecord{.stream = stream->shared_from_this(), .position = stream->enqueued + 1});
  event->record = record;
  if (stream->capture) {
    record->captured = true;
    record->capture = stream->capture;
    record->reached = stream->reached;
    return cudaSuccess;
  }
  return enqueue(handle, [record] { record->time = std::chrono::steady_clock::now(); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  std::lock_guard lock(runtime().mutex);
  const auto record = event->record;
  if (record && record->captured) return refuse_captured("cudaEventSynchronize");
  if (record) drain(record->stream.get(), record->position);
  return report(runtime().sticky);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  std::lock_guard lock(runtime().mutex);
  const auto record = event->record;
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  if (record && record->captured) return refuse_captured("cudaEventQuery");
  return record && record->stream->done < record->position ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  const auto &first = start->record, &last = end->record;
  if (!first || !last || first->captured || last->captured) {
    return report(cudaErrorInvalidResourceHandle, "cudaEventElapsedTime: an event not recorded");
  }
  if (first->stream->done < first->position || last->stream->done < last->position) {
    return cudaErrorNotReady;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(last->time - first->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  const auto record = event->record;
  if (!record) return cudaSuccess;
  CUstream_st* stream = stream_of(handle);
  if (record->captured) return wait_in_capture(*stream, *record);
  if (stream->capture) {
    return report(cudaErrorStreamCaptureIsolation,
                  "cudaStreamWaitEvent: a capture cannot wait for an event from outside it");
  }
  return enqueue(handle, [record] { drain(record->stream.get(), record->position); });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  if (!stream || stream->capture) {
    return report(cudaErrorStreamCaptureUnsupported,
                  stream ? "cudaStreamBeginCapture: the stream is capturing already"
                         : "cudaStreamBeginCapture: the default stream cannot be captured");
  }
  stream->capture = std::make_shared<Capture>(Capture{.mode = mode, .lengths = {0}});
  stream->branch = 0;
  stream->reached = {0};
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  std::lock_guard lock(runtime().mutex);
  *graph = nullptr;
  if (!stream || !stream->began_capture()) {
    return report(cudaErrorStreamCaptureUnmatched,
                  "cudaStreamEndCapture: no capture began on this stream");
  }
  const bool joined = is_joined(*stream);
  const auto capture = stream->capture;  // ends with this call, for events too
  for (const auto& other : runtime().streams) {
    if (other->capture == capture) other->capture.reset();
  }
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  if (!joined) {
    return report(cudaErrorStreamCaptureUnjoined,
                  "cudaStreamEndCapture: the stream did not wait for all work of the streams that "
                  "joined its capture (record an event on each, and wait for it)");
  }
  *graph = capture->graph.release();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  std::lock_guard lock(runtime().mutex);
  *status =
      stream_of(stream)->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  *exec = new CUgraphExec_st{graph->operations};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  std::lock_guard lock(runtime().mutex);
  for (const Operation& operation : exec->operations) {
    if (const auto error = enqueue(stream, operation)) return error;
  }
  return report(runtime().sticky);
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
