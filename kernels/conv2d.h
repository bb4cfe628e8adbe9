// Convolution of images as three kernels: the result, and the gradients of the input and of the
// weight (with the bias). Layers' paddings, TensorFlow's `same` included, arrive here as four
// numbers. Formula, as in PyTorch a correlation:
//   y[n, p, q, o] = f(sum over r, s, c of x[n, p u + r d - top, q v + s e - left, c] w[o, r, s, c]
//                     + bias[o] + residual[n, p, q, o])
// with strides u and v, dilations d and e, zeros outside of x; with groups, output channels o of
// group g see only the input channels c of group g.
#pragma once

#include "kernels/nonlinearity.h"
#include "tensor/kernel.h"

namespace lathe::kernels {

struct Conv2dShape {
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
  friend bool operator==(const Conv2dShape&, const Conv2dShape&) = default;
};

/// x (N, H, W, C), w (O, R, S, C / groups), bias (O,) or absent, residual shaped as y or absent;
/// y (N, P, Q, O). One floating type for all; 16-bit types sum in f32. y may be residual, and
/// shares no memory with the others.
DECLARE_KERNEL(conv2d_forward, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
               const Tensor& residual, Nonlinearity f, Conv2dShape shape);

/// dx shaped as x, from dy shaped as y: the gradient of the sum alone, so f = none.
DECLARE_KERNEL(conv2d_backward_input, Tensor& dx, const Tensor& dy, const Tensor& w,
               Conv2dShape shape);

/// dw shaped as w, and dbias (O,) unless absent. Sums are added in a fixed order.
DECLARE_KERNEL(conv2d_backward_weight, Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
               Conv2dShape shape);

/// All extents of a convolution, by the names of the formula; c and o are those of a group.
struct Conv2dExtents {
  int64_t n, h, w, c, p, q, o, r, s, groups;
  int64_t channels() const { return c * groups; }
  int64_t filters() const { return o * groups; }
  double multiplications() const;
};

/// The extents; throws Error(usage) unless shapes and types fit as above. For rows and their
/// `fits`.
Conv2dExtents conv2d_extents(const Tensor& y, const Tensor& x, const Tensor& w,
                             const Conv2dShape& shape);

/// Extent of the result along one dimension: floor((in + padding - dilation (window - 1) - 1) /
/// stride) + 1, which is below 1 when the window does not fit.
int64_t conv2d_output(int64_t in, int64_t window, int64_t padding, int64_t stride,
                      int64_t dilation);

}  // namespace lathe::kernels
