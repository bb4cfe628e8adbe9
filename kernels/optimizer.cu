// Optimiser steps on the GPU. Formulas: kernels/update_rules.h, the same code as on the CPU.
// Layout: flat arrays; the hyper-parameters are read from device memory, so that a captured graph
// runs with new ones.
// Every element is read once and written once (Adam in f32: 16 bytes read, 12 written), so the only
// question is how fast memory can be driven:
//   map     one thread an element. 4-byte accesses: a warp asks for 128 bytes at a time, and every
//           thread works out the coefficients (a division and two square roots in f64) for one
//           element
//   vector  16-byte accesses, and threads that go on to further elements: four times the bytes in
//           flight, and the coefficients once a thread
#include "kernels/device.cuh"
#include "kernels/optimizer.h"
#include "kernels/update_rules.h"

namespace lathe::kernels {
namespace {

constexpr int block_size = 256;

template <class T>
struct Arrays {
  T *params, *m, *v;
  const T* grads;
};

/// The rule's functor, from hyper-parameters that lie on the device.
template <class T, UpdateRule rule, bool has_m>
__device__ auto make_rule(const Hyper& hyper, double factor) {
  if constexpr (rule != UpdateRule::sgd)
    return ScalarAdam<T>{AdamCoefficients<T>(hyper, rule, factor)};
  else
    return ScalarSgd < T, has_m ? 1 : 0 > {SgdCoefficients<T>(hyper, factor)};
}

template <class T, UpdateRule rule, bool has_m>
__global__ void step_map(Arrays<T> a, const Hyper* hyper, const double* norm, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * block_size + threadIdx.x;
  const GradientScale scale = gradient_scale(*hyper, norm);
  if (i >= n || scale.skip) return;
  const auto update = make_rule<T, rule, has_m>(*hyper, scale.factor);
  T none = 0;
  update(a.grads[i], a.params[i], has_m ? a.m[i] : none, rule != UpdateRule::sgd ? a.v[i] : none);
}

template <class T, UpdateRule rule, bool has_m>
__global__ void step_vector(Arrays<T> a, const Hyper* hyper, const double* norm, int64_t n) {
  constexpr int width = 16 / sizeof(T);
  constexpr bool has_v = rule != UpdateRule::sgd;
  const GradientScale scale = gradient_scale(*hyper, norm);
  if (scale.skip) return;
  const auto update = make_rule<T, rule, has_m>(*hyper, scale.factor);
  const int64_t stride = int64_t(gridDim.x) * block_size * width;
  for (int64_t i = (int64_t(blockIdx.x) * block_size + threadIdx.x) * width; i < n; i += stride) {
    const auto g = load_vector<width>(a.grads + i);
    auto w = load_vector<width>(a.params + i);
    Vector<T, width> m = w, v = w;
    if (has_m) m = load_vector<width>(a.m + i);
    if (has_v) v = load_vector<width>(a.v + i);
    UNROLL
    for (int k = 0; k < width; ++k) update(g[k], w[k], m[k], v[k]);
    store_vector(a.params + i, w);
    if (has_m) store_vector(a.m + i, m);
    if (has_v) store_vector(a.v + i, v);
  }
}

/// Calls f.template operator()<T, rule, has_m>(arrays).
template <class F>
void with_types(Tensor& params, Tensor& m, Tensor& v, const Tensor& grads, UpdateRule rule,
                const F& f) {
  dispatch_float("optimizer_step", params.dtype(), [&]<class T>() {
    const Arrays<T> a{params.data<T>(), m ? m.data<T>() : nullptr, v ? v.data<T>() : nullptr,
                      grads.data<T>()};
    if (rule == UpdateRule::adam)
      f.template operator()<T, UpdateRule::adam, true>(a);
    else if (rule == UpdateRule::adamw)
      f.template operator()<T, UpdateRule::adamw, true>(a);
    else if (m)
      f.template operator()<T, UpdateRule::sgd, true>(a);
    else
      f.template operator()<T, UpdateRule::sgd, false>(a);
  });
}

const Hyper* hyper_of(const Tensor& hyper) {
  return reinterpret_cast<const Hyper*>(hyper.data<double>());
}
const double* norm_of(const Tensor& norm) { return norm ? norm.data<double>() : nullptr; }

void map(Tensor& params, Tensor& m, Tensor& v, const Tensor& grads, const Tensor& hyper,
         const Tensor& norm, UpdateRule rule) {
  check_moments("optimizer_step", params, m, v, hyper, rule);
  const int64_t n = params.numel();
  if (n == 0) return;
  with_types(params, m, v, grads, rule, [&]<class T, UpdateRule r, bool has_m>(const Arrays<T>& a) {
    launch(step_map<T, r, has_m>, ceil_div(n, block_size), block_size, 0, a, hyper_of(hyper),
           norm_of(norm), n);
  });
}

Fit fits_vector(Tensor& params, Tensor& m, Tensor& v, const Tensor& grads, const Tensor&,
                const Tensor&, UpdateRule) {
  if (params.bytes() % 16 != 0) return "needs a multiple of 16 bytes";
  for (const Tensor* x : {&static_cast<const Tensor&>(params), &static_cast<const Tensor&>(m),
                          &static_cast<const Tensor&>(v), &grads})
    if (*x && reinterpret_cast<uintptr_t>(x->raw()) % 16 != 0)
      return "needs arrays that begin at multiples of 16 bytes";
  return {};
}

void vector(Tensor& params, Tensor& m, Tensor& v, const Tensor& grads, const Tensor& hyper,
            const Tensor& norm, UpdateRule rule) {
  check_moments("optimizer_step", params, m, v, hyper, rule);
  const int64_t n = params.numel();
  if (n == 0) return;
  with_types(params, m, v, grads, rule, [&]<class T, UpdateRule r, bool has_m>(const Arrays<T>& a) {
    const int64_t vectors = n / int64_t(16 / sizeof(T));
    const int64_t blocks = std::min<int64_t>(ceil_div(vectors, block_size), 132 * 16);
    launch(step_vector<T, r, has_m>, blocks, block_size, 0, a, hyper_of(hyper), norm_of(norm), n);
  });
}

// ---- gradient_norm ------------------------------------------------------------------------------
// A fixed number of parts, so the order of the sum never changes.

constexpr int norm_parts = 256;

template <class T>
__global__ void sum_squares(double* sums, const T* g, int64_t n) {
  double sum = 0;
  for (int64_t i = int64_t(blockIdx.x) * block_size + threadIdx.x; i < n;
       i += int64_t(norm_parts) * block_size)
    sum += double(g[i]) * double(g[i]);
  sum = block_reduce(sum, Sum{}, 0.0);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void finish_norm(double* norm, const double* sums) {
  const double sum = block_reduce(sums[threadIdx.x], Sum{}, 0.0);
  if (threadIdx.x == 0) *norm = sqrt(sum);
}

void two_level(Tensor& norm, const Tensor& grads) {
  const Tensor sums = Tensor::empty({norm_parts}, DType::f64, grads.device());
  dispatch_float("gradient_norm", grads.dtype(), [&]<class T>() {
    launch(sum_squares<T>, norm_parts, block_size, 0, sums.data<double>(), grads.data<T>(),
           grads.numel());
  });
  launch(finish_norm, 1, norm_parts, 0, norm.data<double>(),
         static_cast<const double*>(sums.data<double>()));
}

}  // namespace

REGISTER_KERNELS(optimizer_step, cuda, tuned, {"vector", vector, fits_vector}, {"map", map});
REGISTER_KERNELS(gradient_norm, cuda, tuned, {"two_level", two_level});

}  // namespace lathe::kernels
