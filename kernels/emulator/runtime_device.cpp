// The emulated device's properties, and errors, of the emulated CUDA runtime.
#include <cstring>

#include "kernels/emulator/runtime.h"
#include "kernels/emulator/shared_memory.h"

using namespace lathe::emulator;

namespace {

// Few multiprocessors, so that kernels sized by them have few, long blocks.
constexpr int multiprocessors = 4, compute_major = 9, compute_minor = 0, toolkit_version = 13000;

thread_local cudaError_t last_error = cudaSuccess;

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};
constexpr ErrorText error_texts[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid launch configuration"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "wrong copy direction"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "there is only device 0"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "not finished yet"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "illegal memory access"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "a kernel failed"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "not allowed while a stream is capturing"},
    {cudaErrorStreamCaptureMerge, "cudaErrorStreamCaptureMerge", "two captures would merge"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched", "no capture began here"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "the capture forked and did not join"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "a capture depends on work outside it"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent", "the event was recorded in a capture"},
};

const ErrorText* find_text(cudaError_t error) {
  for (const ErrorText& known : error_texts) {
    if (known.error == error) return &known;
  }
  return nullptr;
}

}  // namespace

namespace lathe::emulator {

cudaError_t report(cudaError_t error, const std::string& message) {
  if (error == cudaSuccess) return error;
  std::lock_guard lock(runtime().mutex);
  last_error = error;
  // A sticky error comes back from every later call, with the message of the first.
  if (!message.empty() || error != runtime().sticky) runtime().message = message;
  return error;
}

}  // namespace lathe::emulator

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : report(cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return report(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "Lathe's CUDA emulator");
  properties->totalGlobalMem = size_t(8) << 30;
  properties->sharedMemPerBlock = SharedMemory::static_limit;
  properties->sharedMemPerBlockOptin = SharedMemory::block_limit;
  properties->major = compute_major;
  properties->minor = compute_minor;
  properties->multiProcessorCount = multiprocessors;
  properties->maxThreadsPerBlock = 1024;
  properties->warpSize = 32;
  properties->l2CacheSize = 4 << 20;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device != 0) return report(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = SharedMemory::static_limit;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = SharedMemory::block_limit;
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = multiprocessors;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = compute_major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = compute_minor;
      break;
    default:
      return report(cudaErrorInvalidValue, "cudaDeviceGetAttribute: not emulated");
  }
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = toolkit_version;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = toolkit_version;
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  if (rt.sticky != cudaSuccess) return report(rt.sticky);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) {
    return report(cudaErrorInvalidValue, "cudaFuncSetAttribute: not emulated");
  }
  if (value < 0 || size_t(value) > SharedMemory::block_limit) {
    return report(cudaErrorInvalidValue, "cudaFuncSetAttribute: " + std::to_string(value) +
                                             " bytes of dynamic shared memory, limit " +
                                             std::to_string(SharedMemory::block_limit));
  }
  rt.dynamic_limits[kernel] = size_t(value);
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  std::lock_guard lock(runtime().mutex);
  const cudaError_t error = last_error == cudaSuccess ? runtime().sticky : last_error;
  last_error = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError() {
  std::lock_guard lock(runtime().mutex);
  return last_error == cudaSuccess ? runtime().sticky : last_error;
}

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* known = find_text(error);
  return known ? known->name : "cudaErrorUnknown";
}

// The emulator knows more than an error's number: what was wrong, and where. The text lives until
// the next error of this thread is asked for.
const char* cudaGetErrorString(cudaError_t error) {
  thread_local std::string text;
  std::lock_guard lock(runtime().mutex);
  if (error != cudaSuccess && error != cudaErrorNotReady && !runtime().message.empty()) {
    text = runtime().message;
  } else {
    const ErrorText* known = find_text(error);
    text = known ? known->text : "an error that the emulator does not know";
  }
  return text.c_str();
}

}  // extern "C"
