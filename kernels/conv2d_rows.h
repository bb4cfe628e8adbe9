// What the rows of convolution on the CPU share.
#pragma once

#include "kernels/conv2d.h"
#include "tensor/parallel.h"

namespace lathe::kernels {

/// Input row (or column) seen by tap r of output p; outside [0, extent) it is padding.
inline int64_t place_seen(int64_t p, int64_t r, int64_t stride, int64_t dilation, int64_t padding) {
  return p * stride + r * dilation - padding;
}
inline bool inside(int64_t i, int64_t extent) { return i >= 0 && i < extent; }

/// Output row (or column) that sees input row `in` through tap r, or -1.
inline int64_t place_seeing(int64_t in, int64_t r, int64_t stride, int64_t dilation,
                            int64_t padding, int64_t extent) {
  const int64_t at = in + padding - r * dilation;
  return at >= 0 && at % stride == 0 && at / stride < extent ? at / stride : -1;
}

/// y = f(y + residual), in one pass; nothing where neither changes y.
template <class T>
void add_and_apply(Tensor& y, const Tensor& residual, Nonlinearity f) {
  if (!residual && f == Nonlinearity::none) return;
  using Acc = acc_t<T>;
  T* const out = y.data<T>();
  const T* const added = residual ? residual.data<T>() : nullptr;
  with_nonlinearity(f, [&](auto op) {
    parallel_for(0, y.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      if (added)
        for (int64_t i = begin; i < end; ++i) out[i] = T(op.value(Acc(out[i]) + Acc(added[i])));
      else
        for (int64_t i = begin; i < end; ++i) out[i] = T(op.value(Acc(out[i])));
    });
  });
}

/// The residual as it was before y is written: a copy where the two are one.
inline Tensor kept_residual(const Tensor& y, const Tensor& residual) {
  return residual && residual.raw() == y.raw() ? residual.clone() : residual;
}

}  // namespace lathe::kernels
