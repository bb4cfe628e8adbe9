// Optimiser steps, the gradient's norm, and the Linear's fused backward and update.
#include "kernels/linear_update.h"
#include "kernels/optimizer.h"
#include "kernels/weight_passes.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

using kernels::UpdateRule;

const char* name(UpdateRule rule) {
  return rule == UpdateRule::sgd ? "sgd" : rule == UpdateRule::adam ? "adam" : "adamw";
}

Tensor third_step(Device device) {
  return constant_on(device, kernels::hyper_tensor({.lr = 0.01,
                                                    .correction1 = 0.3,
                                                    .correction2 = 0.02,
                                                    .momentum = 0.9,
                                                    .nesterov = 1,
                                                    .weight_decay = 0.1,
                                                    .max_norm = 0.5,
                                                    .step = 3}));
}

OpCase step_case(UpdateRule rule, int64_t n) {
  return {.name = concat("optimizer_step/", name(rule), "/", n),
          .inputs = {{{n}}, {{n}}, {.shape = {n}, .low = 0}, {{n}}},
          .call =
              [rule](const auto& in) {
                Tensor params = in[0], m = in[1], v = in[2];
                if (rule == UpdateRule::sgd) v = Tensor();
                const Tensor norm = Tensor::full({1}, 3, DType::f64, in[0].device());
                kernels::optimizer_step(params, m, v, in[3], third_step(in[0].device()), norm,
                                        rule);
                return std::vector{params, m, in[2]};
              },
          .differentiable = false,
          .tiny = n < 100};
}

OpCase norm_case(int64_t n) {
  return {.name = concat("gradient_norm/", n),
          .inputs = {{{n}}},
          .call =
              [](const auto& in) {
                Tensor norm = Tensor::empty({1}, DType::f64, in[0].device());
                kernels::gradient_norm(norm, in[0]);
                return std::vector{norm};
              },
          .differentiable = false,
          .tiny = n < 100};
}

OpCase passes_case(int64_t n) {
  return {.name = concat("weight_passes/", n),
          .inputs = {{{n}}, {{n}}},
          .call =
              [](const auto& in) {
                Tensor grads = in[0].clone(), average = in[0].clone();
                kernels::add_l1_gradient(
                    grads, in[1],
                    constant_on(in[0].device(), kernels::hyper_tensor({.l1 = 0.125})));
                kernels::update_average(average, in[1], 0.75);
                return std::vector{grads, average};
              },
          .differentiable = false,
          .tiny = n < 100};
}

/// w and its moments, bias and its moments, dy, x; one call with all of them.
OpCase linear_case(UpdateRule rule, int64_t batch, int64_t n, int64_t k) {
  return {.name = concat("linear_backward_update/", name(rule), "/", batch, "x", n, "x", k),
          .inputs = {{{n, k}},
                     {{n, k}},
                     {.shape = {n, k}, .low = 0},
                     {{n}},
                     {{n}},
                     {.shape = {n}, .low = 0},
                     {{batch, n}},
                     {{batch, k}}},
          .call =
              [=](const auto& in) {
                Tensor w = in[0], w_m = in[1], w_v = in[2], bias = in[3], b_m = in[4], b_v = in[5];
                if (rule == UpdateRule::sgd) w_v = b_v = Tensor();
                Tensor dx = Tensor::empty(in[7].shape(), w.dtype(), w.device());
                Tensor scratch =
                    Tensor::empty({kernels::linear_update_scratch(w.device(), batch, k, n)},
                                  w.dtype(), w.device());
                kernels::linear_backward_update(w, bias, w_m, w_v, b_m, b_v, dx, scratch, in[6],
                                                in[7], third_step(w.device()), rule);
                return std::vector{w, w_m, in[2], bias, b_m, in[5], dx};
              },
          .differentiable = false,
          .tiny = n * k < 300};
}

std::vector<OpCase> optimizer_cases() {
  std::vector<OpCase> all;
  for (int64_t n : {0, 1, 31, 257, 4099}) {
    for (UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam, UpdateRule::adamw})
      all.push_back(step_case(rule, n));
    all.push_back(norm_case(n));
    all.push_back(passes_case(n));
  }
  for (UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam, UpdateRule::adamw})
    for (const auto& s : std::initializer_list<Shape>{
             {1, 1, 1}, {4, 31, 33}, {3, 8, 257}, {0, 4, 9}, {0, 4, 8}, {3, 5, 40}, {2, 6, 1032}})
      all.push_back(linear_case(rule, s[0], s[1], s[2]));
  // 64 MB of weights: weights and moments are read and written, gradients read.
  constexpr int64_t large = 16 << 20;
  for (UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam, UpdateRule::adamw}) {
    OpCase bench = step_case(rule, large);
    bench.bench = true;
    bench.elements = (rule == UpdateRule::sgd ? 5.0 : 7.0) * double(large);
    all.push_back(std::move(bench));
  }
  OpCase bench = norm_case(large);
  bench.bench = true;
  bench.elements = double(large);
  all.push_back(std::move(bench));
  return all;
}

const Registered registered{optimizer_cases};

}  // namespace
}  // namespace lathe::tests
