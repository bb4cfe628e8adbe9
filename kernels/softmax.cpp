// Softmax and its logarithm on the CPU, reference rows: plain loops. Rows are independent, so the
// results do not depend on the number of threads.
#include "kernels/softmax.h"

#include <cmath>

#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

/// Calls f.template operator()<T>(row, columns) for all rows, by their first element's number.
template <class F>
void for_rows(const char* kernel, const Tensor& x, const F& f) {
  if (x.numel() == 0) return;
  const int64_t columns = x.dim(-1), rows = x.numel() / columns;
  dispatch_floating(kernel, x.dtype(), [&]<class T>() {
    parallel_for(0, rows, std::max<int64_t>(1, (1 << 12) / columns),
                 [&](int64_t first, int64_t last) {
                   for (int64_t r = first; r < last; ++r)
                     f.template operator()<T>(r * columns, columns);
                 });
  });
}

/// The largest element of a row and the sum of exp(x - largest).
template <class Acc>
struct RowSum {
  Acc largest, exps = 0;
  template <class T>
  RowSum(const T* x, int64_t columns) : largest(Acc(x[0])) {
    for (int64_t c = 1; c < columns; ++c) largest = std::max(largest, Acc(x[c]));
    for (int64_t c = 0; c < columns; ++c) exps += std::exp(Acc(x[c]) - largest);
  }
};

void softmax_reference(Tensor& y, const Tensor& x) {
  for_rows("softmax_forward", x, [&]<class T>(int64_t begin, int64_t columns) {
    using Acc = acc_t<T>;
    const T* const from = x.data<T>() + begin;
    T* const to = y.data<T>() + begin;
    const RowSum<Acc> sum(from, columns);
    for (int64_t c = 0; c < columns; ++c)
      to[c] = T(std::exp(Acc(from[c]) - sum.largest) / sum.exps);
  });
}

void log_softmax_reference(Tensor& y, const Tensor& x) {
  for_rows("log_softmax_forward", x, [&]<class T>(int64_t begin, int64_t columns) {
    using Acc = acc_t<T>;
    const T* const from = x.data<T>() + begin;
    T* const to = y.data<T>() + begin;
    const RowSum<Acc> sum(from, columns);
    const Acc log_exps = std::log(sum.exps);
    for (int64_t c = 0; c < columns; ++c) to[c] = T(Acc(from[c]) - sum.largest - log_exps);
  });
}

void softmax_backward_reference(Tensor& dx, const Tensor& dy, const Tensor& y) {
  for_rows("softmax_backward", y, [&]<class T>(int64_t begin, int64_t columns) {
    using Acc = acc_t<T>;
    const T *const grad = dy.data<T>() + begin, *const value = y.data<T>() + begin;
    T* const to = dx.data<T>() + begin;
    Acc sum = 0;
    for (int64_t c = 0; c < columns; ++c) sum += Acc(grad[c]) * Acc(value[c]);
    for (int64_t c = 0; c < columns; ++c) to[c] = T(Acc(value[c]) * (Acc(grad[c]) - sum));
  });
}

void log_softmax_backward_reference(Tensor& dx, const Tensor& dy, const Tensor& y) {
  for_rows("log_softmax_backward", y, [&]<class T>(int64_t begin, int64_t columns) {
    using Acc = acc_t<T>;
    const T *const grad = dy.data<T>() + begin, *const value = y.data<T>() + begin;
    T* const to = dx.data<T>() + begin;
    Acc sum = 0;
    for (int64_t c = 0; c < columns; ++c) sum += Acc(grad[c]);
    for (int64_t c = 0; c < columns; ++c) to[c] = T(Acc(grad[c]) - std::exp(Acc(value[c])) * sum);
  });
}

}  // namespace

REGISTER_KERNELS(softmax_forward, cpu, reference, {"reference", softmax_reference});
REGISTER_KERNELS(softmax_backward, cpu, reference, {"reference", softmax_backward_reference});
REGISTER_KERNELS(log_softmax_forward, cpu, reference, {"reference", log_softmax_reference});
REGISTER_KERNELS(log_softmax_backward, cpu, reference,
                 {"reference", log_softmax_backward_reference});

}  // namespace lathe::kernels
