// Every row of linear_backward_update against the reference row in f64, for all rules, odd shapes,
// with and without bias and input gradient; and the same bytes from two runs.
#include "kernels/linear_update.h"

#include <cstring>
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

using namespace lathe;
using kernels::hyper_tensor;
using kernels::UpdateRule;

namespace {

struct Case {
  int64_t batch, n, k;
  UpdateRule rule;
  bool moments, bias, dx;
};

/// All tensors of a call, filled the same way for any type.
struct Problem {
  Tensor w, bias, w_m, w_v, bias_m, bias_v, dx, scratch, dy, x, hyper;
  UpdateRule rule;

  Problem(const Case& c, DType dtype, Device device = Device::cpu) : rule(c.rule) {
    auto filled = [&](const Shape& shape, double low, double high) {
      std::vector<double> values(size_t(shape.numel()));
      for (double& value : values) value = low + (high - low) * next();
      return Tensor::from(values, shape).to(dtype);
    };
    w = filled({c.n, c.k}, -1, 1);
    if (c.bias) bias = filled({c.n}, -1, 1);
    const bool has_v = c.rule != UpdateRule::sgd;
    if (c.moments) w_m = filled({c.n, c.k}, -1, 1);
    if (has_v) w_v = filled({c.n, c.k}, 0, 1);
    if (c.bias && c.moments) bias_m = filled({c.n}, -1, 1);
    if (c.bias && has_v) bias_v = filled({c.n}, 0, 1);
    dy = filled({c.batch, c.n}, -1, 1);
    x = filled({c.batch, c.k}, -1, 1);
    if (c.dx) dx = Tensor::full({c.batch, c.k}, 7, dtype);
    scratch =
        Tensor::full({kernels::linear_update_scratch(Device::cpu, c.batch, c.k, c.n)}, 3, dtype);
    hyper = hyper_tensor({.lr = 0.01,
                          .correction1 = 0.3,
                          .correction2 = 0.02,
                          .momentum = 0.9,
                          .nesterov = 1,
                          .weight_decay = 0.1,
                          .step = 3});
    for (Tensor* t : {&w, &bias, &w_m, &w_v, &bias_m, &bias_v, &dx, &scratch, &dy, &x, &hyper})
      if (*t) *t = t->to(device);
  }
  void run() {
    kernels::linear_backward_update(w, bias, w_m, w_v, bias_m, bias_v, dx, scratch, dy, x, hyper,
                                    rule);
  }
  std::vector<Tensor> results() const {
    std::vector<Tensor> all;
    for (const Tensor& t : {w, bias, w_m, w_v, bias_m, bias_v, dx})
      if (t) all.push_back(t.to(Device::cpu));
    return all;
  }

 private:
  double next() {
    return double((state_ = state_ * 6364136223846793005u + 1442695040888963407u) >> 11) * 0x1p-53;
  }
  uint64_t state_ = 5;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const int64_t shapes[][3] = {{1, 1, 1},    {4, 31, 33}, {3, 8, 257}, {33, 5, 64},
                               {5, 257, 31}, {0, 4, 9},   {4, 0, 9},   {2, 130, 190}};
  for (const auto& s : shapes)
    for (UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam, UpdateRule::adamw})
      for (bool dx : {false, true}) {
        all.push_back({s[0], s[1], s[2], rule, true, dx, dx});
        if (rule == UpdateRule::sgd)
          for (bool bias : {false, true}) all.push_back({s[0], s[1], s[2], rule, false, bias, dx});
      }
  return all;
}

}  // namespace

namespace {

/// Whether the row took the case; compares its results with the reference's if so.
bool compare_row(const RowInfo& row, Device device, DType dtype, const Case& c) {
  CAPTURE(c.n);
  CAPTURE(c.k);
  CAPTURE(c.batch);
  Problem expected(c, DType::f64), got(c, dtype, device), again(c, dtype, device);
  {
    ForceVariant reference("linear_backward_update=reference");
    expected.run();
  }
  ForceVariant forced(std::string("linear_backward_update=") + row.name);
  try {
    got.run();
    again.run();
  } catch (const Error& declined) {
    CHECK(std::string(declined.what()) ==
          "linear_backward_update: the row 'tile' was asked for, but needs rows of a multiple of "
          "16 bytes");
    CHECK(c.k * size_of(dtype) % 16 != 0);
    return false;
  }
  const auto want = expected.results(), have = got.results(), same = again.results();
  for (size_t i = 0; i < want.size(); ++i) {
    CAPTURE(i);
    CHECK(tests::error(have[i], want[i]) <= (dtype == DType::f32 ? 1e-5 : 1e-13));
    CHECK(std::memcmp(have[i].raw(), same[i].raw(), size_t(have[i].bytes())) == 0);
  }
  return true;
}

}  // namespace

TEST_CASE("linear_backward_update: every row equals the reference") {
  for (Device device : tests::devices())
    for (const RowInfo& row : tests::rows_here(kernels::linear_backward_update, device)) {
      CAPTURE(std::string(row.name));
      int without_bias = 0, without_momentum = 0;
      for (DType dtype : {DType::f32, DType::f64})
        for (const Case& c : cases())
          if (compare_row(row, device, dtype, c)) {
            without_bias += !c.bias;
            without_momentum += !c.moments;
          }
      CHECK(without_bias > 0);
      CHECK(without_momentum > 0);
    }
}

TEST_CASE("linear_backward_update: wrong arguments") {
  Problem p({4, 3, 5, UpdateRule::adam, true, true, true}, DType::f32);
  p.w_v = Tensor();
  CHECK(tests::message_of([&] { p.run(); }) ==
        "linear_backward_update: adam expects two moments as f32 (3, 5)");
  Problem q({4, 3, 5, UpdateRule::adam, true, true, true}, DType::f32);
  q.x = Tensor::zeros({4, 6});
  CHECK(tests::message_of([&] { q.run(); }) ==
        "linear_backward_update: expects w (N, K), x (B, K) and dy (B, N), got (3, 5), (4, 6) and "
        "(4, 3)");
}
