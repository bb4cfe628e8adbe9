// Convolution on the GPU: the floor of the ladder, and what the rungs above it have in common.
//   y[n, p, q, o] = f(sum over r, s, c of x[n, p u + r d - top, q v + s e - left, c] w[o, r, s, c]
//                     + bias[o] + residual[n, p, q, o]),  images (N, H, W, C), filters (O, R, S, C)
// Sources: Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014; NVIDIA, CUTLASS,
// "Implicit GEMM Convolution". The ladder, for the result and for both gradients:
//   direct          a thread an element, any shape. Each reads all that it needs from memory
//   implicit_gemm   a product of matrices that are never stored (conv2d.cuh); 16 x 16 tiles in
//                   shared memory: a sixteenth of the traffic (conv2d_implicit_gemm.cu)
//   register_tiles  64 x 64 tiles, 4 x 4 elements a thread: four times fewer reads of shared memory
//                   (conv2d_register_tiles.cu)
//   pipelined       f32 and f64: 8 x 8 elements a thread, accesses of 16 bytes, positions taken
//                   apart once a thread, the next tile under way meanwhile (conv2d_pipelined.cu)
//   tensor_core     bf16 and f16 by mma.sync, tiles brought by cp.async (conv2d_tensor_core.cu)
//   grouped         groups of few channels, depthwise among them, which fill no tile of a product:
//                   a patch of the image in shared memory (conv2d_grouped.cu)
//   pointwise       1 x 1 windows: the rows of the matrix product, no index arithmetic at all
//                   (conv2d_pointwise.cu)
// The weight's gradient sums over all positions of all images. Where its elements are too few for
// the device, the sum is cut into parts, and a second launch adds these in order.
#include "kernels/conv2d_results.cuh"
#include "kernels/conv2d_rungs.h"
#include "kernels/map.cuh"
#include "kernels/reduce.h"

namespace lathe::kernels {
namespace {

/// A convolution as a kernel takes it.
struct Window {
  Conv2dExtents e;
  Conv2dShape k;
  __device__ int64_t row(int64_t p, int64_t r) const {
    return p * k.stride_h + r * k.dilation_h - k.pad_top;
  }
  __device__ int64_t column(int64_t q, int64_t s) const {
    return q * k.stride_w + s * k.dilation_w - k.pad_left;
  }
};

template <class T>
__global__ void forward_direct(Window t, T* y, const T* x, const T* w, const T* bias,
                               const T* residual, Nonlinearity f) {
  const Conv2dExtents& e = t.e;
  const int64_t i = int64_t(first_element()), filters = e.o * e.groups, channels = e.c * e.groups;
  if (i >= e.n * e.p * e.q * filters) return;
  const int64_t o = i % filters, q = i / filters % e.q, p = i / filters / e.q % e.p,
                n = i / filters / e.q / e.p;
  acc_t<T> sum = 0;
  for (int64_t r = 0; r < e.r; ++r)
    for (int64_t s = 0; s < e.s; ++s) {
      const int64_t h = t.row(p, r), v = t.column(q, s);
      if (h < 0 || h >= e.h || v < 0 || v >= e.w) continue;
      const T* const pixel = x + ((n * e.h + h) * e.w + v) * channels + o / e.o * e.c;
      const T* const tap = w + ((o * e.r + r) * e.s + s) * e.c;
      for (int64_t c = 0; c < e.c; ++c) sum += acc_t<T>(pixel[c]) * acc_t<T>(tap[c]);
    }
  if (bias) sum += acc_t<T>(bias[o]);
  if (residual) sum += acc_t<T>(residual[i]);
  y[i] = T(nonlinear(f, sum));
}

template <class T>
__global__ void backward_input_direct(Window t, T* dx, const T* dy, const T* w) {
  const Conv2dExtents& e = t.e;
  const int64_t i = int64_t(first_element()), filters = e.o * e.groups, channels = e.c * e.groups;
  if (i >= e.n * e.h * e.w * channels) return;
  const int64_t c = i % channels, v = i / channels % e.w, h = i / channels / e.w % e.h,
                n = i / channels / e.w / e.h, o0 = c / e.c * e.o;
  acc_t<T> sum = 0;
  for (int64_t r = 0; r < e.r; ++r)
    for (int64_t s = 0; s < e.s; ++s) {
      const int64_t up = h + t.k.pad_top - r * t.k.dilation_h,
                    across = v + t.k.pad_left - s * t.k.dilation_w;
      if (up < 0 || up % t.k.stride_h || across < 0 || across % t.k.stride_w) continue;
      const int64_t p = up / t.k.stride_h, q = across / t.k.stride_w;
      if (p >= e.p || q >= e.q) continue;
      const T* const grad = dy + ((n * e.p + p) * e.q + q) * filters;
      for (int64_t o = o0; o < o0 + e.o; ++o)
        sum += acc_t<T>(grad[o]) * acc_t<T>(w[((o * e.r + r) * e.s + s) * e.c + c % e.c]);
    }
  dx[i] = T(sum);
}

/// Thread i: an element of dw, block y: a part of the positions.
template <class T>
__global__ void backward_weight_direct(Window t, acc_t<T>* parts, const T* dy, const T* x,
                                       int64_t part_terms) {
  const Conv2dExtents& e = t.e;
  const int64_t i = int64_t(first_element()), filters = e.o * e.groups, channels = e.c * e.groups,
                size = filters * e.r * e.s * e.c;
  if (i >= size) return;
  const int64_t c = i % e.c, s = i / e.c % e.s, r = i / e.c / e.s % e.r, o = i / e.c / e.s / e.r;
  const int64_t begin = blockIdx.y * part_terms, end = min(e.n * e.p * e.q, begin + part_terms);
  acc_t<T> sum = 0;
  for (int64_t m = begin; m < end; ++m) {
    const int64_t q = m % e.q, p = m / e.q % e.p, n = m / e.q / e.p;
    const int64_t h = t.row(p, r), v = t.column(q, s);
    if (h < 0 || h >= e.h || v < 0 || v >= e.w) continue;
    sum += acc_t<T>(dy[m * filters + o]) *
           acc_t<T>(x[((n * e.h + h) * e.w + v) * channels + o / e.o * e.c + c]);
  }
  parts[blockIdx.y * size + i] = sum;
}

constexpr int threads = 256;

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(y, x, w, k);
  if (y.numel() == 0) return;
  dispatch_floating("conv2d_forward", y.dtype(), [&]<class T>() {
    launch(forward_direct<T>, ceil_div(y.numel(), threads), threads, 0, Window{e, k}, y.data<T>(),
           x.data<T>(), w.data<T>(), bias ? bias.data<T>() : nullptr,
           residual ? residual.data<T>() : nullptr, f);
  });
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, dx, w, k);
  if (dx.numel() == 0) return;
  dispatch_floating("conv2d_backward_input", dx.dtype(), [&]<class T>() {
    launch(backward_input_direct<T>, ceil_div(dx.numel(), threads), threads, 0, Window{e, k},
           dx.data<T>(), dy.data<T>(), w.data<T>());
  });
}

void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, x, dw, k);
  bias_gradient(dbias, dy);
  if (dw.numel() == 0) return;
  const int64_t blocks = ceil_div(dw.numel(), threads);
  const auto [count, terms] = cut_terms(e.n * e.p * e.q, blocks);
  dispatch_floating(
      "conv2d_backward_weight", dw.dtype(), [&, count = count, terms = terms]<class T>() {
        using Acc = acc_t<T>;
        const Tensor parts = Tensor::empty({count, dw.numel()}, dtype_of<Acc>, dw.device());
        launch(backward_weight_direct<T>, dim3(Grid(blocks).blocks.x, unsigned(count)), threads, 0,
               Window{e, k}, parts.data<Acc>(), dy.data<T>(), x.data<T>(), terms);
        add_parts(dw, parts);
      });
}

template <class T>
__global__ void add_parts_element(int64_t size, int64_t count, T* dw, const acc_t<T>* parts) {
  const int64_t i = int64_t(first_element());
  if (i >= size) return;
  acc_t<T> sum = 0;
  for (int64_t part = 0; part < count; ++part) sum += parts[part * size + i];
  dw[i] = T(sum);
}

}  // namespace

void add_parts(Tensor& dw, const Tensor& parts) {
  dispatch_floating("conv2d_backward_weight", dw.dtype(), [&]<class T>() {
    launch(add_parts_element<T>, ceil_div(dw.numel(), threads), threads, 0, dw.numel(),
           parts.dim(0), dw.data<T>(), static_cast<const acc_t<T>*>(parts.data<acc_t<T>>()));
  });
}

void bias_gradient(Tensor& dbias, const Tensor& dy) {
  if (dbias) sum_rows(dbias, dy);
}

Cut cut_terms(int64_t terms, int64_t tiles) {
  constexpr int64_t enough_blocks = 512, least_terms = 128;
  const int64_t wanted = std::max<int64_t>(1, enough_blocks / tiles);
  const int64_t part = std::max(least_terms, ceil_div(ceil_div(terms, wanted), 32) * 32);
  return {std::max<int64_t>(1, ceil_div(terms, part)), part};
}

Phase phase_of(int64_t i, int64_t extent, int64_t window, int64_t stride, int64_t dilation,
               int64_t padding) {
  Phase phase;
  phase.pixels = ceil_div(extent - i, stride);
  int64_t tap = 0;
  while (tap < window && (i + padding - tap * dilation) % stride != 0) ++tap;
  if (tap == window) return phase;  // none: these pixels are seen by no position
  phase.first_tap = tap;
  while (phase.tap_step * dilation % stride != 0) ++phase.tap_step;
  phase.taps = ceil_div(window - tap, phase.tap_step);
  phase.offset = (i + padding - tap * dilation) / stride;
  phase.step = -phase.tap_step * dilation / stride;
  return phase;
}

Fit fits_indices(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
  if (k.groups > 65535) return "needs at most 65535 groups";
  const int64_t most = std::max({y.numel(), x.numel(), w.numel()});
  return most < INT32_MAX ? Fit() : "needs tensors of fewer than 2147483647 elements";
}

Fit fits_conv_vectors(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
  const int64_t width = 16 / size_of(x.dtype());
  if (w.dim(3) % width != 0 || w.dim(0) / k.groups % width != 0)
    return "needs channels and filters of a group in whole vectors of 16 bytes";
  for (const Tensor* t : {&y, &x, &w})
    if (reinterpret_cast<uintptr_t>(t->raw()) % 16 != 0)
      return "needs arrays that begin at multiples of 16 bytes";
  return fits_indices(y, x, w, k);
}

// Best first.
[[maybe_unused]] static const bool registered = [] {
  const ConvRows direct = {
      {"direct", forward}, {"direct", backward_input}, {"direct", backward_weight}};
  for (const ConvRows& rung :
       {pointwise_rows(), grouped_rows(), tensor_core_rows(), pipelined_rows(),
        register_tiles_rows(), implicit_gemm_rows(), direct}) {
    conv2d_forward.add(Device::cuda, Rank::tuned, {rung.forward});
    conv2d_backward_input.add(Device::cuda, Rank::tuned, {rung.backward_input});
    conv2d_backward_weight.add(Device::cuda, Rank::tuned, {rung.backward_weight});
  }
  return true;
}();

}  // namespace lathe::kernels
