// Planted defects: memory out of bounds, freed, uninitialised or misaligned.
#include "kernels/device.cuh"
#include "tests/emulator/defects.h"

using namespace lathe::kernels;
using namespace lathe::tests;

namespace {

__global__ void set_ones(float* y) { y[threadIdx.x] = 1; }
__global__ void add_one(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x] + 1; }

// ---- global memory out of bounds ----------------------------------------------------------------

__global__ void reads_past_end(const float* x, float* y, int n) {
  const int t = int(threadIdx.x);
  if (t <= n) y[t % 64] = x[t];  // 64 elements
}
template <int last>
void read_all() {
  Memory<float> x(64), y(64);
  launch(set_ones, 1, 64, 0, x.data);
  launch(reads_past_end, 1, 128, 0, static_cast<const float*>(x.data), y.data, last);
  y.expect([](int i) { return i <= last ? 1 : 0; });
}
const RegisterDefect global_read_past_end("global_read_past_end", read_all<64>);
const RegisterDefect sound_read_all("sound_read_all", read_all<63>);

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
template <int count>
void fill_dynamic() {
  Memory<int> y(128);
  launch(fills_dynamic, 1, 128, count * sizeof(int), y.data);
  y.expect([](int i) { return i; });
}
const RegisterDefect dynamic_shared_too_small("dynamic_shared_too_small", fill_dynamic<127>);
const RegisterDefect sound_fill_dynamic("sound_fill_dynamic", fill_dynamic<128>);

// ---- uninitialised memory -----------------------------------------------------------------------

template <int skipped>
__global__ void skips_one(float* y) {
  SHARED(float, s, [64]);
  const int t = int(threadIdx.x);
  if (t != skipped) s[t] = 1;
  __syncthreads();
  y[t] = s[t];
}
template <int skipped>
void fill_shared() {
  Memory<float> y(64);
  launch(skips_one<skipped>, 1, 64, 0, y.data);
  y.expect([](int) { return 1; });
}
const RegisterDefect uninitialised_shared("uninitialised_shared", fill_shared<7>);
const RegisterDefect sound_fill_shared("sound_fill_shared", fill_shared<-1>);

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

}  // namespace
