// Batch norm on the CPU, reference rows: plain loops in double, the variance in a second pass.
#include "kernels/batch_norm.h"

#include <cmath>

#include "kernels/batch_norm_channel.h"
#include "kernels/reduce.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t tile = 16;  // channels that are summed together

/// y = f(normalised x + residual), for mean and rstd in f64.
template <class T>
void apply_reference(const Rows& s, Tensor& y, const double* mean, const double* rstd,
                     const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const Tensor& residual, Nonlinearity nonlinearity) {
  const T *const from = x.data<T>(), *const w = weight.data<T>(), *const b = bias.data<T>();
  const T* const added = elements_or_null<T>(residual);
  T* const to = y.data<T>();
  with_nonlinearity(nonlinearity, [&](auto f) {
    parallel_for(0, s.rows, 64, [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r)
        for (int64_t c = 0; c < s.columns; ++c) {
          const int64_t i = r * s.columns + c;
          double z = (double(from[i]) - mean[c]) * rstd[c] * double(w[c]) + double(b[c]);
          if (added) z += double(added[i]);
          to[i] = T(acc_t<T>(f.value(z)));
        }
    });
  });
}

template <class T>
void statistics_reference(const Rows& s, const T* x, const StatisticsOut<T>& out) {
  parallel_for(0, s.columns, tile, [&](int64_t first, int64_t last) {
    for (int64_t begin = first; begin < last; begin += tile) {
      const int64_t width = std::min(tile, last - begin);
      double mean[tile] = {}, squares[tile] = {};
      for (int64_t r = 0; r < s.rows; ++r)
        for (int64_t j = 0; j < width; ++j) mean[j] += double(x[r * s.columns + begin + j]);
      for (int64_t j = 0; j < width; ++j) mean[j] /= double(s.rows);
      for (int64_t r = 0; r < s.rows; ++r)
        for (int64_t j = 0; j < width; ++j) {
          const double d = double(x[r * s.columns + begin + j]) - mean[j];
          squares[j] += d * d;
        }
      for (int64_t j = 0; j < width; ++j) out.put(begin + j, mean[j], squares[j]);
    }
  });
}

void forward_reference(Tensor& y, Tensor& mean, Tensor& rstd, Tensor& running_mean,
                       Tensor& running_var, Tensor& batches, const Tensor& x, const Tensor& weight,
                       const Tensor& bias, const Tensor& residual, Nonlinearity f,
                       BatchNormOptions options) {
  const Rows s = columns_of("batch_norm_forward", x, weight.numel());
  dispatch_floating("batch_norm_forward", x.dtype(), [&]<class T>() {
    double *const m = mean.data<double>(), *const r = rstd.data<double>();
    statistics_reference<T>(s, x.data<T>(),
                            {m, r, running_mean.data<T>(), running_var.data<T>(),
                             batches.data<int64_t>(), s.rows, options});
    apply_reference<T>(s, y, m, r, x, weight, bias, residual, f);
  });
}

void inference_reference(Tensor& y, Tensor& mean, Tensor& rstd, const Tensor& x,
                         const Tensor& running_mean, const Tensor& running_var,
                         const Tensor& weight, const Tensor& bias, const Tensor& residual,
                         Nonlinearity f, BatchNormOptions options) {
  const Rows s = columns_of("batch_norm_inference", x, weight.numel());
  dispatch_floating("batch_norm_inference", x.dtype(), [&]<class T>() {
    double *const m = mean.data<double>(), *const r = rstd.data<double>();
    for (int64_t c = 0; c < weight.numel(); ++c) {
      m[c] = double(running_mean.data<T>()[c]);
      r[c] = 1 / std::sqrt(double(running_var.data<T>()[c]) + options.eps);
    }
    apply_reference<T>(s, y, m, r, x, weight, bias, residual, f);
  });
}

/// The tensors of a backward as pointers, and dz of an element.
template <class T, class F>
struct Gradient {
  F f;
  T *dx, *dresidual, *dweight, *dbias;
  const T *dy, *x, *kept;
  const double *mean, *rstd;
  const T *weight, *bias;

  double dz(int64_t i, int64_t c) const {
    const double z = (double(x[i]) - mean[c]) * rstd[c] * double(weight[c]) + double(bias[c]);
    return double(dy[i]) * (kept ? slope_kept(f, z, double(kept[i])) : slope_at(f, z));
  }
};

template <class T, class F>
void backward_channels(const Rows& s, const Gradient<T, F>& g, bool batch, int64_t first,
                       int64_t last) {
  const int64_t width = last - first;
  double dbias[tile] = {}, dweight[tile] = {};
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t j = 0; j < width; ++j) {
      const int64_t c = first + j, i = r * s.columns + c;
      const double dz = g.dz(i, c);
      dbias[j] += dz;
      dweight[j] += dz * (double(g.x[i]) - g.mean[c]) * g.rstd[c];
    }
  for (int64_t j = 0; j < width; ++j) {
    if (g.dbias) g.dbias[first + j] = T(acc_t<T>(dbias[j]));
    if (g.dweight) g.dweight[first + j] = T(acc_t<T>(dweight[j]));
  }
  const double share = batch && s.rows > 0 ? 1 / double(s.rows) : 0;
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t j = 0; j < width; ++j) {
      const int64_t c = first + j, i = r * s.columns + c;
      const double dz = g.dz(i, c), x_hat = (double(g.x[i]) - g.mean[c]) * g.rstd[c];
      if (g.dresidual) g.dresidual[i] = T(acc_t<T>(dz));
      if (g.dx)
        g.dx[i] = T(acc_t<T>(double(g.weight[c]) * g.rstd[c] *
                             (dz - share * (dbias[j] + x_hat * dweight[j]))));
    }
}

void backward_reference(Tensor& dx, Tensor& dresidual, Tensor& dweight, Tensor& dbias,
                        const Tensor& dy, const Tensor& x, const Tensor& kept, const Tensor& mean,
                        const Tensor& rstd, const Tensor& weight, const Tensor& bias,
                        Nonlinearity nonlinearity, Statistics statistics) {
  const Rows s = columns_of("batch_norm_backward", x, weight.numel());
  dispatch_floating("batch_norm_backward", x.dtype(), [&]<class T>() {
    with_nonlinearity(nonlinearity, [&]<class F>(F f) {
      const Gradient<T, F> g{f,
                             elements_or_null<T>(dx),
                             elements_or_null<T>(dresidual),
                             elements_or_null<T>(dweight),
                             elements_or_null<T>(dbias),
                             dy.data<T>(),
                             x.data<T>(),
                             elements_or_null<T>(kept),
                             mean.data<double>(),
                             rstd.data<double>(),
                             weight.data<T>(),
                             bias.data<T>()};
      parallel_for(0, weight.numel(), tile, [&](int64_t first, int64_t last) {
        for (int64_t c = first; c < last; c += tile)
          backward_channels(s, g, statistics == Statistics::batch, c, std::min(last, c + tile));
      });
    });
  });
}

}  // namespace

REGISTER_KERNELS(batch_norm_forward, cpu, reference, {"reference", forward_reference});
REGISTER_KERNELS(batch_norm_inference, cpu, reference, {"reference", inference_reference});
REGISTER_KERNELS(batch_norm_backward, cpu, reference, {"reference", backward_reference});

}  // namespace lathe::kernels
