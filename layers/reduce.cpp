#include "layers/reduce.h"

#include <cmath>

#include "kernels/reduce.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

/// What is left of x's shape.
Shape reduced(const char* op, const Tensor& x, Over over) {
  if (over == Over::all) return {};
  LATHE_CHECK(x.rank() >= 1, op, ": expects at least one dimension, got shape ", x.shape());
  return over == Over::last ? x.shape().part(0, x.rank() - 1) : x.shape().part(1, x.rank());
}

/// scale * sum.
Tensor scaled_sum(const char* op, const Tensor& x, Over over, double scale) {
  Tensor y = Tensor::empty(reduced(op, x, over), x.dtype(), x.device());
  if (over == Over::first) {
    kernels::sum_rows(y, x);
    if (scale != 1) {  // as rows of one element
      const Tensor unscaled = y.detach();
      y = empty_like(unscaled);
      kernels::sum_columns(y, unscaled, scale);
    }
  } else {
    kernels::sum_columns(y, x, scale);
  }
  return record(op, y, {x},
                [over, scale, like = x.shape()](const Tensor& dy, const Needs&) -> Grads {
                  Tensor dx = Tensor::empty(like, dy.dtype(), dy.device());
                  over == Over::first ? kernels::repeat_rows(dx, dy, scale)
                                      : kernels::repeat_columns(dx, dy, scale);
                  return {dx};
                });
}

/// Elements that go into each result.
int64_t reduced_extent(const Tensor& x, Over over) {
  return over == Over::all ? x.numel() : over == Over::last ? x.dim(-1) : x.dim(0);
}

/// The largest elements and their places.
std::pair<Tensor, Tensor> max_and_place(const char* op, const Tensor& x, Over over, bool values) {
  LATHE_CHECK(over != Over::first, op, ": goes over the last dimension or all, not the first");
  const Shape shape = reduced(op, x, over);
  Tensor y = values ? Tensor::empty(shape, x.dtype(), x.device()) : Tensor();
  Tensor index = Tensor::empty(shape, DType::i64, x.device());
  LATHE_CHECK(reduced_extent(x, over) > 0 || shape.numel() == 0, op,
              ": expects at least one element, got shape ", x.shape());
  kernels::max_columns(y, index, x);
  return {y, index};
}

}  // namespace

Tensor sum(const Tensor& x, Over over) { return scaled_sum("sum", x, over, 1); }

Tensor mean(const Tensor& x, Over over) {
  reduced("mean", x, over);
  const int64_t count = reduced_extent(x, over);
  return scaled_sum("mean", x, over, count ? 1 / double(count) : NAN);
}

Tensor max(const Tensor& x, Over over) {
  const auto [y, index] = max_and_place("max", x, over, true);
  return record("max", y, {x},
                [index = index, like = x.shape()](const Tensor& dy, const Needs&) -> Grads {
                  Tensor dx = Tensor::empty(like, dy.dtype(), dy.device());
                  kernels::place_columns(dx, dy, index);
                  return {dx};
                });
}

Tensor argmax(const Tensor& x, Over over) {
  return no_backward("argmax", max_and_place("argmax", x, over, false).second, {x});
}

}  // namespace lathe
