#include "layers/drop_path.h"

#include <cstdio>

#include "kernels/drop_path.h"
#include "layers/arithmetic.h"
#include "layers/random_state.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

void check_probability(const char* op, double p) {
  LATHE_CHECK(p >= 0 && p <= 1, op, ": expects a probability from 0 to 1, got ", p);
}

}  // namespace

Tensor drop_path(const Tensor& x, double p, uint32_t op, const Tensor& shortcut) {
  check_probability("drop_path", p);
  LATHE_CHECK(x.rank() >= 1, "drop_path: expects a batch of samples, got shape ", x.shape());
  LATHE_CHECK(is_floating(x.dtype()), "drop_path: expects a floating type, got ", x.dtype());
  LATHE_CHECK(!shortcut || (shortcut.shape() == x.shape() && shortcut.dtype() == x.dtype()),
              "drop_path: expects a shortcut of the branch's shape and type, got ",
              shortcut ? shortcut.shape() : Shape{}, " for ", x.shape());
  const kernels::DropoutMask mask{random_seed(), op, p};
  const Tensor& step = random_step(x.device());
  Tensor y = empty_like(x);
  kernels::drop_path(y, x, shortcut, step, mask);
  return record("drop_path", y, {x, shortcut},
                [step, mask](const Tensor& dy, const Needs& needs) -> Grads {
                  if (!needs[0]) return {Tensor(), dy};
                  Tensor dx = needs.out(0);
                  kernels::drop_path(dx, dy, Tensor(), step, mask);
                  return {dx, needs[1] ? dy : Tensor()};
                });
}

DropPath::DropPath(double p) : p_(p), op_(next_random_op()) { check_probability("DropPath", p); }

Tensor DropPath::add_to(const Tensor& shortcut, const Tensor& x) const {
  const ErrorScope scope(path());
  return active() ? drop_path(x, p_, op_, shortcut) : add(x, shortcut);
}

std::string DropPath::details() const {
  char text[32];
  std::snprintf(text, sizeof text, "drop_prob=%.3f", p_);
  return text;
}

}  // namespace lathe
