// exp, expm1, log, log1p, tanh, sigmoid and erf for float and double: the same bits on the host, in
// every instruction set, and on the device, and without branches or tables, so that compilers
// vectorise loops over them.
//
// Sameness is got by writing each product that is added to something as an fma: no compiler has
// anything left to contract, and fma, +, *, / are rounded alike everywhere. Polynomials are minimax
// fits (weighted least squares by Lawson's iteration on Chebyshev nodes; tests/goldens/
// fit_math.py). The reductions are the usual ones: x = n ln 2 + r for exp, x = 2^k m for log
// (Muller, "Elementary Functions"). Errors, in units of the result's last place, are in
// tests/kernels/math_test.cpp: at most 2.5 for float and 4 for double. Infinities, NaN and subnormal
// numbers are as in <cmath>.
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/dtype.h"

// Everything is inlined always: rows for AVX compile their callers for an instruction set of their
// own, and no function for it may remain that another file could call.
namespace lathe::math {

INLINE_HOST_DEVICE uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }
INLINE_HOST_DEVICE uint64_t bits_of(double x) { return __builtin_bit_cast(uint64_t, x); }
INLINE_HOST_DEVICE float from_bits(uint32_t bits) { return __builtin_bit_cast(float, bits); }
INLINE_HOST_DEVICE double from_bits(uint64_t bits) { return __builtin_bit_cast(double, bits); }
INLINE_HOST_DEVICE float fma(float a, float b, float c) { return ::fmaf(a, b, c); }
INLINE_HOST_DEVICE double fma(double a, double b, double c) { return ::fma(a, b, c); }
INLINE_HOST_DEVICE float sqrt(float x) { return ::sqrtf(x); }
INLINE_HOST_DEVICE double sqrt(double x) { return ::sqrt(x); }
INLINE_HOST_DEVICE float abs(float x) { return from_bits(bits_of(x) & 0x7fffffffu); }
INLINE_HOST_DEVICE double abs(double x) { return from_bits(bits_of(x) & ~(uint64_t(1) << 63)); }
/// x >= 0 with the sign of s.
INLINE_HOST_DEVICE float with_sign(float x, float s) {
  return from_bits(bits_of(x) | (bits_of(s) & 0x80000000u));
}
INLINE_HOST_DEVICE double with_sign(double x, double s) {
  return from_bits(bits_of(x) | (bits_of(s) & (uint64_t(1) << 63)));
}

/// c0 + c1 x + c2 x² + …, by Horner's rule.
template <class T>
INLINE_HOST_DEVICE T polynomial(T, T c0) {
  return c0;
}
template <class T, class... Rest>
INLINE_HOST_DEVICE T polynomial(T x, T c0, Rest... rest) {
  return fma(polynomial(x, rest...), x, c0);
}

/// What the algorithms need to know about a type.
template <class T>
struct Real;

template <>
struct Real<float> {
  using Bits = uint32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float rounder = 0x1.8p23f;  // adding it leaves the integer part in the low bits
  static constexpr float log2e = 1.44269504f, ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
  static constexpr float exp_low = -104, exp_high = 89;  // beyond: 0 and Inf
  static constexpr Bits sqrt_half = 0x3f3504f3;
  static constexpr float smallest = 0x1p-126f, lift = 0x1p24f;
  static constexpr float lifted = 24;
  static constexpr float erf_end = 4;  // erf is 1 from here

  /// (e^r - 1 - r) / r² for |r| <= ln 2 / 2.
  INLINE_HOST_DEVICE static float exp_tail(float r) {
    return polynomial(r, 0.499999933f, 0.166665203f, 0.0416684461f, 0.00836875835f, 0.00138110354f);
  }
  /// log(1 + f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1, plus k ln 2.
  INLINE_HOST_DEVICE static float log_near_one(float f, float k) {
    const float p =
        polynomial(f, 0.333333126f, -0.250000093f, 0.200021173f, -0.166680026f, 0.142195928f,
                   -0.124055706f, 0.118878558f, -0.116753334f, 0.0674672215f);
    const float f2 = f * f;
    const float small = fma(k, ln2_low, fma(f2, -0.5f, f * f2 * p));
    return fma(k, ln2_high, f + small);
  }
  /// erf(x) / x for x² = z <= 1.
  INLINE_HOST_DEVICE static float erf_small(float z) {
    return polynomial(z, 1.12837917f, -0.376126258f, 0.112835853f, -0.0268538181f, 0.00518833995f,
                      -0.000801030554f, 7.85424237e-05f);
  }
  /// log(1 - erf(x)) for 1 <= x <= erf_end.
  INLINE_HOST_DEVICE static float log_erfc(float x) {
    return polynomial(x - 2.5f, -7.8068153f, -5.35268059f, -0.943891796f, -0.0108535632f,
                      0.00216621946f, -0.000431290812f, 6.16163037e-05f, -2.17266394e-05f);
  }
};

template <>
struct Real<double> {
  using Bits = uint64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double rounder = 0x1.8p52;
  static constexpr double log2e = 1.4426950408889634, ln2_high = 0.6931471804855391,
                          ln2_low = 7.440617110012397e-11;
  static constexpr double exp_low = -746, exp_high = 710;
  static constexpr Bits sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr double smallest = 0x1p-1022, lift = 0x1p54;
  static constexpr double lifted = 54;
  static constexpr double erf_end = 6;

  INLINE_HOST_DEVICE static double exp_tail(double r) {
    return polynomial(r, 0.50000000000000111, 0.16666666666666416, 0.041666666666529011,
                      0.008333333333491677, 0.0013888888943963387, 0.00019841269513728264,
                      2.4801492727259518e-05, 2.7557579132745658e-06, 2.7630389127277842e-07,
                      2.5002597316721504e-08);
  }
  /// By the series of log((1 + s) / (1 - s)) with s = f / (2 + f), arranged as in fdlibm's log.
  INLINE_HOST_DEVICE static double log_near_one(double f, double k) {
    const double s = f / (2 + f), z = s * s;
    const double p = polynomial(z, 0.6666666666666734, 0.39999999999414831, 0.28571428742357019,
                                0.22222198575994656, 0.18183564197699986, 0.15314053458958193,
                                0.14795923275558442);
    const double half = 0.5 * f, square = half * f;
    const double small = fma(s, fma(z, p, square), k * ln2_low);
    return fma(k, ln2_high, f - fma(half, f, -small));
  }
  INLINE_HOST_DEVICE static double erf_small(double z) {
    return polynomial(z, 1.1283791670955126, -0.37612638903183521, 0.11283791670944195,
                      -0.026866170643113182, 0.0052239776061327025, -0.00085483259299988317,
                      0.00012055293597328619, -1.4924712692247448e-05, 1.6447136346530061e-06,
                      -1.6206349958042138e-07, 1.3711135175622497e-08, -7.7797538009597883e-10);
  }
  INLINE_HOST_DEVICE static double log_erfc(double x) {
    return polynomial(x - 3.5, -14.112437402179724, -7.2660995883505377, -0.96675305265887002,
                      -0.0052256488623343995, 0.00087369980265426003, -0.00014731357724349816,
                      2.4310605257899267e-05, -3.9959754223308082e-06, 5.2894554327658375e-07,
                      -4.7390935692520506e-08, 9.2980463777021282e-08, 7.1692613007639646e-08,
                      3.7611482145708222e-08, 1.2676515474545278e-08, 2.6997234595875011e-09,
                      3.3872611448511154e-10, 1.7662193458507409e-11);
  }
};

/// 2^n for a whole number n, bias not exceeded.
template <class T>
INLINE_HOST_DEVICE T power_of_two(T n) {
  using Bits = typename Real<T>::Bits;
  return from_bits(Bits(bits_of(n + (Real<T>::rounder + Real<T>::bias)) << Real<T>::mantissa));
}

/// x = n ln 2 + r with |r| <= ln 2 / 2, and e^r - 1.
template <class T>
struct ExpParts {
  T n, minus_one;
};
template <class T>
INLINE_HOST_DEVICE ExpParts<T> exp_parts(T x) {
  using R = Real<T>;
  const T n = fma(x, R::log2e, R::rounder) - R::rounder;
  const T r = fma(n, -R::ln2_low, fma(n, -R::ln2_high, x));
  return {n, fma(r * r, R::exp_tail(r), r)};
}

template <class T>
INLINE_HOST_DEVICE T exp(T x) {
  using R = Real<T>;
  x = x < R::exp_low ? R::exp_low : x;
  x = x > R::exp_high ? R::exp_high : x;
  const ExpParts<T> parts = exp_parts(x);
  // In two steps, so that neither factor leaves the range of exponents.
  const T half = (fma(parts.n, T(0.5), R::rounder)) - R::rounder;
  return (T(1) + parts.minus_one) * power_of_two(half) * power_of_two(parts.n - half);
}

/// e^x - 1 without cancellation, for x <= 0 (what tanh and sigmoid need).
template <class T>
INLINE_HOST_DEVICE T expm1_negative(T x) {
  using R = Real<T>;
  x = x < T(-R::mantissa) ? T(-R::mantissa) : x;  // -1 to the last bit
  const ExpParts<T> parts = exp_parts(x);
  const T scale = power_of_two(parts.n);
  return fma(scale, parts.minus_one, scale - 1);
}

/// (e^2x - 1) / (e^2x + 1), with the argument's sign taken out.
template <class T>
INLINE_HOST_DEVICE T tanh(T x) {
  const T e = expm1_negative(-2 * abs(x));
  return with_sign(-e / (2 + e), x);
}

/// 1 / (1 + e^-x).
template <class T>
INLINE_HOST_DEVICE T sigmoid(T x) {
  return T(1) / (T(1) + exp(-x));
}

template <class T>
INLINE_HOST_DEVICE T log(T x) {
  using R = Real<T>;
  using Bits = typename R::Bits;
  const bool subnormal = x < R::smallest;
  const T normal = subnormal ? x * R::lift : x;
  // The exponent is taken so that the rest m lies in [sqrt(1/2), sqrt(2)).
  const Bits shifted = bits_of(normal) - R::sqrt_half;
  const Bits exponent = shifted & (~Bits(0) << R::mantissa);
  const T m = from_bits(bits_of(normal) - exponent);
  // exponent / 2^mantissa as a floating number, by way of the rounder's low bits.
  const Bits biased = (exponent + (Bits(R::bias) << R::mantissa)) >> R::mantissa;
  const T k = from_bits(bits_of(R::rounder) + biased) - (R::rounder + R::bias);
  T y = R::log_near_one(m - 1, subnormal ? k - R::lifted : k);
  y = x == 0 ? -T(HUGE_VAL) : y;
  y = x < T(HUGE_VAL) ? y : x;  // Inf and NaN are themselves
  return x < 0 ? T(NAN) : y;
}

/// log(1 + x) for small x too: the rounding error of 1 + x is put back to first order.
template <class T>
INLINE_HOST_DEVICE T log1p(T x) {
  const T u = 1 + x, lost = x - (u - 1);
  const T correction = lost / u;
  const bool exact = lost == 0 || !(u < T(HUGE_VAL));
  return log(u) + (exact ? T(0) : correction);
}

template <class T>
INLINE_HOST_DEVICE T erf(T x) {
  using R = Real<T>;
  const T a = abs(x), z = a < 1 ? a * a : T(1);
  const T small = a * R::erf_small(z);
  const T clamped = a < R::erf_end ? a : R::erf_end;
  const T large = 1 - exp(R::log_erfc(clamped < 1 ? T(1) : clamped));
  return x == x ? with_sign(a < 1 ? small : large, x) : x;
}

}  // namespace lathe::math
