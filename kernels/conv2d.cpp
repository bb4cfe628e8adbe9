// Convolution on the CPU, reference rows: plain loops over the formula of kernels/conv2d.h. Each
// element of a result is summed by one thread in one order, so results do not depend on the number
// of threads.
#include <vector>

#include "kernels/conv2d_rows.h"

namespace lathe::kernels {

double Conv2dExtents::multiplications() const {
  return double(n * p * q) * double(filters()) * double(r * s * c);
}

int64_t conv2d_output(int64_t in, int64_t window, int64_t padding, int64_t stride,
                      int64_t dilation) {
  const int64_t room = in + padding - dilation * (window - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

Conv2dExtents conv2d_extents(const Tensor& y, const Tensor& x, const Tensor& w,
                             const Conv2dShape& k) {
  LATHE_CHECK(x.rank() == 4 && w.rank() == 4 && y.rank() == 4,
              "conv2d: expects images (N, H, W, C) and a weight (O, R, S, C / groups), got x ",
              x.shape(), ", weight ", w.shape(), " and y ", y.shape());
  const Conv2dExtents e{
      x.dim(0), x.dim(1), x.dim(2), w.dim(3), y.dim(1), y.dim(2), w.dim(0) / k.groups,
      w.dim(1), w.dim(2), k.groups};
  LATHE_CHECK(x.dim(3) == e.channels() && w.dim(0) == e.filters(), "conv2d: the weight ", w.shape(),
              " in ", k.groups, " groups does not fit x ", x.shape());
  const int64_t p = conv2d_output(e.h, e.r, k.pad_top + k.pad_bottom, k.stride_h, k.dilation_h),
                q = conv2d_output(e.w, e.s, k.pad_left + k.pad_right, k.stride_w, k.dilation_w);
  LATHE_CHECK(y.shape() == Shape({e.n, p, q, e.filters()}), "conv2d: expects y (", e.n, ", ", p,
              ", ", q, ", ", e.filters(), "), got ", y.shape());
  LATHE_CHECK(x.dtype() == y.dtype() && w.dtype() == y.dtype(), "conv2d: expects one type, got y ",
              y.dtype(), ", x ", x.dtype(), " and weight ", w.dtype());
  return e;
}

namespace {

/// Runs f(i) for i in [0, count), where one call takes `work` multiplications.
template <class F>
void for_each(int64_t count, double work, const F& f) {
  const auto grain = int64_t((1 << 14) / std::max(work, 1.0));
  parallel_for(0, count, std::max<int64_t>(1, grain), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

/// The sum of the formula for one output element; x is the image's first element, and w that of
/// the filter.
template <class T>
acc_t<T> correlate(const T* x, const T* w, const Conv2dExtents& e, const Conv2dShape& k, int64_t p,
                   int64_t q, int64_t group) {
  using Acc = acc_t<T>;
  Acc sum = 0;
  for (int64_t r = 0; r < e.r; ++r) {
    const int64_t row = place_seen(p, r, k.stride_h, k.dilation_h, k.pad_top);
    if (!inside(row, e.h)) continue;
    for (int64_t s = 0; s < e.s; ++s) {
      const int64_t column = place_seen(q, s, k.stride_w, k.dilation_w, k.pad_left);
      if (!inside(column, e.w)) continue;
      const T* const pixel = x + (row * e.w + column) * e.channels() + group * e.c;
      const T* const tap = w + (r * e.s + s) * e.c;
      for (int64_t c = 0; c < e.c; ++c) sum += Acc(pixel[c]) * Acc(tap[c]);
    }
  }
  return sum;
}

void forward_reference(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                       const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(y, x, w, k);
  with_nonlinearity(f, [&](auto op) {
    dispatch_floating("conv2d_forward", y.dtype(), [&]<class T>() {
      using Acc = acc_t<T>;
      const int64_t filters = e.filters(), taps = e.r * e.s * e.c;
      for_each(e.n * e.p * e.q, double(filters * taps), [&](int64_t i) {
        const int64_t n = i / (e.p * e.q), p = i / e.q % e.p, q = i % e.q;
        const T* const image = x.data<T>() + n * e.h * e.w * e.channels();
        for (int64_t o = 0; o < filters; ++o) {
          Acc sum = correlate(image, w.data<T>() + o * taps, e, k, p, q, o / e.o);
          if (bias) sum += Acc(bias.data<T>()[o]);
          if (residual) sum += Acc(residual.data<T>()[i * filters + o]);
          y.data<T>()[i * filters + o] = T(op.value(sum));
        }
      });
    });
  });
}

void backward_input_reference(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, dx, w, k);
  dispatch_floating("conv2d_backward_input", dx.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const int64_t channels = e.channels(), filters = e.filters(), taps = e.r * e.s * e.c;
    for_each(e.n * e.h * e.w, double(filters * taps), [&](int64_t i) {
      const int64_t n = i / (e.h * e.w), row = i / e.w % e.h, column = i % e.w;
      std::vector<Acc> sums(size_t(channels), Acc(0));
      for (int64_t r = 0; r < e.r; ++r) {
        const int64_t p = place_seeing(row, r, k.stride_h, k.dilation_h, k.pad_top, e.p);
        for (int64_t s = 0; p >= 0 && s < e.s; ++s) {
          const int64_t q = place_seeing(column, s, k.stride_w, k.dilation_w, k.pad_left, e.q);
          if (q < 0) continue;
          const T* const grads = dy.data<T>() + ((n * e.p + p) * e.q + q) * filters;
          for (int64_t o = 0; o < filters; ++o) {
            const Acc grad = Acc(grads[o]);
            const T* const tap = w.data<T>() + o * taps + (r * e.s + s) * e.c;
            Acc* const sum = sums.data() + o / e.o * e.c;
            for (int64_t c = 0; c < e.c; ++c) sum[c] += grad * Acc(tap[c]);
          }
        }
      }
      for (int64_t c = 0; c < channels; ++c) dx.data<T>()[i * channels + c] = T(sums[size_t(c)]);
    });
  });
}

void backward_weight_reference(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                               Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, x, dw, k);
  dispatch_floating("conv2d_backward_weight", dw.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const int64_t filters = e.filters(), taps = e.r * e.s * e.c, pixels = e.n * e.p * e.q;
    for_each(filters, double(pixels * taps), [&](int64_t o) {
      std::vector<Acc> sums(size_t(taps), Acc(0));
      Acc bias_sum = 0;
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t n = i / (e.p * e.q), p = i / e.q % e.p, q = i % e.q;
        const Acc grad = Acc(dy.data<T>()[i * filters + o]);
        bias_sum += grad;
        for (int64_t r = 0; r < e.r; ++r) {
          const int64_t row = place_seen(p, r, k.stride_h, k.dilation_h, k.pad_top);
          for (int64_t s = 0; inside(row, e.h) && s < e.s; ++s) {
            const int64_t column = place_seen(q, s, k.stride_w, k.dilation_w, k.pad_left);
            if (!inside(column, e.w)) continue;
            const T* const pixel =
                x.data<T>() + ((n * e.h + row) * e.w + column) * e.channels() + o / e.o * e.c;
            Acc* const sum = sums.data() + (r * e.s + s) * e.c;
            for (int64_t c = 0; c < e.c; ++c) sum[c] += grad * Acc(pixel[c]);
          }
        }
      }
      for (int64_t t = 0; t < taps; ++t) dw.data<T>()[o * taps + t] = T(sums[size_t(t)]);
      if (dbias) dbias.data<T>()[o] = T(bias_sum);
    });
  });
}

}  // namespace

REGISTER_KERNELS(conv2d_forward, cpu, reference, {"reference", forward_reference});
REGISTER_KERNELS(conv2d_backward_input, cpu, reference, {"reference", backward_input_reference});
REGISTER_KERNELS(conv2d_backward_weight, cpu, reference, {"reference", backward_weight_reference});

}  // namespace lathe::kernels
