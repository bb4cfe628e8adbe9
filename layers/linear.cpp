#include "layers/linear.h"

#include <cmath>

#include "kernels/matmul.h"
#include "kernels/reduce.h"
#include "layers/init.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

/// x as a matrix whose rows are its last dimension.
Tensor as_rows(const Tensor& x) {
  return x.rank() == 2 ? x : x.reshape({x.shape().part(0, x.rank() - 1).numel(), x.dim(-1)});
}

/// The gradient of the product from that of the activated output.
Tensor before_relu(const Tensor& dy, const Tensor& y) {
  Tensor dz = empty_like(dy);
  kernels::relu_mask(dz, dy, y);
  return dz;
}

}  // namespace

// optim/fuse_linear_updates.cpp looks for the calls of this backward in a recorded step and
// replaces them by one kernel: matmul for dw, sum_rows for db, matmul for dx, in this order.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, LinearActivation activation) {
  LATHE_CHECK(w.rank() == 2, "linear: expects a weight (out, in), got ", w.shape());
  LATHE_CHECK(x.rank() >= 1 && x.dim(-1) == w.dim(1), "linear: the weight ", w.shape(), " expects ",
              w.dim(1), " features in the last dimension, got x ", x.shape());
  LATHE_CHECK(!b || (b.rank() == 1 && b.dim(0) == w.dim(0)), "linear: expects a bias (", w.dim(0),
              ",), got ", b.shape());
  LATHE_CHECK(x.dtype() == w.dtype(), "linear: x is ", x.dtype(), ", but the weight ", w.dtype());
  const bool relu = activation == LinearActivation::relu;
  const Tensor rows = as_rows(x).detach();
  Tensor y = Tensor::empty(x.shape().with(-1, w.dim(0)), x.dtype(), x.device());
  Tensor y_rows = y.reshape({rows.dim(0), w.dim(0)});
  const auto epilogue = relu ? kernels::Epilogue::bias_relu
                        : b  ? kernels::Epilogue::bias
                             : kernels::Epilogue::none;
  kernels::matmul(y_rows, rows, w, b, {.transpose_b = true, .epilogue = epilogue});
  if (!relu) y_rows = Tensor();  // not needed by the backward
  const Tensor kept = Tape::wants(w) ? rows : Tensor();
  return record(
      "linear", y, {x, w, b},
      [rows = kept, w = w.detach(), y_rows](const Tensor& dy, const Needs& needs) -> Grads {
        const Tensor dy_rows = as_rows(dy);
        const Tensor dz = y_rows ? before_relu(dy_rows, y_rows) : dy_rows;
        Grads grads(3);
        if (needs[1]) {
          grads[1] = needs.out(1);
          kernels::matmul(grads[1], dz, rows, {}, {.transpose_a = true});
        }
        if (needs[2]) {
          grads[2] = needs.out(2);
          kernels::sum_rows(grads[2], dz);
        }
        if (needs[0]) {
          grads[0] = needs.out(0);
          Tensor dx = as_rows(grads[0]);
          kernels::matmul(dx, dz, w, {}, {});
        }
        return grads;
      });
}

Linear::Linear(int64_t in_features, int64_t out_features, bool with_bias) {
  LATHE_CHECK(in_features >= 1 && out_features >= 1,
              "Linear: expects at least one feature in and out, got ", in_features, " and ",
              out_features);
  weight = Tensor::empty({out_features, in_features});
  kaiming_uniform_(weight, in_features, std::sqrt(5.0));
  weight.requires_grad_();
  if (!with_bias) return;
  bias = Tensor::empty({out_features});
  const double bound = 1 / std::sqrt(double(in_features));
  init_uniform_(bias, bound);
  bias.requires_grad_();
}

Tensor Linear::forward_relu(const Tensor& x) const {
  const ErrorScope scope(path());
  return linear(x, weight, bias, LinearActivation::relu);
}

void Linear::visit(Visitor& visitor) {
  visitor.parameter("weight", weight);
  visitor.parameter("bias", bias);
}

std::string Linear::details() const {
  return concat("in_features=", in_features(), ", out_features=", out_features(),
                ", bias=", bias ? "True" : "False");
}

}  // namespace lathe
