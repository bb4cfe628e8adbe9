// Optimiser steps: the reference row against PyTorch's numbers, the other rows against the
// reference row, clipping, the check for Inf, and the norm.
#include "kernels/optimizer.h"

#include <cstring>
#include <limits>

#include "kernels/weight_passes.h"
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

using namespace lathe;
using kernels::Hyper;
using kernels::hyper_tensor;
using kernels::UpdateRule;

namespace {

std::vector<double> wave(int64_t n, double phase, double low, double high) {
  std::vector<double> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    values[size_t(i)] = low + (high - low) * (0.5 + 0.5 * std::sin(double(i) * 1.7 + phase));
  return values;
}

struct Flat {
  Tensor params, m, v, grads;
  Flat(int64_t n, UpdateRule rule, bool moments, DType dtype)
      : params(Tensor::from(wave(n, 0, -1, 1), {n}).to(dtype)),
        grads(Tensor::from(wave(n, 1, -2, 2), {n}).to(dtype)) {
    if (moments) m = Tensor::from(wave(n, 2, -1, 1), {n}).to(dtype);
    if (rule != UpdateRule::sgd) v = Tensor::from(wave(n, 3, 0, 1), {n}).to(dtype);
  }
};

Hyper hyper_at(int t, double lr, UpdateRule rule) {
  Hyper h{.lr = lr, .weight_decay = 0.1, .step = double(t)};
  h.correction1 = 1 - std::pow(h.beta1, t);
  h.correction2 = 1 - std::pow(h.beta2, t);
  if (rule == UpdateRule::sgd) h.momentum = 0.9;
  return h;
}

}  // namespace

// torch 2.15, f64: w = [0.5, -1, 2, 0.5], three steps with gradients [0.1, -0.2, 0.3, 0.1] * t, lr
// 0.1, weight_decay 0.1; sgd with momentum 0.9, and with nesterov or dampening.
TEST_CASE("optimizer_step: PyTorch's numbers") {
  struct Golden {
    UpdateRule rule;
    double nesterov, dampening;
    std::vector<double> weights;
  };
  const Golden goldens[] = {
      {UpdateRule::sgd, 0, 0, {0.37766849999999996, -0.75533699999999993, 1.6051949999999999}},
      {UpdateRule::sgd, 1, 0, {0.31660191149999994, -0.63320382299999989, 1.410252705}},
      {UpdateRule::sgd, 0, 0.4, {0.41028145999999999, -0.82056291999999997, 1.7087261999999999}},
      {UpdateRule::adam, 0, 0, {0.20328181951808311, -0.70365003020449735, 1.7030590151960288}},
      {UpdateRule::adamw, 0, 0, {0.19578637731062998, -0.68093586717222443, 1.6512348637927556}},
  };
  const auto four = [](std::vector<double> values) {  // 16 bytes, for rows with vectors
    values.push_back(values[0]);
    return Tensor::from(values, {4});
  };
  for (Device device : tests::devices())
    for (const Golden& golden : goldens)
      for (const RowInfo& row : tests::rows_here(kernels::optimizer_step, device)) {
        CAPTURE(std::string(row.name));
        CAPTURE(golden.weights[0]);
        ForceVariant forced(std::string("optimizer_step=") + row.name);
        Tensor w = four({0.5, -1, 2}).to(device), m = zeros_like(w), v;
        if (golden.rule != UpdateRule::sgd) v = zeros_like(w);
        for (int t = 1; t <= 3; ++t) {
          const Tensor g = four({0.1 * t, -0.2 * t, 0.3 * t}).to(device);
          Hyper h = hyper_at(t, 0.1, golden.rule);
          h.nesterov = golden.nesterov;
          h.dampening = golden.dampening;
          kernels::optimizer_step(w, m, v, g, hyper_tensor(h).to(device), Tensor(), golden.rule);
        }
        CHECK(tests::error(w, four(golden.weights)) < 1e-14);
      }
}

namespace {

void compare_row(Device device, const char* row, DType dtype, int64_t n, UpdateRule rule,
                 bool moments) {
  CAPTURE(std::string(row));
  Flat expected(n, rule, moments, DType::f64), got(n, rule, moments, dtype);
  Hyper h = hyper_at(3, 0.01, rule);
  h.inverse_loss_scale = 0.25;
  h.max_norm = 0.5;
  const Tensor norm = Tensor::from<double>({3}, {1});
  {
    ForceVariant reference("optimizer_step=reference");
    kernels::optimizer_step(expected.params, expected.m, expected.v, expected.grads,
                            hyper_tensor(h), norm, rule);
  }
  const auto there = [&](Tensor& x) { return x ? x.to(device) : Tensor(); };
  Tensor params = there(got.params), m = there(got.m), v = there(got.v);
  try {
    ForceVariant forced(std::string("optimizer_step=") + row);
    kernels::optimizer_step(params, m, v, there(got.grads), hyper_tensor(h).to(device),
                            norm.to(device), rule);
  } catch (const Error& declined) {
    CHECK(std::string(declined.what()) ==
          "optimizer_step: the row 'vector' was asked for, but needs a multiple of 16 bytes");
    CHECK(params.bytes() % 16 != 0);
    return;
  }
  const double bound = dtype == DType::f32 ? 1e-6 : 1e-14;
  CHECK(tests::error(params, expected.params) <= bound);
  if (m) CHECK(tests::error(m, expected.m) <= bound);
  if (v) CHECK(tests::error(v, expected.v) <= bound);
}

}  // namespace

TEST_CASE("optimizer_step: every row equals the reference") {
  for (Device device : tests::devices())
    for (const RowInfo& row : tests::rows_here(kernels::optimizer_step, device))
      for (DType dtype : {DType::f32, DType::f64})
        for (int64_t n : {0, 1, 31, 256, 257, 20004})
          for (UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam, UpdateRule::adamw})
            for (bool moments : {true, false})
              if (moments || rule == UpdateRule::sgd)
                compare_row(device, row.name, dtype, n, rule, moments);
}

TEST_CASE("optimizer_step: clips to max_norm, and leaves everything alone after an Inf") {
  for (Device device : tests::devices())
    for (const RowInfo& row : tests::rows_here(kernels::optimizer_step, device)) {
      CAPTURE(std::string(row.name));
      ForceVariant forced(std::string("optimizer_step=") + row.name);
      Tensor w = Tensor::from<double>({1, 1}, {2}).to(device), none;
      const Tensor g = Tensor::from<double>({6, 8}, {2}).to(device);
      const Tensor hyper = hyper_tensor({.lr = 1, .max_norm = 5}).to(device);
      const auto step_with_norm = [&](double norm) {
        kernels::optimizer_step(w, none, none, g, hyper,
                                Tensor::from<double>({norm}, {1}).to(device), UpdateRule::sgd);
      };
      step_with_norm(10);
      CHECK(w.to_vector<double>()[0] == doctest::Approx(-2).epsilon(1e-6));
      CHECK(w.to_vector<double>()[1] == doctest::Approx(-3).epsilon(1e-6));
      for (double bad : {HUGE_VAL, std::nan("")}) {
        const Tensor before = w.clone();
        step_with_norm(bad);
        CHECK(tests::error(w, before) == 0);
      }
    }
}

TEST_CASE("gradient_norm: every row") {
  for (Device device : tests::devices())
    for (const RowInfo& row : tests::rows_here(kernels::gradient_norm, device))
      for (DType dtype : {DType::f32, DType::f64}) {
        CAPTURE(std::string(row.name));
        ForceVariant forced(std::string("gradient_norm=") + row.name);
        Tensor norm = Tensor::zeros({1}, DType::f64).to(device);
        for (int64_t n : {0, 1, 63, 65, 100003}) {
          kernels::gradient_norm(norm, Tensor::full({n}, 2, dtype).to(device));
          CHECK(norm.item() == doctest::Approx(2 * std::sqrt(double(n))).epsilon(1e-14));
        }
        kernels::gradient_norm(norm,
                               Tensor::from<double>({1, HUGE_VAL, 2}, {3}).to(dtype).to(device));
        CHECK(!std::isfinite(norm.item()));
      }
}

TEST_CASE("the passes over weights beside the optimiser's: values worked out by hand") {
  for (Device device : tests::devices())
    for (DType dtype : {DType::f32, DType::f64}) {
      const Tensor w = Tensor::from<double>({3, -2, 0, -0.0}, {4}).to(dtype).to(device);
      Tensor g = Tensor::from<double>({1, 1, 1, 1}, {4}).to(dtype).to(device);
      kernels::add_l1_gradient(g, w, hyper_tensor({.l1 = 0.25}).to(device));
      CHECK_EQ(g.to_vector<double>(), std::vector<double>{1.25, 0.75, 1, 1});
      Tensor a = Tensor::from<double>({1, 2, 0, 0}, {4}).to(dtype).to(device);
      kernels::update_average(a, w, 0.75);
      CHECK_EQ(a.to_vector<double>(), std::vector<double>{1.5, 1, 0, 0});
      Tensor same = Tensor::full({4}, 0.1, dtype).to(device);
      for (int i = 0; i < 100; ++i) kernels::update_average(same, same.clone(), 0.999);
      CHECK_EQ(tests::error(same, Tensor::full({4}, 0.1, dtype)), 0);
    }
}
