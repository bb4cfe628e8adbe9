// Planted defects: memory out of bounds, freed, uninitialised or misaligned, on the device and in
// what the host does with streams; launches beyond the limits.
#include "kernels/device.cuh"
#include "tensor/stream.h"
#include "tests/emulator/defects.h"

using namespace lathe::kernels;
using namespace lathe::tests;

namespace {

__global__ void set_ones(float* y) { y[threadIdx.x] = 1; }
__global__ void add_one(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x] + 1; }

// ---- global memory out of bounds ----------------------------------------------------------------

__global__ void reads_past_end(const float* x, float* y, int n) {
  const int t = int(threadIdx.x);
  if (t <= n) y[t % n] = x[t];  // should be t < n
}
const RegisterDefect global_read_past_end("global_read_past_end", [] {
  Memory<float> x(64), y(64);
  launch(reads_past_end, 1, 128, 0, x.data, y.data, 64);
});

__global__ void writes_past_end(float* x, int n) {
  const int t = int(threadIdx.x);
  if (t <= n) x[t] = 1;
}
const RegisterDefect global_write_past_end("global_write_past_end", [] {
  Memory<float> x(64);
  launch(writes_past_end, 1, 128, 0, x.data, 64);
});

__global__ void reads_before_begin(const float* x, float* y) {
  y[threadIdx.x] = x[int(threadIdx.x) - 1];
}
const RegisterDefect global_read_before_begin("global_read_before_begin", [] {
  Memory<float> x(64), y(64);
  launch(reads_before_begin, 1, 64, 0, x.data, y.data);
});

__global__ void writes_far(float* x) {
  if (threadIdx.x == 3) x[size_t(1) << 40] = 1;
}
const RegisterDefect global_write_far_away("global_write_far_away", [] {
  Memory<float> x(64);
  launch(writes_far, 1, 64, 0, x.data);
});

const RegisterDefect use_after_free("use_after_free", [] {
  float* freed = nullptr;
  {
    Memory<float> x(64);
    freed = x.data;
  }
  launch(set_ones, 1, 64, 0, freed);
});

// ---- shared memory out of bounds ----------------------------------------------------------------

__global__ void writes_past_shared(int* y) {
  SHARED(int, s, [64]);
  const int t = int(threadIdx.x);
  s[t] = t;  // 65 threads
  __syncthreads();
  if (t < 64) y[t] = s[t];
}
const RegisterDefect shared_write_past_end("shared_write_past_end", [] {
  Memory<int> y(64);
  launch(writes_past_shared, 1, 65, 0, y.data);
});

__global__ void reads_past_shared(int* y) {
  SHARED(int, s, [64]);
  const int t = int(threadIdx.x);
  if (t < 64) s[t] = t;
  __syncthreads();
  const int v = s[t % 128];
  if (t == 0 || v == 12345) y[0] = v;
}
const RegisterDefect shared_read_past_end("shared_read_past_end", [] {
  Memory<int> y(1);
  launch(reads_past_shared, 1, 65, 0, y.data);
});

__global__ void leaves_row(int* y) {
  SHARED(int, s, [4][32]);
  const int t = int(threadIdx.x);
  s[t / 32][t % 32] = t;
  __syncthreads();
  const volatile int column = t % 32 + 1;
  y[t] = s[t / 32 % 2][column];
}
const RegisterDefect shared_row_overrun("shared_row_overrun", [] {
  Memory<int> y(128);
  launch(leaves_row, 1, 128, 0, y.data);
});

__global__ void fills_dynamic(int* y) {
  int* s = dynamic_shared<int>();
  const int t = int(threadIdx.x);
  s[t] = t;
  __syncthreads();
  y[t] = s[t];
}
const RegisterDefect dynamic_shared_too_small("dynamic_shared_too_small", [] {
  Memory<int> y(128);
  launch(fills_dynamic, 1, 128, 127 * sizeof(int), y.data);
});

// ---- uninitialised memory -----------------------------------------------------------------------

__global__ void skips_one(float* y) {
  SHARED(float, s, [64]);
  const int t = int(threadIdx.x);
  if (t != 7) s[t] = 1;
  __syncthreads();
  y[t] = s[t];
}
const RegisterDefect uninitialised_shared("uninitialised_shared", [] {
  Memory<float> y(64);
  launch(skips_one, 1, 64, 0, y.data);
  y.expect([](int i) { return i == 7 ? 0 : 1; });
});

__global__ void masks_it(int* y) {
  SHARED(int, s, [64]);
  const int t = int(threadIdx.x);
  if (t != 7) s[t] = 1;
  __syncthreads();
  y[t] = s[t] & 1;
}
const RegisterDefect uninitialised_shared_masked("uninitialised_shared_masked", [] {
  Memory<int> y(64);
  launch(masks_it, 1, 64, 0, y.data);
  y.expect([](int) { return 1; });
});

__global__ void hopes_for_leftovers(float* y) {
  SHARED(float, s, [64]);
  const int t = int(threadIdx.x);
  if (blockIdx.x == 0) s[t] = 1;
  __syncthreads();
  if (blockIdx.x != 0) y[t] = s[t];
}
const RegisterDefect shared_left_by_other_block("shared_left_by_other_block", [] {
  Memory<float> y(64);
  launch(hopes_for_leftovers, 2, 64, 0, y.data);
  y.expect([](int) { return 1; });
});

const RegisterDefect uninitialised_global("uninitialised_global", [] {
  Memory<float> x(64, false), y(64);
  launch(add_one, 1, 64, 0, x.data, y.data);
  y.expect([](int) { return 1; });
});

// ---- misaligned vectors -------------------------------------------------------------------------

__global__ void misaligned_in_shared(float* y) {
  SHARED(float, s, [64]);  // should be SHARED_ALIGNED(16, ...)
  const int t = int(threadIdx.x);
  s[t] = float(t);
  __syncthreads();
  if (t < 16) {
    const float4 v = reinterpret_cast<const float4*>(s)[t];
    y[t] = v.x + v.w;
  }
}
const RegisterDefect misaligned_shared_float4("misaligned_shared_float4", [] {
  Memory<float> y(16);
  launch(misaligned_in_shared, 1, 64, 0, y.data);
});

__global__ void misaligned_in_global(const float* x, float* y) {
  const int t = int(threadIdx.x);
  const float4 v = *reinterpret_cast<const float4*>(x + 1 + 4 * t);
  y[t] = v.x;
}
const RegisterDefect misaligned_global_float4("misaligned_global_float4", [] {
  Memory<float> x(128), y(16);
  launch(misaligned_in_global, 1, 16, 0, x.data, y.data);
});

__global__ void misaligned_helper(const float* x, float* y) {
  y[threadIdx.x] = load_vector<4>(x + 1 + 4 * threadIdx.x)[0];
}
const RegisterDefect misaligned_load_vector("misaligned_load_vector", [] {
  Memory<float> x(128), y(16);
  launch(misaligned_helper, 1, 16, 0, x.data, y.data);
});

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

const RegisterDefect no_synchronisation_before_read("no_synchronisation_before_read", [] {
  Memory<float> x(64);
  float* host = pinned_floats(64, -1);
  require(cudaDeviceSynchronize());
  const Stream stream;
  const lathe::StreamScope scope(stream.handle);
  launch(set_ones, 1, 64, 0, x.data);
  require(cudaMemcpyAsync(host, x.data, 256, cudaMemcpyDeviceToHost, stream.handle));
  require(host[5] == 1);
});

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

const RegisterDefect two_streams_no_event("two_streams_no_event", [] {
  Memory<float> x(64), y(64);
  require(cudaDeviceSynchronize());
  const Stream first, second;
  {
    const lathe::StreamScope scope(first.handle);
    launch(set_ones, 1, 64, 0, x.data);
  }
  {
    const lathe::StreamScope scope(second.handle);
    launch(add_one, 1, 64, 0, x.data, y.data);
  }
  require(cudaStreamSynchronize(second.handle));
  require(cudaStreamSynchronize(first.handle));
  y.expect([](int) { return 2; });
});

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

}  // namespace
