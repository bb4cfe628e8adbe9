// Reference row of linear_backward_update: dx first, for it needs the old weights, then row by row
// the gradient and the update.
#include "kernels/linear_update.h"

#include "kernels/update_rules.h"
#include "tensor/parallel.h"

namespace lathe::kernels {

// Room for the fast rows' packed copies of x and dy, and of dx for each thread (see
// linear_update_rows.inc). Blocks are at most 64 elements wide.
int64_t linear_update_scratch(Device device, int64_t batch, int64_t inputs, int64_t outputs) {
  if (device != Device::cpu) return 0;
  const int64_t block = 64;
  const int64_t x = batch * ((inputs + block - 1) / block * block);
  const int64_t dy = batch * ((outputs + block - 1) / block * block) + block;
  return x * (1 + num_threads()) + dy;
}

void check_linear_update(const Tensor& w, const Tensor& bias, const Tensor& w_m, const Tensor& w_v,
                         const Tensor& bias_m, const Tensor& bias_v, const Tensor& dx,
                         const Tensor& scratch, const Tensor& dy, const Tensor& x,
                         const Tensor& hyper, UpdateRule rule) {
  constexpr const char* kernel = "linear_backward_update";
  LATHE_CHECK(w.rank() == 2 && x.rank() == 2 && dy.rank() == 2 && x.dim(0) == dy.dim(0) &&
                  x.dim(1) == w.dim(1) && dy.dim(1) == w.dim(0),
              kernel, ": expects w (N, K), x (B, K) and dy (B, N), got ", w.shape(), ", ",
              x.shape(), " and ", dy.shape());
  LATHE_CHECK(x.dtype() == w.dtype() && dy.dtype() == w.dtype(), kernel, ": w is ", w.dtype(),
              ", but x is ", x.dtype(), " and dy ", dy.dtype());
  LATHE_CHECK(!dx || (dx.shape() == x.shape() && dx.dtype() == w.dtype()), kernel,
              ": dx expects x's shape ", x.shape(), " and type");
  LATHE_CHECK(!bias || (bias.numel() == w.dim(0) && bias.dtype() == w.dtype()), kernel,
              ": bias expects ", w.dim(0), " elements of w's type");
  check_moments(kernel, w, w_m, w_v, hyper, rule);
  if (bias) check_moments(kernel, bias, bias_m, bias_v, hyper, rule);
  const int64_t needed = linear_update_scratch(w.device(), x.dim(0), x.dim(1), w.dim(0));
  LATHE_CHECK(needed == 0 || (scratch && scratch.numel() >= needed && scratch.dtype() == w.dtype()),
              kernel, ": scratch expects ", needed, " elements of w's type");
}

namespace {

/// The elements, or null for an absent tensor.
template <class T>
T* data_or_null(const Tensor& x) {
  return x ? x.data<T>() : nullptr;
}

template <class T>
void input_gradient(T* dx, const T* dy, const T* w, int64_t batch, int64_t n, int64_t k) {
  parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      for (int64_t i = 0; i < k; ++i) dx[b * k + i] = 0;
      for (int64_t r = 0; r < n; ++r)
        for (int64_t i = 0; i < k; ++i) dx[b * k + i] += dy[b * n + r] * w[r * k + i];
    }
  });
}

void linear_backward_update_reference(Tensor& w, Tensor& bias, Tensor& w_m, Tensor& w_v,
                                      Tensor& bias_m, Tensor& bias_v, Tensor& dx, Tensor& scratch,
                                      const Tensor& dy, const Tensor& x, const Tensor& hyper_values,
                                      UpdateRule rule) {
  check_linear_update(w, bias, w_m, w_v, bias_m, bias_v, dx, scratch, dy, x, hyper_values, rule);
  const Hyper hyper = read_hyper(hyper_values);
  const GradientScale scale = gradient_scale(hyper, nullptr);
  if (scale.skip) return;
  const int64_t batch = x.dim(0), n = w.dim(0), k = w.dim(1);
  dispatch_float("linear_backward_update", w.dtype(), [&]<class T>() {
    const T *const dy_data = dy.data<T>(), *const x_data = x.data<T>();
    if (dx) input_gradient(dx.data<T>(), dy_data, w.data<T>(), batch, n, k);
    with_scalar_rule<T>(rule, hyper, scale.factor, bool(w_m), [&](const auto& update) {
      constexpr int moments = std::decay_t<decltype(update)>::moments;
      auto update_at = [&](T g, T* weights, T* m, T* v, int64_t i) {
        T none = 0;
        update(g, weights[i], moments > 0 ? m[i] : none, moments > 1 ? v[i] : none);
      };
      T *const weights = w.data<T>(), *const biases = data_or_null<T>(bias);
      T *const wm = data_or_null<T>(w_m), *const wv = data_or_null<T>(w_v);
      T *const bm = data_or_null<T>(bias_m), *const bv = data_or_null<T>(bias_v);
      parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          for (int64_t i = 0; i < k; ++i) {
            T g = 0;
            for (int64_t b = 0; b < batch; ++b) g += dy_data[b * n + r] * x_data[b * k + i];
            update_at(g, weights, wm, wv, r * k + i);
          }
          if (!biases) continue;
          T g = 0;
          for (int64_t b = 0; b < batch; ++b) g += dy_data[b * n + r];
          update_at(g, biases, bm, bv, r);
        }
      });
    });
  });
}

}  // namespace

REGISTER_KERNELS(linear_backward_update, cpu, reference,
                 {"reference", linear_backward_update_reference});

}  // namespace lathe::kernels
