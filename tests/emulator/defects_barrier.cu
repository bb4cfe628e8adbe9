// Planted defects: missing barriers and races, and barriers or warp functions that not every thread
// reaches.
#include "kernels/ptx.cuh"
#include "tests/emulator/defects.h"

using namespace lathe::kernels;
using namespace lathe::tests;

namespace {

// ---- missing barriers and races -----------------------------------------------------------------

template <bool with_barrier>
__global__ void reads_next(int* y) {
  SHARED(int, s, [128]);
  const int t = int(threadIdx.x);
  s[t] = t;
  if (with_barrier) __syncthreads();
  y[t] = s[(t + 1) % 128];
}
template <bool with_barrier>
void read_next() {
  Memory<int> y(128);
  launch(reads_next<with_barrier>, 1, 128, 0, y.data);
  y.expect([](int i) { return (i + 1) % 128; });
}
const RegisterDefect no_barrier_reads_next("no_barrier_reads_next", read_next<false>);
const RegisterDefect sound_read_next("sound_read_next", read_next<true>);

__global__ void reads_previous(int* y) {
  SHARED(int, s, [128]);
  const int t = int(threadIdx.x);
  s[t] = t;
  y[t] = s[(t + 127) % 128];
}
const RegisterDefect no_barrier_reads_previous("no_barrier_reads_previous", [] {
  Memory<int> y(128);
  launch(reads_previous, 1, 128, 0, y.data);
  y.expect([](int i) { return (i + 127) % 128; });
});

__global__ void overwrites_in_loop(int* y) {
  SHARED(int, s, [128]);
  const int t = int(threadIdx.x);
  int sum = 0;
  for (int k = 0; k < 4; k++) {
    s[t] = t + k;
    __syncthreads();
    sum += s[127 - t];  // the next round overwrites this too early
  }
  y[t] = sum;
}
const RegisterDefect no_second_barrier_in_loop("no_second_barrier_in_loop", [] {
  Memory<int> y(128);
  launch(overwrites_in_loop, 1, 128, 0, y.data);
  y.expect([](int i) { return 4 * (127 - i) + 6; });
});

template <bool with_barrier>
__global__ void tree_in_warp(float* y) {
  SHARED(float, s, [32]);
  const int t = int(threadIdx.x);
  s[t] = float(t);
  __syncwarp();
  for (int distance = 16; distance > 0; distance /= 2) {
    if (t < distance) s[t] += s[t + distance];
    if (with_barrier) __syncwarp();
  }
  if (t == 0) *y = s[0];
}
template <bool with_barrier>
void sum_in_warp() {
  Memory<float> y(1);
  launch(tree_in_warp<with_barrier>, 1, 32, 0, y.data);
  y.expect([](int) { return 496; });
}
const RegisterDefect no_syncwarp_in_tree("no_syncwarp_in_tree", sum_in_warp<false>);
const RegisterDefect sound_sum_in_warp("sound_sum_in_warp", sum_in_warp<true>);

__global__ void tree_in_block(float* y) {
  SHARED(float, s, [256]);
  const int t = int(threadIdx.x);
  s[t] = 1;
  __syncthreads();
  for (int distance = 128; distance > 0; distance /= 2) {
    if (t < distance) s[t] += s[t + distance];
    if (distance > 32) __syncthreads();  // lanes of the last warp are not in step
  }
  if (t == 0) *y = s[0];
}
const RegisterDefect no_barrier_in_last_warp("no_barrier_in_last_warp", [] {
  Memory<float> y(1);
  launch(tree_in_block, 1, 256, 0, y.data);
  y.expect([](int) { return 256; });
});

__global__ void plain_counter(int* y) { y[0] += 1; }
const RegisterDefect counter_without_atomic("counter_without_atomic", [] {
  Memory<int> y(1);
  launch(plain_counter, 8, 128, 0, y.data);
  y.expect([](int) { return 1024; });
});

__global__ void reads_other_block(int* y) {
  const int block = int(blockIdx.x);
  if (threadIdx.x == 0) y[block] = block + 1;
  __syncthreads();
  if (threadIdx.x == 0 && block > 0) y[64 + block] = y[block - 1];
}
const RegisterDefect block_reads_other_block("block_reads_other_block", [] {
  Memory<int> y(128);
  launch(reads_other_block, 64, 32, 0, y.data);
  y.expect([](int i) { return i < 64 ? i + 1 : i == 64 ? 0 : i - 64; });
});

__global__ void writes_one_word(int* y) {
  SHARED(int, s);
  s = int(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = s;
}
const RegisterDefect all_write_one_word("all_write_one_word", [] {
  Memory<int> y(128);
  launch(writes_one_word, 1, 128, 0, y.data);
  y.expect([](int) { return 127; });
});

__global__ void shuffle_for_barrier(int* y) {
  SHARED(int, s, [32]);
  const int t = int(threadIdx.x);
  s[t] = t;
  const int other = __shfl_xor_sync(~0u, t, 1);  // does not order memory
  y[t] = s[other];
}
const RegisterDefect shuffle_as_memory_barrier("shuffle_as_memory_barrier", [] {
  Memory<int> y(32);
  launch(shuffle_for_barrier, 1, 32, 0, y.data);
  y.expect([](int i) { return i ^ 1; });
});

// ---- asynchronous copies ------------------------------------------------------------------------

__global__ void reads_before_wait(float* y, const float* x) {
  SHARED_ALIGNED(16, float, s, [128]);
  cp_async<16>(s + 4 * threadIdx.x, x + 4 * threadIdx.x);
  cp_async_commit();
  __syncthreads();  // waits for threads, not for copies
  y[threadIdx.x] = s[threadIdx.x];
}
const RegisterDefect copy_without_wait("copy_without_wait", [] {
  Memory<float> x(128), y(32);
  launch(reads_before_wait, 1, 32, 0, y.data, x.data);
  y.expect([](int) { return 0; });
});

template <bool with_barrier>
__global__ void refills_in_use(float* y, const float* x) {
  SHARED_ALIGNED(16, float, s, [128]);
  float sum = 0;
  for (int k = 0; k < 2; k++) {
    cp_async<16>(s + 4 * threadIdx.x, x + 128 * k + 4 * threadIdx.x);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    sum += s[127 - threadIdx.x];
    if (with_barrier) __syncthreads();  // before the next copy
  }
  y[threadIdx.x] = sum;
}
__global__ void count_up(float* x) { x[threadIdx.x] = float(threadIdx.x); }
template <bool with_barrier>
void refill() {
  Memory<float> x(256), y(32);
  launch(count_up, 1, 256, 0, x.data);
  launch(refills_in_use<with_barrier>, 1, 32, 0, y.data, x.data);
  y.expect([](int i) { return 2 * (127 - i) + 128; });
}
const RegisterDefect copy_into_buffer_in_use("copy_into_buffer_in_use", refill<false>);
const RegisterDefect sound_refill("sound_refill", refill<true>);

// ---- barriers and warp functions that not every thread reaches ----------------------------------

__global__ void some_skip(int* y, unsigned reaching) {
  if (threadIdx.x < reaching) __syncthreads();
  y[threadIdx.x] = 1;
}
template <unsigned reaching>
void pass_barrier() {
  Memory<int> y(32);
  launch(some_skip, 1, 32, 0, y.data, reaching);
  y.expect([](int) { return 1; });
}
const RegisterDefect half_the_warp_skips_barrier("half_the_warp_skips_barrier", pass_barrier<16>);
const RegisterDefect sound_barrier("sound_barrier", pass_barrier<32>);

__global__ void two_places(int* y) {
  if (threadIdx.x % 2) {
    y[threadIdx.x] = 1;
    __syncthreads();
  } else {
    __syncthreads();
  }
}
const RegisterDefect barriers_in_both_branches("barriers_in_both_branches", [] {
  Memory<int> y(64);
  launch(two_places, 1, 64, 0, y.data);
});

__global__ void returns_early(int* y, int n) {
  if (int(threadIdx.x) >= n) return;
  y[threadIdx.x] = 1;
  __syncthreads();
}
const RegisterDefect early_return_before_barrier("early_return_before_barrier", [] {
  Memory<int> y(64);
  launch(returns_early, 1, 64, 0, y.data, 50);
});

__global__ void uneven_loops(int* y) {
  for (int i = 0; i < (threadIdx.x < 32 ? 3 : 2); i++) __syncthreads();
  y[threadIdx.x] = 1;
}
const RegisterDefect warps_pass_unequal_barriers("warps_pass_unequal_barriers", [] {
  Memory<int> y(64);
  launch(uneven_loops, 1, 64, 0, y.data);
});

__global__ void shuffle_in_branch(float* y) {
  float v = float(threadIdx.x);
  if (threadIdx.x < 16) v = __shfl_xor_sync(~0u, v, 1);
  y[threadIdx.x] = v;
}
const RegisterDefect full_mask_in_divergent_code("full_mask_in_divergent_code", [] {
  Memory<float> y(32);
  launch(shuffle_in_branch, 1, 32, 0, y.data);
});

__global__ void reads_absent_lane(float* y) {
  float v = float(threadIdx.x);
  if (threadIdx.x < 16) v = __shfl_down_sync(0xffffu, v, 8);
  y[threadIdx.x] = v;
}
const RegisterDefect shuffle_reads_lane_outside_mask("shuffle_reads_lane_outside_mask", [] {
  Memory<float> y(32);
  launch(reads_absent_lane, 1, 32, 0, y.data);
});

__global__ void not_in_mask(float* y) {
  float v = float(threadIdx.x);
  if (threadIdx.x < 16) v = __shfl_xor_sync(0xff00u, v, 1);
  y[threadIdx.x] = v;
}
const RegisterDefect caller_not_in_mask("caller_not_in_mask", [] {
  Memory<float> y(32);
  launch(not_in_mask, 1, 32, 0, y.data);
});

}  // namespace
