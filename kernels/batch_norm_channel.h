// Batch norm's arithmetic for one channel, the same in all rows: elements are computed in T, and
// what they are computed with is prepared in double.
#pragma once

#include "kernels/batch_norm.h"
#include "kernels/math.h"

namespace lathe::kernels {

/// The elements of a tensor, or null for an absent one.
template <class T>
T* elements_or_null(const Tensor& x) {
  return x ? x.data<T>() : nullptr;
}

/// Where the statistics of a channel go.
template <class T>
struct StatisticsOut {
  double *mean, *rstd;
  T *running_mean, *running_var;
  int64_t* batches;
  int64_t rows;
  BatchNormOptions options;

  /// m and the sum of squared distances from it.
  INLINE_HOST_DEVICE void put(int64_t c, double m, double squares) const {
    const double var = squares / double(rows), k = options.momentum;
    mean[c] = m;
    rstd[c] = 1 / math::sqrt(var + options.eps);
    const double unbiased = rows > 1 ? squares / double(rows - 1) : var;
    running_mean[c] = T(acc_t<T>((1 - k) * double(running_mean[c]) + k * m));
    running_var[c] = T(acc_t<T>((1 - k) * double(running_var[c]) + k * unbiased));
    if (c == 0) ++*batches;
  }
};

/// z = (x - mean) rstd weight + bias. x - center is exact where x is near the mean, and what the
/// mean has beyond the type's digits is in `shift`.
template <class T>
struct Normalize {
  T center, scale, shift;
  Normalize() = default;
  INLINE_HOST_DEVICE Normalize(double mean, double rstd, double weight, double bias) {
    const double s = weight * rstd;
    center = T(mean);
    scale = T(s);
    shift = T(bias - (mean - double(center)) * s);
  }
  INLINE_HOST_DEVICE T operator()(T x) const { return math::fma(x - center, scale, shift); }
};

/// dx = by_dz dz + (by_x (x - center) + constant).
template <class T>
struct InputGradient {
  T center, by_dz, by_x, constant;
  InputGradient() = default;
  /// From the sums over rows of dz and dz (x - mean); inverse_rows is 0 for running statistics.
  INLINE_HOST_DEVICE InputGradient(double mean, double rstd, double weight, double sum_dz,
                                   double sum_dz_x, double inverse_rows) {
    const double scale = weight * rstd, slope = -scale * rstd * rstd * sum_dz_x * inverse_rows;
    center = T(mean);
    by_dz = T(scale);
    by_x = T(slope);
    constant = T(-scale * sum_dz * inverse_rows - slope * (mean - double(center)));
  }
  INLINE_HOST_DEVICE T operator()(T dz, T x) const {
    return math::fma(dz, by_dz, math::fma(x - center, by_x, constant));
  }
};

/// f' where the argument of f is z.
template <class F, class T>
INLINE_HOST_DEVICE T slope_at(const F& f, T z) {
  return f.slope(F::saved == Saved::output ? f.value(z) : z);
}
/// f' where there is a residual: from f's result, or from z without the residual and that.
template <class F, class T>
INLINE_HOST_DEVICE T slope_kept(const F& f, T z, T kept) {
  return f.slope(F::saved == Saved::output ? kept : z + kept);
}

}  // namespace lathe::kernels
