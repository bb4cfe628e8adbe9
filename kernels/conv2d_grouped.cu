// Convolutions in groups of few channels, depthwise ones among them (conv2d_direct.cu has the
// ladder): products that would fill a sixteenth of a 64 x 64 tile. A block takes 8 x 8 positions
// and 32 neighbouring filters, a lane each; the patch of the image that they see, of 32 channels or
// a multiple of them, and the filters are brought to shared memory once.
//   forward, backward_input  a warp a row of positions, 8 sums a thread; where a group has whole
//                            vectors of channels, lanes of a group read the same 16 bytes
//   backward_weight          a warp a row of positions and 16 taps, one sum each, over a part of
//                            the image's patches; the 8 warps' sums meet in shared memory, and the parts
//                            are added by a second launch, all in fixed order
// Sources: Zhang et al., "High Performance Depthwise and Pointwise Convolutions on Mobile Devices",
// arXiv:2001.02504, for why these are bound by memory; the phases of a stride are those of
// conv2d.cuh.
#include "kernels/conv2d_grouped.cuh"

namespace lathe::kernels {
namespace {

/// Filters as forward and backward_input read them: of lane `out` of a group, tap and channel `in`.
template <class T>
struct GroupedFilters {
  const T* w;
  int group, out, in, tap_h, tap_w;  // elements from one to the next
};

template <class T, class Result, int width>
__global__ void __launch_bounds__(lanes* warps, 1)
    grouped(GroupedWindow<T> s, GroupedFilters<T> filters, Result result) {
  using Acc = acc_t<T>;
  const int lane = int(threadIdx.x), warp = int(threadIdx.y);
  const int filter0 = int(blockIdx.y) * lanes, filter = filter0 + lane;
  const int taps = s.taps_h * s.taps_w;
  Acc* const image = dynamic_shared<Acc>();
  Acc* const weights = image + s.patch_size();
  const Patch patch = patch_at(s, int(blockIdx.x));
  load_patch(image, s, patch, filter0 / s.outs * s.ins);
  const T* const mine = filters.w + filter / s.outs * filters.group + filter % s.outs * filters.out;
  for (int e = warp; e < taps * s.ins; e += warps) {
    const int tap = e / s.ins, at = tap / s.taps_w * filters.tap_h +
                                    tap % s.taps_w * filters.tap_w + e % s.ins * filters.in;
    weights[e * lanes + lane] = filter < s.filters ? Acc(mine[at]) : Acc(0);
  }
  __syncthreads();
  Acc sums[side] = {};
  const int step = s.image.horizontal.stride * s.patch_c;
  const Acc* const row =
      image + warp * s.image.vertical.stride * s.patch_w * s.patch_c + lane / s.outs * s.ins;
  for (int tap = 0; tap < taps; ++tap) {
    const Acc* const seen = row + meeting(s, tap / s.taps_w, tap % s.taps_w);
    for (int c = 0; c < s.ins; c += width) {
      Acc w[width];
      UNROLL
      for (int q = 0; q < width; ++q) w[q] = weights[((tap * s.ins) + c + q) * lanes + lane];
      UNROLL
      for (int j = 0; j < side; ++j) {
        const auto x = load_vector<width>(seen + j * step + c);
        UNROLL
        for (int q = 0; q < width; ++q) sums[j] += x[q] * w[q];
      }
    }
  }
  const int i = patch.i0 + warp;
  if (i >= s.positions_h || filter >= s.filters) return;
  UNROLL
  for (int j = 0; j < side; ++j) {
    const Acc sum[1] = {sums[j]};
    if (patch.j0 + j < s.positions_w)
      result.store((patch.image * s.positions_h + i) * s.positions_w + patch.j0 + j, filter, sum);
  }
}

template <class T, class Result>
void launch_grouped(const GroupedWindow<T>& s, const GroupedFilters<T>& filters,
                    const Result& result) {
  using Acc = acc_t<T>;
  constexpr int width = 16 / sizeof(Acc);
  const size_t shared = sizeof(Acc) * size_t(s.patch_size() + s.taps_h * s.taps_w * s.ins * lanes);
  const auto kernel = s.ins % width == 0 ? grouped<T, Result, width> : grouped<T, Result, 1>;
  launch(kernel,
         dim3(unsigned(s.images * s.patches_h() * s.patches_w()),
              unsigned(ceil_div(s.filters, lanes))),
         dim3(lanes, warps), shared, s, filters, result);
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(y, x, w, k);
  dispatch_floating("conv2d_forward", y.dtype(), [&]<class T>() {
    const auto p = forward_product<T>(y, x, w, bias, residual, f, k);
    const int c = int(e.c), o = int(e.o), filter = int(e.r * e.s * e.c);
    launch_grouped(grouped_window(p.a.matrix, int(e.n), int(e.p), int(e.q), int(e.r), int(e.s), c,
                                  o, int(e.filters())),
                   GroupedFilters<T>{w.data<T>(), o * filter, filter, 1, int(e.s * e.c), c},
                   p.result);
  });
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, dx, w, k);
  dispatch_floating("conv2d_backward_input", dx.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < std::min(k.stride_h, e.h); ++i)
      for (int64_t j = 0; j < std::min(k.stride_w, e.w); ++j) {
        const auto p = input_product<T>(dx, dy, w, e, k, i, j);
        const Phase v = phase_of(i, e.h, e.r, k.stride_h, k.dilation_h, k.pad_top),
                    h = phase_of(j, e.w, e.s, k.stride_w, k.dilation_w, k.pad_left);
        const auto& b = p.b.matrix;
        launch_grouped(
            grouped_window(p.a.matrix, int(e.n), int(v.pixels), int(h.pixels), int(v.taps),
                           int(h.taps), int(e.o), int(e.c), int(e.channels())),
            GroupedFilters<T>{b.elements, b.group_step, 1, b.filter, b.step_h, b.step_w}, p.result);
      }
  });
}

Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor&, const Tensor&,
                 Nonlinearity, Conv2dShape k) {
  return fits_grouped(y, x, w, k);
}
Fit fits_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  return fits_grouped(dy, dx, w, k);
}

}  // namespace

Fit fits_grouped(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
  const int64_t c = w.dim(3), o = w.dim(0) / k.groups;
  if (k.groups == 1) return "needs more than one group";
  if (c == 0 || c > 16 || lanes % c != 0 || o > 16 || lanes % o != 0)
    return "needs groups of 1, 2, 4, 8 or 16 channels, and as many filters";
  if (y.numel() == 0 || x.numel() == 0) return "needs at least one pixel";
  const int64_t height = (side - 1) * k.stride_h + (w.dim(1) - 1) * k.dilation_h + 1,
                width = (side - 1) * k.stride_w + (w.dim(2) - 1) * k.dilation_w + 1;
  const int64_t elements = height * width * lanes * std::max(c, o) / std::min(c, o) +
                           w.dim(1) * w.dim(2) * std::max(c, o) * lanes;
  if (elements * (y.dtype() == DType::f64 ? 8 : 4) > 96 * 1024)
    return "needs a window whose patch fits into 96 KB of shared memory";
  return fits_indices(y, x, w, k);
}

ConvRows grouped_rows() {
  return {{"grouped", forward, fits_forward},
          {"grouped", backward_input, fits_backward_input},
          {"grouped", grouped_backward_weight, fits_grouped_backward_weight}};
}

}  // namespace lathe::kernels
