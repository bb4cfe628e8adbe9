// The activations that a kernel applies to its result in the same pass: what follows a convolution
// or a batch norm in the models of this field. Values and slopes are those of kernels/unary_ops.h.
#pragma once

#include <cstdint>

#include "kernels/unary_ops.h"

namespace lathe::kernels {

enum class Nonlinearity : uint8_t { none, relu, relu6, silu };

/// f(x) = x.
struct Identity {
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return x;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T) const {
    return T(1);
  }
};

/// Calls use(op) with the struct of f.
template <class Use>
auto with_nonlinearity(Nonlinearity f, const Use& use) {
  switch (f) {
    case Nonlinearity::relu:
      return use(Relu{});
    case Nonlinearity::relu6:
      return use(Relu6{});
    case Nonlinearity::silu:
      return use(Silu{});
    case Nonlinearity::none:
      break;
  }
  return use(Identity{});
}

}  // namespace lathe::kernels
