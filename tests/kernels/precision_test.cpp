// Sums over very many positions, for which op cases are too small: 50,000 elements with a mean far
// from 0, added in f32 one after another, lose two digits (PyTorch 2.15's batch norm in f32 is 3e-5
// off on such x, oneDNN's weight gradient 1e-5). Our fast rows for the CPU lose none.
#include "kernels/batch_norm.h"
#include "kernels/conv2d.h"
#include "kernels/reduce.h"
#include "tensor/random.h"
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

using namespace lathe;

namespace {

/// Values that f32 holds.
Tensor random(const Shape& shape, double low, double high, uint32_t index) {
  Tensor x = Tensor::empty(shape);
  uniform_(x, low, high, RandomStream(2, Purpose::test, 0, index));
  return x;
}

using Results = std::vector<Tensor>;

/// Results of f(dtype) in f32 with each fast row of a kernel in turn, against those in f64.
template <class Kernel, class F>
void check_rows(const Kernel& kernel, const F& f) {
  const Results want = f(DType::f64);
  for (const RowInfo& row : tests::rows_here(kernel, Device::cpu)) {
    if (row.rank == Rank::vendor || row.rank == Rank::reference) continue;
    const ForceVariant forced(kernel.name() + "=" + row.name);
    CAPTURE(std::string(row.name));
    Results got;
    try {
      got = f(DType::f32);
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("was asked for, but needs") != std::string::npos);
      continue;
    }
    for (size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(tests::error(got[i].to(DType::f64), want[i].to(DType::f64)) <= 1e-6);
    }
  }
}

}  // namespace

TEST_CASE("precision: batch norm of 50,000 rows") {
  if (tests::slow_build) return;
  constexpr int64_t channels = 24;
  const Shape shape = {16, 56, 56, channels};
  const Tensor x = random(shape, 10, 11.5, 0), dy = random(shape, -1, 1, 1);
  const Tensor weight = random({channels}, 0.5, 1.5, 2), bias = random({channels}, -0.5, 0.5, 3);
  const auto forward = [&](DType t, Tensor& mean, Tensor& rstd) {
    Tensor y = Tensor::empty(shape, t), running_mean = Tensor::zeros({channels}, t),
           running_var = Tensor::zeros({channels}, t), batches = Tensor::zeros({}, DType::i64);
    mean = Tensor::empty({channels}, DType::f64);
    rstd = Tensor::empty({channels}, DType::f64);
    kernels::batch_norm_forward(y, mean, rstd, running_mean, running_var, batches, x.to(t),
                                weight.to(t), bias.to(t), {}, kernels::Nonlinearity::none,
                                {.momentum = 1});
    return Results{y, running_mean, running_var};
  };
  check_rows(kernels::batch_norm_forward, [&](DType t) {
    Tensor mean, rstd;
    return forward(t, mean, rstd);
  });
  Tensor mean, rstd;
  forward(DType::f64, mean, rstd);
  check_rows(kernels::batch_norm_backward, [&](DType t) {
    Tensor dx = Tensor::empty(shape, t), dresidual, dweight = Tensor::empty({channels}, t),
           dbias = Tensor::empty({channels}, t);
    kernels::batch_norm_backward(dx, dresidual, dweight, dbias, dy.to(t), x.to(t), {}, mean, rstd,
                                 weight.to(t), bias.to(t), kernels::Nonlinearity::none,
                                 kernels::Statistics::batch);
    return Results{dx, dweight, dbias};
  });
}

TEST_CASE("precision: gradients of weights and biases over 50,000 positions") {
  if (tests::slow_build) return;
  const Tensor x = random({16, 56, 56, 16}, 0, 1, 0), dy = random({16, 56, 56, 24}, -0.5, 1, 1);
  check_rows(kernels::sum_rows, [&](DType t) {
    Tensor y = Tensor::empty({24}, t);
    kernels::sum_rows(y, dy.to(t));
    return Results{y};
  });
  check_rows(kernels::conv2d_backward_weight, [&](DType t) {
    Tensor dw = Tensor::empty({24, 3, 3, 16}, t), none;
    kernels::conv2d_backward_weight(dw, none, dy.to(t), x.to(t),
                                    {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1});
    return Results{dw};
  });
}
