// Elementwise kernels over the ops of kernels/unary_ops.h, and the binary ops: value(a, b) and the
// derivatives slope_a and slope_b.
#pragma once

#include "kernels/unary_ops.h"
#include "tensor/kernel.h"

namespace lathe::kernels {

struct Add {
  static constexpr const char* name = "add";
  template <class T>
  INLINE_HOST_DEVICE T value(T a, T b) const {
    return a + b;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope_b(T, T) const {
    return T(1);
  }
};

struct Sub {
  static constexpr const char* name = "sub";
  template <class T>
  INLINE_HOST_DEVICE T value(T a, T b) const {
    return a - b;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope_b(T, T) const {
    return T(-1);
  }
};

struct Mul {
  static constexpr const char* name = "mul";
  template <class T>
  INLINE_HOST_DEVICE T value(T a, T b) const {
    return a * b;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope_a(T, T b) const {
    return b;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope_b(T a, T) const {
    return a;
  }
};

struct Div {
  static constexpr const char* name = "div";
  template <class T>
  INLINE_HOST_DEVICE T value(T a, T b) const {
    return a / b;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope_a(T, T b) const {
    return 1 / b;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope_b(T a, T b) const {
    return -(a / b) / b;  // b * b would leave the range before the result does
  }
};

using BinaryOps = OpList<Add, Sub, Mul, Div>;
/// Those whose slopes depend on the operands.
using ProductOps = OpList<Mul, Div>;

/// y = op.value(x). All tensors of one shape and floating type; y may be x.
template <class Op>
inline constinit Kernel<void(Tensor& y, const Tensor& x, Op op)> unary_forward{Op::name,
                                                                               "_forward"};
/// dx = dy op.slope(saved); saved is x or y, as Op::saved says.
template <class Op>
inline constinit Kernel<void(Tensor& dx, const Tensor& dy, const Tensor& saved, Op op)>
    unary_backward{Op::name, "_backward"};

/// y = op.value(a, b), b repeated over the leading dimensions of a: b's shape equals a's trailing
/// dimensions. The same conditions hold below.
template <class Op>
inline constinit Kernel<void(Tensor& y, const Tensor& a, const Tensor& b, Op op)> binary_forward{
    Op::name, "_forward"};
/// da = dy op.slope_a(a, b); only for ProductOps, since a sum passes dy on.
template <class Op>
inline constinit Kernel<void(Tensor& da, const Tensor& dy, const Tensor& a, const Tensor& b, Op op)>
    binary_backward_a{Op::name, "_backward_a"};
/// db = the sum of dy op.slope_b(a, b) over the rows that share an element of b, always in the same
/// order.
template <class Op>
inline constinit Kernel<void(Tensor& db, const Tensor& dy, const Tensor& a, const Tensor& b, Op op)>
    binary_backward_b{Op::name, "_backward_b"};

}  // namespace lathe::kernels
