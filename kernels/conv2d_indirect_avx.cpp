// Convolution on the CPU, for AVX2 in f32 and f64: forward, and in f64 with stride 1 the input's
// gradient, which is the same with the window turned round and filters and channels exchanged.
//   y[n, p, q, o] = sum over r, s, c of x[n, p u + r d - top, q v + s e - left, c] w[o, r, s, c]
// This is a product of the matrix of patches and the weight. The patches are not made: a tile of
// results reads its pixels where they lie, through pointers (the indirect convolution, Dukhan,
// arXiv:1907.02129), and zeros for those in the padding. Any stride and dilation is the same to it.
//   w is packed as (panels of 16 filters, taps, channels, 16), once where it is constant
//   y, a tile of 6 pixels by 16 filters, stays in registers for all taps and channels
// What each step brought, in GFLOP/s of one core of an EPYC (Zen 3), whose peak is about 100, for
// 3 x 3 on 56 x 56 x 64, 14 x 14 x 256 and 7 x 7 x 512, and for 1 x 7 on 17 x 17 x 128; by
// prototypes in several runs, so neighbours that differ by a few per cent are equal:
//   1 pixel by 1 vector of filters: each sum waits for itself    10  13  11  14
//   1 pixel by 2 vectors                                         25  26  28  27
//   3 pixels: 6 sums; 8 are needed to hide 4 cycles, 2 a cycle   71  71  67  71
//   6 pixels, 12 sums; panels in groups, whose tiles share pixels 95  95  86  90
//   a row of the window in one run where its pixels are inside   95   .   .  93
//   the next group fetched while this one is multiplied          95  97  91  92
// oneDNN 2.6 on (N, H, W, C): 88, 84, 71, 76. Each element is summed by one thread, in an order
// that does not depend on their number.
#if defined(__x86_64__)
#include <immintrin.h>

#include <mutex>

#include "kernels/ceil_div.h"
#include "kernels/conv2d_rows.h"
#include "kernels/cpu_features.h"
#include "kernels/scratch.h"
#include "tensor/constant.h"
#include "tensor/plan.h"

namespace lathe::kernels {
namespace {

/// A tile of results, 6 pixels by 2 vectors of filters: 12 of the 16 registers.
constexpr int tile_pixels = 6, tile_vectors = 2;
template <class T>
constexpr int width = 32 / sizeof(T);
template <class T>
constexpr int lanes = tile_vectors* width<T>;  // of a cache line
constexpr int64_t group_bytes = 256 << 10;     ///< of panels: half the second-level cache

/// Neighbouring elements of x for each pixel of a tile, which meet as many rows of a panel.
template <class T>
struct Run {
  const T* pixels[tile_pixels];
  int64_t row, terms;  ///< the first of these rows, and how many
};

/// A call, and how it is cut: into groups of panels, and tiles of pixels, which need not lie in one
/// row of an image.
template <class T>
struct Work {
  T* y;
  const T *x, *w, *bias, *residual;
  Conv2dExtents e;
  Conv2dShape k;
  int64_t rows, panels, groups, pixels, tiles;

  Work(const Conv2dExtents& extents, const Conv2dShape& shape) : e(extents), k(shape) {
    rows = e.r * e.s * e.c;
    panels = ceil_div(e.o, lanes<T>);
    groups = ceil_div(panels * rows * lanes<T> * int64_t(sizeof(T)), group_bytes);
    groups = std::min(groups, panels);
    while (panels % groups != 0) ++groups;
    pixels = e.n * e.p * e.q;
    tiles = ceil_div(pixels, tile_pixels);
  }
  /// Tiles have 5 or 6 pixels: a last one with fewer would take as long as a whole one.
  int64_t first_pixel(int64_t tile) const { return pixels * tile / tiles; }
};

/// The pixels of x that the windows' first taps see; perhaps outside.
struct Places {
  int64_t row[tile_pixels], column[tile_pixels], offset[tile_pixels];
  bool columns_inside = true;  ///< all columns of all windows are

  Places(const Conv2dExtents& e, const Conv2dShape& k, int64_t first, int pixels) {
    for (int i = 0; i < pixels; ++i) {
      const int64_t image_row = (first + i) / e.q, n = image_row / e.p;
      row[i] = place_seen(image_row % e.p, 0, k.stride_h, 0, k.pad_top);
      column[i] = place_seen((first + i) % e.q, 0, k.stride_w, 0, k.pad_left);
      offset[i] = ((n * e.h + row[i]) * e.w + column[i]) * e.c;
      columns_inside &= column[i] >= 0 && column[i] + (e.s - 1) * k.dilation_w < e.w;
    }
  }
};

/// The runs of a tile, one a tap, or one a row of the window where its taps are neighbours in
/// memory and none is padding. What all pixels see as padding is left out. Returns how many there
/// are.
template <class T>
int find_runs(Run<T>* runs, const Work<T>& work, const T* zeros, int64_t first, int pixels) {
  const Conv2dExtents& e = work.e;
  const Places places(e, work.k, first, pixels);
  const bool whole = places.columns_inside && work.k.dilation_w == 1;
  int count = 0;
  for (int64_t r = 0; r < e.r; ++r)
    for (int64_t s = 0; s < (whole ? 1 : e.s); ++s) {
      const int64_t down = r * work.k.dilation_h, right = s * work.k.dilation_w;
      Run<T>& run = runs[count];
      bool any = false;
      for (int i = 0; i < pixels; ++i) {
        const bool in = inside(places.row[i] + down, e.h) && inside(places.column[i] + right, e.w);
        run.pixels[i] = in ? work.x + places.offset[i] + (down * e.w + right) * e.c : zeros;
        any |= in;
      }
      run.row = (r * e.s + s) * e.c;
      run.terms = whole ? e.s * e.c : e.c;
      count += any;
    }
  return count;
}

/// What is to be fetched into the second-level cache while a tile is multiplied, by each run.
template <class T>
struct Ahead {
  const T* at;
  int64_t lines;
};

/// Where a tile's results go, and what is added to them.
template <class T>
struct Results {
  T* y;
  const T *bias, *residual;
  int64_t step;
  int valid;  ///< filters
};

// Their order is their meaning.
// clang-format off
namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/simd_pack.inc"
#include "kernels/conv2d_indirect_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

/// The weight's panels. `turned`: for the input's gradient, whose filters are the weight's
/// channels.
template <class T>
Tensor packed(const Tensor& w, const Work<T>& work, bool turned) {
  const Conv2dExtents& e = work.e;
  const int64_t taps = e.r * e.s;
  Tensor to = Tensor::empty({work.panels * work.rows * lanes<T>}, w.dtype());
  const T* const from = w.data<T>();
  T* const panels = to.data<T>();
  parallel_for(0, work.panels * taps, 1, [&](int64_t unit, int64_t last) {
    for (; unit < last; ++unit) {
      const int64_t o = unit / taps * lanes<T>, tap = unit % taps;
      const T* const corner =
          turned ? from + (taps - 1 - tap) * e.o + o : from + (o * taps + tap) * e.c;
      avx2::pack_panel(panels + unit * e.c * lanes<T>, lanes<T>, corner,
                       taps * (turned ? e.o : e.c), !turned, e.o - o, e.c);
    }
  });
  return to;
}

/// What is kept with a constant weight.
struct KeptPanels {
  std::mutex mutex;
  Tensor panels;
};

template <class T>
Tensor packed_forward(const Tensor& w, const Work<T>& work) {
  auto* const kept = derived_from<KeptPanels>(w);
  if (!kept) return packed(w, work, false);
  const std::lock_guard lock(kept->mutex);
  const OutsidePlan outlives;
  if (!kept->panels) kept->panels = packed(w, work, false);
  return kept->panels;
}

/// Threads share the tiles of all groups, group by group.
template <class T>
void run(const Work<T>& work, Nonlinearity f) {
  with_nonlinearity(f, [&](auto op) {
    parallel_for(0, work.groups * work.tiles, 1, [&](int64_t first, int64_t last) {
      for (int64_t unit = first; unit < last;) {
        const int64_t tile = unit % work.tiles, some = std::min(last - unit, work.tiles - tile);
        avx2::multiply_group(work, op, unit / work.tiles, tile, tile + some);
        unit += some;
      }
    });
  });
}

template <class T>
void forward_typed(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                   const Tensor& residual, Nonlinearity f, const Conv2dShape& k) {
  Work<T> work(conv2d_extents(y, x, w, k), k);
  const Tensor panels = packed_forward(w, work);
  work.y = y.data<T>();
  work.x = x.data<T>();
  work.w = panels.data<T>();
  work.bias = bias ? bias.data<T>() : nullptr;
  work.residual = residual ? residual.data<T>() : nullptr;
  run(work, f);
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  (y.dtype() == DType::f64 ? forward_typed<double> : forward_typed<float>)(y, x, w, bias, residual,
                                                                           f, k);
}

template <class T>
void backward_input_typed(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, dx, w, k);
  k.pad_top = k.dilation_h * (e.r - 1) - k.pad_top;
  k.pad_left = k.dilation_w * (e.s - 1) - k.pad_left;
  Work<T> work({e.n, e.p, e.q, e.o, e.h, e.w, e.c, e.r, e.s, e.groups}, k);
  const Tensor panels = packed(w, work, true);
  work.y = dx.data<T>();
  work.x = dy.data<T>();
  work.w = panels.data<T>();
  work.bias = work.residual = nullptr;
  run(work, Nonlinearity::none);
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  (dx.dtype() == DType::f64 ? backward_input_typed<double> : backward_input_typed<float>)(dx, dy, w,
                                                                                          k);
}

Fit fits(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
  if (!has_avx2() || (y.dtype() != DType::f32 && y.dtype() != DType::f64))
    return "needs AVX2, and f32 or f64";
  if (y.dtype() == DType::f32 && has_avx512()) return "needs f64, or a processor without AVX-512";
  if (k.groups != 1 || w.dim(0) < 32 || w.dim(3) < 32)
    return "needs one group, 32 filters and 32 channels: with fewer oneDNN is faster";
  if (w.dim(1) * w.dim(2) == 1) return "needs a window of more than one pixel: others are products";
  return y.numel() > 0 && x.numel() > 0 ? Fit() : "needs at least one element everywhere";
}
Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor&, const Tensor&,
                 Nonlinearity, Conv2dShape k) {
  return fits(y, x, w, k);
}
Fit fits_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  if (dx.dtype() == DType::f32)
    return "needs f64: in f32, with a weight to pack, oneDNN is as fast";
  if (k.stride_h != 1 || k.stride_w != 1) return "needs stride 1";
  return fits(dx, dy, w, k);
}

}  // namespace

REGISTER_KERNELS(conv2d_forward, cpu, special, {"indirect_avx2", forward, fits_forward});
REGISTER_KERNELS(conv2d_backward_input, cpu, special,
                 {"indirect_avx2", backward_input, fits_input});

}  // namespace lathe::kernels
#endif
