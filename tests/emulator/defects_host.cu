// Planted defects: what the host does with streams and with device memory; launches beyond the
// limits.
#include <sys/mman.h>

#include "kernels/device.cuh"
#include "tensor/stream.h"
#include "tests/emulator/defects.h"

using namespace lathe::kernels;
using namespace lathe::tests;

namespace {

__global__ void set_ones(float* y) { y[threadIdx.x] = 1; }
__global__ void add_one(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x] + 1; }

// ---- host and streams ---------------------------------------------------------------------------

struct Stream {
  cudaStream_t handle = nullptr;
  Stream() { require(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking)); }
};

float* pinned_floats(int count, float value) {
  float* p = nullptr;
  require(cudaMallocHost(&p, count * sizeof(float)));
  for (int i = 0; i < count; i++) p[i] = value;
  return p;
}

const RegisterDefect host_reads_device_pointer("host_reads_device_pointer", [] {
  Memory<float> x(64);
  const volatile float v = x.data[3];
  (void)v;
});

template <bool synchronise>
void read_back() {
  Memory<float> x(64);
  float* host = pinned_floats(64, -1);
  require(cudaDeviceSynchronize());
  const Stream stream;
  const lathe::StreamScope scope(stream.handle);
  launch(set_ones, 1, 64, 0, x.data);
  require(cudaMemcpyAsync(host, x.data, 256, cudaMemcpyDeviceToHost, stream.handle));
  if (synchronise) require(cudaStreamSynchronize(stream.handle));
  require_element(5, host[5], 1.0f);
}
const RegisterDefect no_synchronisation_before_read("no_synchronisation_before_read",
                                                    read_back<false>);
const RegisterDefect sound_read_back("sound_read_back", read_back<true>);

const RegisterDefect pinned_source_overwritten("pinned_source_overwritten", [] {
  Memory<float> x(64), y(64);
  float* host = pinned_floats(64, 1);
  require(cudaDeviceSynchronize());
  const Stream stream;
  const lathe::StreamScope scope(stream.handle);
  require(cudaMemcpyAsync(x.data, host, 256, cudaMemcpyHostToDevice, stream.handle));
  host[0] = 99;
  launch(add_one, 1, 64, 0, x.data, y.data);
  require(cudaStreamSynchronize(stream.handle));
  y.expect([](int) { return 2; });
});

template <bool with_event>
void use_two_streams() {
  Memory<float> x(64), y(64);
  require(cudaDeviceSynchronize());
  const Stream first, second;
  {
    const lathe::StreamScope scope(first.handle);
    launch(set_ones, 1, 64, 0, x.data);
  }
  if (with_event) {
    cudaEvent_t ready = nullptr;
    require(cudaEventCreate(&ready));
    require(cudaEventRecord(ready, first.handle));
    require(cudaStreamWaitEvent(second.handle, ready));
    require(cudaEventDestroy(ready));
  }
  {
    const lathe::StreamScope scope(second.handle);
    launch(add_one, 1, 64, 0, x.data, y.data);
  }
  require(cudaStreamSynchronize(second.handle));
  require(cudaStreamSynchronize(first.handle));
  y.expect([](int) { return 2; });
}
const RegisterDefect two_streams_no_event("two_streams_no_event", use_two_streams<false>);
const RegisterDefect sound_two_streams("sound_two_streams", use_two_streams<true>);

// ---- limits -------------------------------------------------------------------------------------

const RegisterDefect block_of_2048_threads("block_of_2048_threads", [] {
  Memory<float> y(2048);
  launch(set_ones, 1, 2048, 0, y.data);
});

__global__ void uses_64_kb(float* y) {
  SHARED(float, s, [16384]);
  s[threadIdx.x] = 1;
  y[threadIdx.x] = s[threadIdx.x];
}
const RegisterDefect static_shared_of_64_kb("static_shared_of_64_kb", [] {
  Memory<float> y(64);
  launch(uses_64_kb, 1, 64, 0, y.data);
});

// A guard page takes a memory mapping of its own, and there is none left for the second stack's.
__global__ void waits(float* y) {
  __syncthreads();
  y[threadIdx.x] = 1;
}
const RegisterDefect no_mapping_for_guard_page("no_mapping_for_guard_page", [] {
  Memory<float> y(64);
  launch(set_ones, 1, 64, 0, y.data);  // brings all other memory, and the first stack
  void *last = nullptr, *page = nullptr;
  for (int i = 0; page != MAP_FAILED; i++) {  // neighbours of other rights are not merged
    last = page;
    page = mmap(nullptr, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  require(munmap(last, 4096) == 0 ? cudaSuccess : cudaErrorUnknown);
  launch(waits, 1, 64, 0, y.data);
});

}  // namespace
