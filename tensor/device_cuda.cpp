// CUDA as a device: memory, copies on the ambient stream, and whether there is a device at all.
// Built with nvcc's runtime or with the emulator's, whose names are the same.
#include <cuda_runtime_api.h>

#include "tensor/check.h"
#include "tensor/device.h"
#include "tensor/stream.h"

namespace lathe {
namespace {

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    fail(ErrorKind::device, "cuda: ", what, " failed: ", cudaGetErrorString(status));
}

cudaStream_t stream() { return static_cast<cudaStream_t>(current_stream()); }

/// The block, or null where there is no memory left: the allocator tries again after a flush. Any
/// other failure, such as a kernel's before, is no question of memory.
void* block_or_null(void* block, cudaError_t status) {
  if (status == cudaSuccess) return block;
  cudaGetLastError();  // clears it
  if (status != cudaErrorMemoryAllocation) check(status, "an allocation");
  return nullptr;
}

void* allocate(size_t bytes) {
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  return block_or_null(block, status);
}
void release(void* block) { cudaFree(block); }

void* allocate_pinned(size_t bytes) {
  void* block = nullptr;
  const cudaError_t status = cudaMallocHost(&block, bytes);
  return block_or_null(block, status);
}
void release_pinned(void* block) { cudaFreeHost(block); }

void copy(void* to, const void* from, size_t bytes) {
  // Tensors on the host lie in pageable memory. As a source it is staged before this returns, as a
  // destination it is written before this returns, so nobody waits for the stream here.
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream()), "a copy");
}

void synchronize_stream() {
  check(cudaStreamSynchronize(stream()), "the work before a synchronisation");
}

class CudaGraph final : public DeviceGraph {
 public:
  explicit CudaGraph(cudaGraph_t graph) {
    check(cudaGraphInstantiate(&executable_, graph, 0), "instantiating a graph");
  }
  ~CudaGraph() override { cudaGraphExecDestroy(executable_); }
  void launch() override { check(cudaGraphLaunch(executable_, stream()), "launching a graph"); }

 private:
  cudaGraphExec_t executable_ = nullptr;
};

/// A stream of its own, since the default stream cannot be captured.
struct CaptureStream {
  CaptureStream() {
    check(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "creating a stream");
  }
  ~CaptureStream() { cudaStreamDestroy(handle); }
  cudaStream_t handle = nullptr;
};

std::unique_ptr<DeviceGraph> capture(const std::function<void()>& work) {
  const CaptureStream side;
  check(cudaStreamBeginCapture(side.handle, cudaStreamCaptureModeThreadLocal),
        "beginning a capture");
  cudaGraph_t graph = nullptr;
  try {
    const StreamScope scope(side.handle);
    work();
  } catch (...) {
    if (cudaStreamEndCapture(side.handle, &graph) == cudaSuccess) cudaGraphDestroy(graph);
    throw;
  }
  check(cudaStreamEndCapture(side.handle, &graph), "ending a capture");
  std::unique_ptr<DeviceGraph> result;
  try {
    result = std::make_unique<CudaGraph>(graph);
  } catch (...) {
    cudaGraphDestroy(graph);
    throw;
  }
  cudaGraphDestroy(graph);
  return result;
}

std::string why_unavailable() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return "";
  cudaGetLastError();
  return concat("no CUDA device on this machine (", cudaGetErrorString(status), ")");
}

std::string describe() {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "reading the device's properties");
  return properties.name;
}

const bool registered = [] {
  register_device(Device::cuda, {allocate, release, allocate_pinned, release_pinned, copy,
                                 synchronize_stream, capture, why_unavailable, describe});
  return true;
}();

}  // namespace
}  // namespace lathe
