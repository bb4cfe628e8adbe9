// Convolution in groups of four channels and four filters (ResNeXt's) on the CPU, for AVX2 in f32:
// forward, and with stride 1 the input's gradient, which is the same with the window turned round.
// A vector is the filters of two groups. Each of a group's four channels meets all its filters: a
// permutation within halves of a vector of pixels repeats one channel four times. Four neighbouring
// results stay in registers while the window's taps pass; those at a border take their taps alone.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/conv2d_rows.h"
#include "kernels/cpu_features.h"

namespace lathe::kernels {
namespace {

constexpr int64_t width = 4, lanes = 2 * width;  // of a group, of a vector

/// Taps [begin, end) of a window's row or column that lie inside for one result.
struct Taps {
  int64_t begin, end;
  Taps(int64_t place, int64_t window, int64_t stride, int64_t dilation, int64_t padding,
       int64_t extent)
      : begin(0), end(window) {
    while (begin < end && place_seen(place, begin, stride, dilation, padding) < 0) ++begin;
    while (end > begin && place_seen(place, end - 1, stride, dilation, padding) >= extent) --end;
  }
};

/// One call; w is packed as (blocks of lanes, taps, channels, lanes).
struct Grouped {
  float* y;
  const float *x, *w, *bias;
  Conv2dExtents e;
  Conv2dShape k;
};

// Their order is their meaning.
// clang-format off
namespace avx2 {
#include "kernels/simd_avx2.inc"

/// Results q to q + Count of row p, for a block of lanes.
template <int Count>
void results(const Grouped& g, int64_t n, int64_t p, int64_t q, int64_t block, const Taps& rows,
             const Taps& columns) {
  const Conv2dExtents& e = g.e;
  const int64_t channels = e.channels(), step = g.k.stride_w * channels;
  __m256 sums[Count];
  for (auto& sum : sums)
    sum = g.bias ? _mm256_loadu_ps(g.bias + block * lanes) : _mm256_setzero_ps();
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const int64_t row = place_seen(p, r, g.k.stride_h, g.k.dilation_h, g.k.pad_top);
    for (int64_t s = columns.begin; s < columns.end; ++s) {
      const int64_t column = place_seen(q, s, g.k.stride_w, g.k.dilation_w, g.k.pad_left);
      const float* const from = g.x + ((n * e.h + row) * e.w + column) * channels + block * lanes;
      const float* const w = g.w + ((block * e.r + r) * e.s + s) * width * lanes;
      const __m256 w0 = _mm256_loadu_ps(w), w1 = _mm256_loadu_ps(w + lanes),
                   w2 = _mm256_loadu_ps(w + 2 * lanes), w3 = _mm256_loadu_ps(w + 3 * lanes);
      for (int i = 0; i < Count; ++i) {
        const __m256 pixel = _mm256_loadu_ps(from + i * step);
        sums[i] = _mm256_fmadd_ps(_mm256_permute_ps(pixel, 0x00), w0, sums[i]);
        sums[i] = _mm256_fmadd_ps(_mm256_permute_ps(pixel, 0x55), w1, sums[i]);
        sums[i] = _mm256_fmadd_ps(_mm256_permute_ps(pixel, 0xaa), w2, sums[i]);
        sums[i] = _mm256_fmadd_ps(_mm256_permute_ps(pixel, 0xff), w3, sums[i]);
      }
    }
  }
  float* const to = g.y + ((n * e.p + p) * e.q + q) * channels + block * lanes;
  for (int i = 0; i < Count; ++i) _mm256_storeu_ps(to + i * channels, sums[i]);
}
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

void run(const Grouped& g) {
  constexpr int together = 4;
  const Conv2dExtents& e = g.e;
  const Conv2dShape& k = g.k;
  const auto columns_of = [&](int64_t q) {
    return Taps(q, e.s, k.stride_w, k.dilation_w, k.pad_left, e.w);
  };
  const auto whole = [&](const Taps& t) { return t.begin == 0 && t.end == e.s; };
  parallel_for(0, e.n * e.p, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t n = i / e.p, p = i % e.p;
      const Taps rows(p, e.r, k.stride_h, k.dilation_h, k.pad_top, e.h);
      for (int64_t block = 0; block < e.channels() / lanes; ++block)
        for (int64_t q = 0; q < e.q;) {
          const Taps columns = columns_of(q);
          if (q + together <= e.q && whole(columns) && whole(columns_of(q + together - 1))) {
            avx2::results<together>(g, n, p, q, block, rows, columns);
            q += together;
          } else {
            avx2::results<1>(g, n, p, q++, block, rows, columns);
          }
        }
    }
  });
}

/// The weight (O, R, S, 4) in the order of the vectors; `turned`: for the input's gradient.
Tensor packed(const Tensor& w, bool turned) {
  Tensor to = Tensor::empty(w.shape());
  const int64_t taps = w.dim(1) * w.dim(2);
  const float* const from = w.data<float>();
  float* at = to.data<float>();
  for (int64_t block = 0; block < w.dim(0); block += lanes)
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t in = 0; in < width; ++in)
        for (int64_t lane = block; lane < block + lanes; ++lane) {
          const int64_t group = lane / width * width;
          *at++ = turned ? from[((group + in) * taps + taps - 1 - tap) * width + lane % width]
                         : from[(lane * taps + tap) * width + in];
        }
  return to;
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  const Tensor added = kept_residual(y, residual), weight = packed(w, false);
  run({y.data<float>(), x.data<float>(), weight.data<float>(), bias ? bias.data<float>() : nullptr,
       conv2d_extents(y, x, w, k), k});
  add_and_apply<float>(y, added, f);
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, dx, w, k);
  const Tensor weight = packed(w, true);
  k.pad_top = k.dilation_h * (e.r - 1) - k.pad_top;
  k.pad_left = k.dilation_w * (e.s - 1) - k.pad_left;
  run({dx.data<float>(),
       dy.data<float>(),
       weight.data<float>(),
       nullptr,
       {e.n, e.p, e.q, e.c, e.h, e.w, e.o, e.r, e.s, e.groups},
       k});
}

Fit fits(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
  if (!has_avx2() || y.dtype() != DType::f32) return "needs AVX2 and f32";
  if (w.dim(3) != width || w.dim(0) != width * k.groups || k.groups % 2 != 0)
    return "needs an even number of groups of 4 channels and 4 filters";
  return y.numel() > 0 && x.numel() > 0 ? Fit() : "needs at least one element everywhere";
}
Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor&, const Tensor&,
                 Nonlinearity, Conv2dShape k) {
  return fits(y, x, w, k);
}
Fit fits_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  if (k.stride_h != 1 || k.stride_w != 1) return "needs stride 1";
  return fits(dx, dy, w, k);
}

}  // namespace

REGISTER_KERNELS(conv2d_forward, cpu, special, {"fours_avx2", forward, fits_forward});
REGISTER_KERNELS(conv2d_backward_input, cpu, special, {"fours_avx2", backward_input, fits_input});

}  // namespace lathe::kernels
#endif
