#include "layers/dropout.h"

#include "kernels/dropout.h"
#include "layers/random_state.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

void check_probability(const char* op, double p) {
  LATHE_CHECK(p >= 0 && p <= 1, op, ": expects a probability from 0 to 1, got ", p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, uint32_t op) {
  check_probability("dropout", p);
  const kernels::DropoutMask mask{random_seed(), op, p};
  const Tensor& step = random_step(x.device());
  Tensor y = empty_like(x);
  kernels::dropout(y, x, step, mask);
  return record("dropout", y, {x}, [step, mask](const Tensor& dy, const Needs& needs) -> Grads {
    Tensor dx = needs.out(0);
    kernels::dropout(dx, dy, step, mask);
    return {dx};
  });
}

Dropout::Dropout(double p) : p_(p), op_(next_random_op()) { check_probability("Dropout", p); }

std::string Dropout::details() const { return concat("p=", p_, ", inplace=False"); }

}  // namespace lathe
