#include "bench/ceiling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
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

template <class F>
double seconds_of(const F& f) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// copy(to, from, bytes) for every thread's part.
template <class Copy>
void copy_by(const Tensor& to, const Tensor& from, const Copy& copy) {
  parallel_for(0, to.bytes() / 4096, 1, [&](int64_t begin, int64_t end) {
    copy(to.raw() + begin * 4096, from.raw() + begin * 4096, (end - begin) * 4096);
  });
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

CopyMeter::CopyMeter(Device device)
    : to_(Tensor::zeros({int64_t{64} << 20}, DType::u8, device)), from_(zeros_like(to_)) {
  for (int i = 0; i < 20; ++i) measure();
}

void CopyMeter::measure() {
  const double moved = 2 * double(to_.bytes());
  if (to_.device() != Device::cpu) {
    constexpr int runs = 20;  // waiting for a GPU takes time of its own
    const double seconds = seconds_of([&] {
      for (int i = 0; i < runs; ++i) copy_(to_, from_);
      synchronize(to_.device());
    });
    memcpy_ = std::max(memcpy_, runs * moved / seconds);
    return;
  }
  const double plain = seconds_of([&] {
    copy_by(to_, from_, [](std::byte* to, const std::byte* from, int64_t bytes) {
      std::memcpy(to, from, size_t(bytes));
    });
  });
  const double streaming = seconds_of([&] {
    copy_by(to_, from_, [](std::byte* to, const std::byte* from, int64_t bytes) {
      kernels::stream_copy(to, from, bytes);
      kernels::stream_fence();
    });
  });
  memcpy_ = std::max(memcpy_, moved / plain);
  streaming_ = std::max(streaming_, moved / streaming);
}

double measure_f32_flops() {
  const MultiplyAdd best = widest();
  if (!best.run) return 0;
  const int threads = num_threads();
  std::vector<float> sinks(size_t(threads) * 16);
  double least = HUGE_VAL;
  for (int i = 0; i < 40; ++i)
    least = std::min(least, seconds_of([&] {
                       parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
                         for (int64_t t = begin; t < end; ++t) best.run(&sinks[size_t(t) * 16]);
                       });
                     }));
  return 2.0 * best.lanes * chains * double(rounds) * threads / least;
}

}  // namespace lathe::bench
