// The execution model: indices, warp functions, votes, atomics, reductions and tensor cores give
// what the CUDA programming guide says, in every order of threads. Runs on a GPU as well.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "kernels/ptx.cuh"
#include "tests/emulator/device_buffer.h"
#include "tests/emulator/orders.h"

using namespace lathe;
using namespace lathe::kernels;
using lathe::tests::DeviceBuffer;
using lathe::tests::for_each_order;

namespace {

__global__ void count_indices(int* seen) {
  const int block = int(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
  const int i = block * block_threads() + thread_number();
  atomicAdd(seen + i, 1 + i);
}

__global__ void shuffles(int* y, int width) {
  const int lane = int(threadIdx.x);
  y[lane] = __shfl_sync(~0u, lane, 5, width);
  y[32 + lane] = __shfl_up_sync(~0u, lane, 3, width);
  y[64 + lane] = __shfl_down_sync(~0u, lane, 3, width);
  y[96 + lane] = __shfl_xor_sync(~0u, lane, 6, width);
}

__global__ void votes(unsigned* y) {
  const int lane = int(threadIdx.x % 32);
  const unsigned results[] = {__ballot_sync(~0u, lane % 3 == 0),
                              unsigned(__any_sync(~0u, lane == 7)),
                              unsigned(__all_sync(~0u, lane < 32)),
                              unsigned(__all_sync(~0u, lane < 31)),
                              unsigned(__syncthreads_count(threadIdx.x % 5 == 0)),
                              unsigned(__syncthreads_or(threadIdx.x == 99)),
                              unsigned(__syncthreads_and(threadIdx.x < 127))};
  if (threadIdx.x == 0) {
    for (int i = 0; i < 7; i++) y[i] = results[i];
  }
}

// Two halves of a warp work under masks of their own and meet again.
__global__ void half_warps(int* y) {
  const int lane = int(threadIdx.x);
  const unsigned mask = lane < 16 ? 0xffffu : 0xffff0000u;
  int sum = lane;
  for (int distance = 8; distance > 0; distance /= 2) sum += __shfl_xor_sync(mask, sum, distance);
  if (lane < 8) {
    for (int i = 0; i < 3; i++) sum += __shfl_xor_sync(0xffu, 1, 1);
  }
  __syncwarp();
  y[lane] = sum;
}

__global__ void shuffle_doubles(double* y) {
  y[threadIdx.x] = __shfl_xor_sync(~0u, double(threadIdx.x) + 0.5, 31);
}

__global__ void atomics(float* sum, int* largest, unsigned* wrapped, int* swapped) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(sum, 0.5f);
  atomicMax(largest, i);
  atomicInc(wrapped, 9u);
  atomicCAS(swapped, 0, i + 1);
}

// Warps of one block may pass different numbers of warp barriers.
__global__ void warps_apart(int* y) {
  SHARED(int, row, [4][32]);
  const int warp = int(threadIdx.x / 32), lane = int(threadIdx.x % 32);
  for (int round = 0; round <= warp; round++) {
    row[warp][lane] = round;
    __syncwarp();
    y[threadIdx.x] = row[warp][31 - lane];
    __syncwarp();
  }
}

__global__ void reductions(float* y, const float* x) {
  const float value = x[threadIdx.x];
  const float sum = block_reduce(value, Sum{}, 0.0f), top = block_reduce(value, Max{}, -INFINITY);
  y[threadIdx.x] = sum + 1000 * top;
}

__global__ void reverse_block(float* y, int n) {
  float* copy = dynamic_shared<float>();
  copy[threadIdx.x] = y[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = copy[n - 1 - int(threadIdx.x)];
}

template <class T>
__global__ void scale_vectors(T* y, const T* x, int vectors) {
  constexpr int n = 16 / sizeof(T);
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= vectors) return;
  auto v = load_vector<n>(x + n * i);
  UNROLL
  for (int j = 0; j < n; j++) v[j] = T(2 * float(v[j]));
  store_vector(y + n * i, v);
}

template <class T>
__global__ void extremes(T* y, const T* x) {
  const T value = x[threadIdx.x];
  y[4 * threadIdx.x] = max(value, T(1));
  y[4 * threadIdx.x + 1] = max(T(1), value);
  y[4 * threadIdx.x + 2] = min(value, T(1));
  y[4 * threadIdx.x + 3] = min(T(1), value);
}

template <class T>
void check_extremes() {
  DeviceBuffer<T> x(std::vector<T>{T(NAN), T(2)}), y(8);
  launch(extremes<T>, 1, 2, 0, y.data(), static_cast<const T*>(x.data()));
  CHECK(y.values() == std::vector<T>{1, 1, 1, 1, 2, 2, 1, 1});
}

// C (64x64) += A (64xK) * B (Kx64) in one block of 4 warps, double-buffered asynchronous copies.
template <class T>
__global__ void __launch_bounds__(128)
    tensor_core_product(const T* a, const T* b, float* c, int k_extent) {
  constexpr int tile = 64, depth = 32, pad = 8;
  SHARED_ALIGNED(16, T, a_tile, [2][tile][depth + pad]);
  SHARED_ALIGNED(16, T, b_tile, [2][depth][tile + pad]);
  const int thread = int(threadIdx.x), warp = thread / 32, lane = thread % 32;
  float sum[8][4] = {};
  const auto load = [&](int buffer, int k0) {
    for (int i = thread; i < tile * depth / 8; i += 128) {
      const int row = i / (depth / 8), column = i % (depth / 8) * 8;
      cp_async<16>(&a_tile[buffer][row][column], a + row * k_extent + k0 + column);
    }
    for (int i = thread; i < depth * tile / 8; i += 128) {
      const int row = i / (tile / 8), column = i % (tile / 8) * 8;
      cp_async<16>(&b_tile[buffer][row][column], b + (k0 + row) * tile + column);
    }
    cp_async_commit();
  };
  load(0, 0);
  for (int k = 0; k < k_extent / depth; k++) {
    if (k + 1 < k_extent / depth) {
      load((k + 1) % 2, (k + 1) * depth);
      cp_async_wait<1>();
    } else {
      cp_async_wait<0>();
    }
    __syncthreads();
    for (int kk = 0; kk < depth; kk += 16) {
      uint32_t fragment[4];
      ldmatrix_x4(fragment, &a_tile[k % 2][warp * 16 + lane % 16][kk + lane / 16 * 8]);
      for (int n = 0; n < 8; n++) {
        uint32_t column[2];
        ldmatrix_x2_trans(column, &b_tile[k % 2][kk + lane % 16][n * 8]);
        mma_m16n8k16<T>(sum[n], fragment, column);
      }
    }
    __syncthreads();
  }
  for (int n = 0; n < 8; n++) {
    for (int j = 0; j < 4; j++) {
      const int row = warp * 16 + lane / 4 + 8 * (j / 2), column = n * 8 + lane % 4 * 2 + j % 2;
      c[row * tile + column] = sum[n][j];
    }
  }
}

template <class T>
void check_tensor_core_product() {
  constexpr int m = 64, k_extent = 96;
  std::vector<T> a(m * k_extent), b(k_extent * m);
  for (size_t i = 0; i < a.size(); i++) a[i] = T(float(i * 7 % 17) / 8 - 1);
  for (size_t i = 0; i < b.size(); i++) b[i] = T(float(i * 5 % 13) / 8 - 1);
  DeviceBuffer<T> da(a), db(b);
  DeviceBuffer<float> c(m * m);
  launch(tensor_core_product<T>, 1, 128, 0, da.data(), db.data(), c.data(), k_extent);
  const std::vector<float> result = c.values();
  int wrong = 0;
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < m; j++) {
      float exact = 0;  // eighths: no rounding
      for (int k = 0; k < k_extent; k++) exact += float(a[i * k_extent + k]) * float(b[k * m + j]);
      wrong += result[i * m + j] != exact;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("emulator: every thread of a 3-d grid runs once, with its indices") {
  for_each_order([] {
    DeviceBuffer<int> seen(7 * 3 * 2 * 30, 0);
    launch(count_indices, dim3(7, 3, 2), dim3(5, 3, 2), 0, seen.data());
    const std::vector<int> values = seen.values();
    int wrong = 0;
    for (int i = 0; i < int(values.size()); i++) wrong += values[i] != 1 + i;
    CHECK(wrong == 0);
  });
}

TEST_CASE("emulator: shuffles within segments of any width") {
  for_each_order([] {
    for (int width : {32, 16, 8, 4}) {
      DeviceBuffer<int> y(128, 0);
      launch(shuffles, 1, 32, 0, y.data(), width);
      const std::vector<int> got = y.values();
      int wrong = 0;
      for (int lane = 0; lane < 32; lane++) {
        const int start = lane / width * width, end = start + width;
        wrong += got[lane] != start + 5 % width;
        wrong += got[32 + lane] != (lane - 3 < start ? lane : lane - 3);
        wrong += got[64 + lane] != (lane + 3 >= end ? lane : lane + 3);
        wrong += got[96 + lane] != ((lane ^ 6) >= end ? lane : lane ^ 6);
      }
      CHECK(wrong == 0);
    }
    DeviceBuffer<double> doubles(32);
    launch(shuffle_doubles, 1, 32, 0, doubles.data());
    CHECK(doubles.values()[3] == 28.5);
  });
}

TEST_CASE("emulator: votes of a warp and of a block") {
  for_each_order([] {
    DeviceBuffer<unsigned> y(7, 0u);
    launch(votes, 1, 128, 0, y.data());
    CHECK(y.values() == std::vector<unsigned>{0x49249249u, 1, 1, 0, 26, 1, 0});
  });
}

TEST_CASE("emulator: parts of a warp under masks of their own") {
  for_each_order([] {
    DeviceBuffer<int> y(32, 0), z(128, 0);
    launch(half_warps, 1, 32, 0, y.data());
    const std::vector<int> got = y.values();
    CHECK(got[0] == 123);
    CHECK(got[8] == 120);
    CHECK(got[20] == 376);
    launch(warps_apart, 1, 128, 0, z.data());
    CHECK(z.values()[127] == 3);
  });
}

TEST_CASE("emulator: atomics over blocks") {
  for_each_order([] {
    DeviceBuffer<float> sum(1, 0.0f);
    DeviceBuffer<int> largest(1, 0), swapped(1, 0);
    DeviceBuffer<unsigned> wrapped(1, 0u);
    launch(atomics, 128, 128, 0, sum.data(), largest.data(), wrapped.data(), swapped.data());
    CHECK(sum.values()[0] == 8192);
    CHECK(largest.values()[0] == 16383);
    CHECK(wrapped.values()[0] == 16384 % 10);
    CHECK(swapped.values()[0] > 0);
  });
}

TEST_CASE("emulator: reductions follow one another") {
  for_each_order([] {
    std::vector<float> x(96);
    std::iota(x.begin(), x.end(), 1.0f);
    DeviceBuffer<float> dx(x), y(96);
    launch(reductions, 1, 96, 0, y.data(), dx.data());
    CHECK(y.values() == std::vector<float>(96, 96 * 97 / 2 + 96000));
  });
}

TEST_CASE("emulator: dynamic shared memory, also above 48 KB") {
  for_each_order([] {
    for (size_t bytes : {512, 100 * 1024}) {
      std::vector<float> x(128);
      std::iota(x.begin(), x.end(), 0.0f);
      DeviceBuffer<float> y(x);
      launch(reverse_block, 1, 128, bytes, y.data(), 128);
      CHECK(y.values()[5] == 122);
    }
  });
}

TEST_CASE("emulator: vectors of 16 bytes") {
  std::vector<float> x(400, 1.5f);
  DeviceBuffer<float> dx(x), y(400);
  launch(scale_vectors<float>, 4, 32, 0, y.data(), dx.data(), 100);
  CHECK(y.values() == std::vector<float>(400, 3.0f));
  DeviceBuffer<bf16> hx(std::vector<bf16>(80, bf16(1.5f))), hy(80);
  launch(scale_vectors<bf16>, 1, 32, 0, hy.data(), hx.data(), 10);
  CHECK(float(hy.values()[79]) == 3.0f);
}

TEST_CASE("emulator: max and min drop a NaN, as on the device") {
  check_extremes<float>();
  check_extremes<double>();
}

TEST_CASE("emulator: tensor cores, ldmatrix and asynchronous copies") {
  for_each_order([] {
    check_tensor_core_product<bf16>();
    check_tensor_core_product<f16>();
  });
}

TEST_CASE("emulator: a launch neither reports nor loses an earlier call's error") {
  DeviceBuffer<int> y(128, 0);
  REQUIRE(cudaSetDevice(99) == cudaErrorInvalidDevice);
  launch(shuffles, 1, 32, 0, y.data(), 32);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaSuccess);
}
