// Reference rows of the optimiser steps: one loop over the slice, the formulas of update_rules.h.
#include "kernels/optimizer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/update_rules.h"
#include "tensor/parallel.h"

namespace lathe::kernels {

Tensor hyper_tensor(const Hyper& hyper) {
  Tensor tensor = Tensor::empty({Hyper::count}, DType::f64);
  write_hyper(tensor, hyper);
  return tensor;
}

void write_hyper(Tensor& tensor, const Hyper& hyper) {
  LATHE_CHECK(tensor.dtype() == DType::f64 && tensor.numel() == Hyper::count,
              "write_hyper: expects ", Hyper::count, " f64 values, got ", tensor.dtype(), " ",
              tensor.shape());
  device_api(tensor.device()).copy(tensor.raw(), &hyper, sizeof hyper);
}

Hyper read_hyper(const Tensor& tensor) {
  Hyper hyper;
  const double* const values = tensor.data<double>();
  std::memcpy(static_cast<void*>(&hyper), values, sizeof hyper);
  return hyper;
}

void check_moments(const char* kernel, const Tensor& params, const Tensor& m, const Tensor& v,
                   const Tensor& hyper, UpdateRule rule) {
  auto like_params = [&](const Tensor& x) {
    return x && x.numel() == params.numel() && x.dtype() == params.dtype();
  };
  LATHE_CHECK(hyper.dtype() == DType::f64 && hyper.numel() == Hyper::count, kernel,
              ": hyper expects ", Hyper::count, " f64 values, got ", hyper.dtype(), " ",
              hyper.shape());
  if (rule == UpdateRule::sgd)
    LATHE_CHECK((!m || like_params(m)) && !v, kernel, ": sgd takes a momentum buffer as ",
                params.shape(), " or none, and no second moment");
  else
    LATHE_CHECK(like_params(m) && like_params(v), kernel, ": adam expects two moments as ",
                params.dtype(), " ", params.shape());
}

namespace {

constexpr int64_t grain = 1 << 14;

void optimizer_step_reference(Tensor& params, Tensor& m, Tensor& v, const Tensor& grads,
                              const Tensor& hyper_values, const Tensor& norm, UpdateRule rule) {
  check_moments("optimizer_step", params, m, v, hyper_values, rule);
  const Hyper hyper = read_hyper(hyper_values);
  const GradientScale scale = gradient_scale(hyper, norm ? norm.data<double>() : nullptr);
  if (scale.skip) return;
  dispatch_float("optimizer_step", params.dtype(), [&]<class T>() {
    T *const w = params.data<T>(), *const m1 = m ? m.data<T>() : nullptr;
    T* const m2 = v ? v.data<T>() : nullptr;
    const T* const g = grads.data<T>();
    with_scalar_rule<T>(rule, hyper, scale.factor, bool(m), [&](const auto& update) {
      parallel_for(0, params.numel(), grain, [&](int64_t begin, int64_t end) {
        constexpr int moments = std::decay_t<decltype(update)>::moments;
        T none = 0;
        for (int64_t i = begin; i < end; ++i)
          update(g[i], w[i], moments > 0 ? m1[i] : none, moments > 1 ? m2[i] : none);
      });
    });
  });
}

/// Sums over fixed parts, then over the parts: one order for any number of threads.
void gradient_norm_reference(Tensor& norm, const Tensor& grads) {
  dispatch_float("gradient_norm", grads.dtype(), [&]<class T>() {
    constexpr int parts = 64;
    std::array<double, parts> sums{};
    const T* const g = grads.data<T>();
    parallel_for(0, parts, std::max<int64_t>(1, grain * parts / (grads.numel() + 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t p = begin; p < end; ++p) {
                     const Part part = part_of(0, grads.numel(), int(p), parts);
                     for (int64_t i = part.begin; i < part.end; ++i)
                       sums[p] += double(g[i]) * double(g[i]);
                   }
                 });
    double total = 0;
    for (double sum : sums) total += sum;
    *norm.data<double>() = std::sqrt(total);
  });
}

}  // namespace

REGISTER_KERNELS(optimizer_step, cpu, reference, {"reference", optimizer_step_reference});
REGISTER_KERNELS(gradient_norm, cpu, reference, {"reference", gradient_norm_reference});

}  // namespace lathe::kernels
