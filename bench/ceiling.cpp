#include "bench/ceiling.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "kernels/cpu_features.h"
#include "kernels/streaming.h"
#include "tensor/parallel.h"
#include "tensor/tensor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lathe::bench {
namespace {

constexpr int repetitions = 40;

template <class F>
double best_seconds(const F& f) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  for (int i = 0; i < repetitions; ++i) {
    const auto begin = Clock::now();
    f();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

/// Bytes a second of a copy of 64 MB by copy(to, from, bytes) on every thread's part.
template <class Copy>
double copy_speed(const Copy& copy) {
  constexpr int64_t bytes = int64_t(64) << 20;
  Tensor to = Tensor::zeros({bytes}, DType::u8), from = Tensor::zeros({bytes}, DType::u8);
  const double seconds = best_seconds([&] {
    parallel_for(0, bytes / 4096, 1, [&](int64_t begin, int64_t end) {
      copy(to.raw() + begin * 4096, from.raw() + begin * 4096, (end - begin) * 4096);
    });
  });
  return 2 * double(bytes) / seconds;
}

constexpr int64_t rounds = 1 << 19;
constexpr int chains = 12;  // enough independent sums to hide the latency of one

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void multiply_add_avx512(float* sink) {
  __m512 sums[chains], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  for (auto& sum : sums) sum = y;
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm512_fmadd_ps(sum, x, y);
  for (auto& sum : sums) y = _mm512_add_ps(y, sum);
  *sink = _mm512_cvtss_f32(y);
}

__attribute__((target("avx2,fma"))) void multiply_add_avx2(float* sink) {
  __m256 sums[chains], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  for (auto& sum : sums) sum = y;
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm256_fmadd_ps(sum, x, y);
  for (auto& sum : sums) y = _mm256_add_ps(y, sum);
  *sink = _mm256_cvtss_f32(y);
}
#endif

/// The widest multiply-add of this processor, and its lanes.
struct MultiplyAdd {
  void (*run)(float* sink) = nullptr;
  int lanes = 0;
};
MultiplyAdd widest() {
#if defined(__x86_64__)
  if (kernels::has_avx512()) return {multiply_add_avx512, 16};
  if (kernels::has_avx2()) return {multiply_add_avx2, 8};
#endif
  return {};
}

}  // namespace

Ceiling measure_ceiling(Device device) {
  Ceiling ceiling;
  if (device == Device::cuda) {
    const Tensor from = Tensor::zeros({int64_t{1} << 28}, DType::f32, device);
    Tensor to = empty_like(from);
    const double seconds = best_seconds([&] {
      copy_(to, from);
      synchronize(device);
    });
    ceiling.memcpy_bytes = 2.0 * double(from.bytes()) / seconds;
    return ceiling;
  }
  ceiling.memcpy_bytes = copy_speed([](std::byte* to, const std::byte* from, int64_t bytes) {
    std::memcpy(to, from, size_t(bytes));
  });
  ceiling.streaming_bytes = copy_speed([](std::byte* to, const std::byte* from, int64_t bytes) {
    kernels::stream_copy(to, from, bytes);
    kernels::stream_fence();
  });
  if (const MultiplyAdd best = widest(); best.run) {
    const int threads = num_threads();
    std::vector<float> sinks(size_t(threads) * 16);
    const double seconds = best_seconds([&] {
      parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) best.run(&sinks[size_t(i) * 16]);
      });
    });
    ceiling.f32_flops = 2.0 * best.lanes * chains * double(rounds) * threads / seconds;
  }
  return ceiling;
}

}  // namespace lathe::bench
