// Passes over the weights on the device.
//   g += l1 sign(w)          a += (1 - decay) (x - a)
// Layout: flat arrays. Bound by memory: only the number and the size of accesses count.
// Ladder (kernels/map.cuh): element, one element a thread; vector, 16 bytes an access from as many
// blocks as keep the device busy.
#include "kernels/weight_passes.h"

#include "kernels/map.cuh"
#include "kernels/optimizer.h"

namespace lathe::kernels {
namespace {

/// The hyper-parameters are read on the device, so that a captured graph runs with new ones.
template <class T>
struct AddSign {
  const Hyper* hyper;
  __device__ T operator()(T g, T w) const {
    const T l1 = T(hyper->l1);
    return g + (w > T(0) ? l1 : w < T(0) ? -l1 : T(0));
  }
};

template <class T>
struct MoveTowards {
  T share;
  __device__ T operator()(T a, T x) const { return a + share * (x - a); }
};

template <Rung rung>
void add_l1_gradient_by(Tensor& grads, const Tensor& params, const Tensor& hyper) {
  dispatch_float("add_l1_gradient", grads.dtype(), [&]<class T>() {
    map<rung>(grads.numel(), AddSign<T>{reinterpret_cast<const Hyper*>(hyper.data<double>())},
              grads.data<T>(), Each<T>{grads.data<T>()}, Each<T>{params.data<T>()});
  });
}

template <Rung rung>
void update_average_by(Tensor& average, const Tensor& x, double decay) {
  dispatch_float("update_average", average.dtype(), [&]<class T>() {
    map<rung>(average.numel(), MoveTowards<T>{T(1 - decay)}, average.data<T>(),
              Each<T>{average.data<T>()}, Each<T>{x.data<T>()});
  });
}

Fit fits_l1(Tensor& grads, const Tensor& params, const Tensor&) {
  return fits_vector(grads, params);
}
Fit fits_average(Tensor& average, const Tensor& x, double) { return fits_vector(average, x); }

}  // namespace

REGISTER_KERNELS(add_l1_gradient, cuda, tuned,
                 {"vector", add_l1_gradient_by<Rung::vector>, fits_l1},
                 {"element", add_l1_gradient_by<Rung::element>});
REGISTER_KERNELS(update_average, cuda, tuned,
                 {"vector", update_average_by<Rung::vector>, fits_average},
                 {"element", update_average_by<Rung::element>});

}  // namespace lathe::kernels
