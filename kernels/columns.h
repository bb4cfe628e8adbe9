// Moving blocks of matrices: some columns of one into some of another, and the transposition of
// many. Elements are moved as they are, of any type.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

/// y[r, to + j] = x[r, from + j] for 0 <= j < count, with the last dimension as columns; the other
/// columns of y stay. Concatenation, slices, and the gradients of both.
DECLARE_KERNEL(copy_columns, Tensor& y, int64_t to, const Tensor& x, int64_t from, int64_t count);

/// y[n, b, a] = x[n, a, b]: x (N, A, B), y (N, B, A).
DECLARE_KERNEL(swap_last, Tensor& y, const Tensor& x);

/// Calls f with an unsigned type of the elements' size: what is only moved has no other type.
template <class F>
void dispatch_size(DType dtype, const F& f) {
  switch (size_of(dtype)) {
    case 8:
      return f.template operator()<uint64_t>();
    case 4:
      return f.template operator()<uint32_t>();
    case 2:
      return f.template operator()<uint16_t>();
    default:
      return f.template operator()<uint8_t>();
  }
}

}  // namespace lathe::kernels
