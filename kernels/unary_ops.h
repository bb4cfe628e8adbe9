// Unary elementwise ops: one struct each, which drives the CPU's loops, the device's kernels, all
// float types, the gradient, the tests and the benchmarks. value(x) is the op; slope(s) its
// derivative from the one tensor that is kept for the gradient: the output where that is enough
// (nothing else need stay alive), else the input. Parameters are members. T is float or double;
// 16-bit types are computed in float. To add an op, write its struct and name it in UnaryOps.
#pragma once

#include "kernels/math.h"

namespace lathe::kernels {

/// A list of ops, for registering and testing all of them.
template <class... Ops>
struct OpList {};

enum class Saved : uint8_t { input, output };

/// max(x, 0); NaN stays NaN.
struct Relu {
  static constexpr const char* name = "relu";
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return x < 0 ? T(0) : x;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T y) const {
    return y <= 0 ? T(0) : T(1);  // NaN passes the gradient on, as in PyTorch
  }
};

/// min(max(x, 0), 6); NaN stays NaN and passes the gradient on.
struct Relu6 {
  static constexpr const char* name = "relu6";
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    const T above = x < 0 ? T(0) : x;
    return above > 6 ? T(6) : above;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T y) const {
    const T inside = y <= 0 ? T(0) : T(1);
    return y >= 6 ? T(0) : inside;
  }
};

/// x where positive, else negative_slope x.
struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr Saved saved = Saved::input;
  double negative_slope = 0.01;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return x * slope(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    const T below = T(negative_slope);  // apart, or GCC makes a branch of it
    return x > 0 ? T(1) : below;
  }
};

/// 1 / (1 + e^-x).
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::sigmoid(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T y) const {
    return y * (1 - y);
  }
};

struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::tanh(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T y) const {
    return math::fma(-y, y, T(1));
  }
};

/// x sigmoid(x) (Elfwing et al., arXiv:1702.03118).
struct Silu {
  static constexpr const char* name = "silu";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return x / (1 + math::exp(-x));
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    const T s = math::sigmoid(x);
    return s * math::fma(x, 1 - s, T(1));
  }
};

/// min(max(x + 3, 0), 6) / 6: a sigmoid of straight lines (Howard et al., arXiv:1905.02244).
struct Hardsigmoid {
  static constexpr const char* name = "hardsigmoid";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return Relu6{}.value(x + 3) / 6;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    const T below = x < 3 ? T(1) / 6 : T(0);
    return x > -3 ? below : T(0);  // 0 for NaN, as in PyTorch
  }
};

/// x hardsigmoid(x), from the same paper.
struct Hardswish {
  static constexpr const char* name = "hardswish";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return x * Relu6{}.value(x + 3) / 6;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    const T middle = x / 3 + T(0.5), right = x < 3 ? middle : T(1);
    return x <= -3 ? T(0) : right;
  }
};

/// x times the normal distribution's cumulative function (Hendrycks and Gimpel, arXiv:1606.08415).
struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return T(0.5) * x * (1 + math::erf(x * T(0.70710678118654752)));
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    const T cumulative = T(0.5) * (1 + math::erf(x * T(0.70710678118654752)));
    const T density = T(0.39894228040143268) * math::exp(T(-0.5) * x * x);
    return math::fma(x, density, cumulative);
  }
};

/// The same paper's approximation: x/2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))).
struct GeluTanh {
  static constexpr const char* name = "gelu_tanh";
  static constexpr Saved saved = Saved::input;
  static constexpr double c1 = 0.79788456080286536, c3 = 0.044715 * c1;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    const T t = math::tanh(x * math::fma(T(c3) * x, x, T(c1)));
    return T(0.5) * math::fma(x, t, x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    const T t = math::tanh(x * math::fma(T(c3) * x, x, T(c1)));
    const T inner = math::fma(T(3 * c3) * x, x, T(c1));
    return T(0.5) * math::fma(x * inner, math::fma(-t, t, T(1)), 1 + t);
  }
};

struct Exp {
  static constexpr const char* name = "exp";
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::exp(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T y) const {
    return y;
  }
};

struct Log {
  static constexpr const char* name = "log";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::log(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    return 1 / x;
  }
};

struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr Saved saved = Saved::output;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::sqrt(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T y) const {
    return T(0.5) / y;
  }
};

struct Square {
  static constexpr const char* name = "square";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return x * x;
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    return x + x;
  }
};

/// |x|; the slope at 0 is 0.
struct Abs {
  static constexpr const char* name = "abs";
  static constexpr Saved saved = Saved::input;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::abs(x);
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T x) const {
    return x > 0 ? T(1) : x < 0 ? T(-1) : T(0);
  }
};

/// factor x + term: also negation, and sums and products with a number.
struct Affine {
  static constexpr const char* name = "affine";
  static constexpr Saved saved = Saved::input;
  double factor = 1, term = 0;
  template <class T>
  INLINE_HOST_DEVICE T value(T x) const {
    return math::fma(x, T(factor), T(term));
  }
  template <class T>
  INLINE_HOST_DEVICE T slope(T) const {
    return T(factor);
  }
};

using UnaryOps = OpList<Relu, Relu6, LeakyRelu, Sigmoid, Tanh, Silu, Hardsigmoid, Hardswish, Gelu,
                        GeluTanh, Exp, Log, Sqrt, Square, Abs, Affine>;

}  // namespace lathe::kernels
