// Reference rows of the passes over the weights, the only ones on the CPU.
//   g += l1 sign(w)          a += (1 - decay) (x - a)
// Sources: kernels/weight_passes.h. Layout: flat arrays, in any order of the parameters.
// There is no ladder: two numbers are read and one is written for two or three operations, so
// memory is what takes the time, and a loop that the compiler vectorises fills it. It is cut into
// parts of 16 Ki elements, which is where handing one to a thread costs little beside it; no sum
// runs over elements, so the cuts change nothing.
#include "kernels/weight_passes.h"

#include "kernels/optimizer.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

void add_l1_gradient_reference(Tensor& grads, const Tensor& params, const Tensor& hyper) {
  dispatch_float("add_l1_gradient", grads.dtype(), [&]<class T>() {
    T* const g = grads.data<T>();
    const T* const w = params.data<T>();
    const T l1 = T(read_hyper(hyper).l1);
    parallel_for(0, grads.numel(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) g[i] += w[i] > 0 ? l1 : w[i] < 0 ? -l1 : T(0);
    });
  });
}

void update_average_reference(Tensor& average, const Tensor& x, double decay) {
  dispatch_float("update_average", average.dtype(), [&]<class T>() {
    T* const a = average.data<T>();
    const T* const in = x.data<T>();
    const T share = T(1 - decay);
    parallel_for(0, average.numel(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) a[i] += share * (in[i] - a[i]);
    });
  });
}

}  // namespace

REGISTER_KERNELS(add_l1_gradient, cpu, reference, {"reference", add_l1_gradient_reference});
REGISTER_KERNELS(update_average, cpu, reference, {"reference", update_average_reference});

}  // namespace lathe::kernels
