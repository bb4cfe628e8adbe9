#include "layers/arithmetic.h"

#include "layers/unary.h"

namespace lathe {
namespace {

void check_operands(const char* op, const Tensor& a, const Tensor& b) {
  LATHE_CHECK(is_floating(a.dtype()), op, ": expects a floating type, got ", a.dtype());
  LATHE_CHECK(a.dtype() == b.dtype(), op, ": expects operands of one type, got ", a.dtype(),
              " and ", b.dtype());
  LATHE_CHECK(b.rank() <= a.rank() && a.shape().part(a.rank() - b.rank(), a.rank()) == b.shape(),
              op, ": b expects the shape of a's trailing dimensions, got a ", a.shape(), " and b ",
              b.shape());
}

/// Sums and differences: a's gradient is that of y, and b's that or its negative, summed over the
/// rows where b is repeated. Nothing large is kept.
template <class Op>
Tensor linear(const Tensor& a, const Tensor& b) {
  check_operands(Op::name, a, b);
  Tensor y = empty_like(a);
  kernels::binary_forward<Op>(y, a, b, Op{});
  if (a.shape() == b.shape())
    return record(Op::name, y, {a, b}, [](const Tensor& dy, const Needs& needs) -> Grads {
      if (!needs[1] || std::is_same_v<Op, kernels::Add>) return {dy, dy};
      Tensor db = needs.out(1);
      kernels::unary_forward<kernels::Affine>(db, dy, kernels::Affine{-1, 0});
      return {dy, db};
    });
  return record(Op::name, y, {a, b},
                [b = b.detach()](const Tensor& dy, const Needs& needs) -> Grads {
                  if (!needs[1]) return {dy, Tensor()};
                  Tensor db = needs.out(1);
                  // The slope does not depend on a, so any tensor of its shape will do.
                  kernels::binary_backward_b<Op>(db, dy, dy, b, Op{});
                  return {dy, db};
                });
}

template <class Op>
Tensor bilinear(const Tensor& a, const Tensor& b) {
  check_operands(Op::name, a, b);
  Tensor y = empty_like(a);
  kernels::binary_forward<Op>(y, a, b, Op{});
  return record(Op::name, y, {a, b},
                [a = a.detach(), b = b.detach()](const Tensor& dy, const Needs& needs) -> Grads {
                  Tensor da, db;
                  if (needs[0]) kernels::binary_backward_a<Op>(da = needs.out(0), dy, a, b, Op{});
                  if (needs[1]) kernels::binary_backward_b<Op>(db = needs.out(1), dy, a, b, Op{});
                  return {da, db};
                });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return linear<kernels::Add>(a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return linear<kernels::Sub>(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return bilinear<kernels::Mul>(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return bilinear<kernels::Div>(a, b); }

Tensor add(const Tensor& x, double term) { return unary(x, kernels::Affine{1, term}); }
Tensor mul(const Tensor& x, double factor) { return unary(x, kernels::Affine{factor, 0}); }
Tensor neg(const Tensor& x) { return unary(x, kernels::Affine{-1, 0}); }
Tensor exp(const Tensor& x) { return unary(x, kernels::Exp{}); }
Tensor log(const Tensor& x) { return unary(x, kernels::Log{}); }
Tensor sqrt(const Tensor& x) { return unary(x, kernels::Sqrt{}); }
Tensor square(const Tensor& x) { return unary(x, kernels::Square{}); }
Tensor abs(const Tensor& x) { return unary(x, kernels::Abs{}); }

}  // namespace lathe
