// Max pooling of images (N, H, W, C). The poolings that are sums are kernels/resample2d.h.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

struct Pool2dShape {
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
};

/// y[n, p, q, c] = the largest x[n, p u + r - pad_h, q v + s - pad_w, c] over the places (r, s) of
/// a window that lie in the image, with strides u and v; a NaN is larger than all numbers. index,
/// unless absent, gets r kernel_w + s of that place: the first of the largest, but the last NaN, as
/// PyTorch has it. A byte holds it, an eighth of the place in the image that others keep: index is
/// shaped as y, of u8, or i32 where a window has more than 256 places.
DECLARE_KERNEL(max_pool2d_forward, Tensor& y, Tensor& index, const Tensor& x, Pool2dShape shape);

/// dx[n, h, w, c] = the sum of dy over those windows whose index names (h, w), in row-major order.
DECLARE_KERNEL(max_pool2d_backward, Tensor& dx, const Tensor& dy, const Tensor& index,
               Pool2dShape shape);

/// The type of a window's index.
inline DType pool_index_type(const Pool2dShape& shape) {
  return shape.kernel_h * shape.kernel_w <= 256 ? DType::u8 : DType::i32;
}

/// Windows along one dimension, cut at the borders.
struct WindowAxis {
  int in = 0, out = 0, kernel = 1, stride = 1, pad = 0;

  HOST_DEVICE int start(int p) const { return p * stride - pad; }  ///< may lie before the border
  HOST_DEVICE int begin(int p) const { return start(p) > 0 ? start(p) : 0; }
  HOST_DEVICE int end(int p) const { return start(p) + kernel < in ? start(p) + kernel : in; }
  /// The windows that hold element h are first_of(h) to end_of(h), exclusive.
  HOST_DEVICE int first_of(int h) const {
    const int before = h + pad - kernel;
    return before < 0 ? 0 : before / stride + 1;
  }
  HOST_DEVICE int end_of(int h) const {
    const int last = (h + pad) / stride + 1;
    return last < out ? last : out;
  }
};

/// The extents of a call; x and y may be their gradients or the index.
struct PoolExtents {
  WindowAxis rows, columns;
  int64_t n, c;
};
PoolExtents pool_extents(const Tensor& y, const Tensor& x, const Pool2dShape& shape);

/// Calls f.template operator()<Index>() with the type of the index.
template <class F>
void dispatch_index(const Pool2dShape& shape, const F& f) {
  pool_index_type(shape) == DType::u8 ? f.template operator()<uint8_t>()
                                      : f.template operator()<int32_t>();
}

}  // namespace lathe::kernels
