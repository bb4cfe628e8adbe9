#include "optim/optimizer.h"

#include "layers/linear.h"
#include "layers/loss.h"
#include "models/mlp.h"
#include "optim/fuse_linear_updates.h"
#include "tensor/random.h"
#include "tensor/tape.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;
using tests::message_of;

namespace {

const LossFunction squared = [](const Tensor& y, const Tensor& target) { return mse(y, target); };

struct Problem {
  explicit Problem(const OptimizerOptions& options)
      : model({.inputs = 7, .hidden = {33, 5}, .outputs = 3}) {
    model.to(DType::f64);
    uint32_t index = 0;
    for (auto& p : model.named_parameters())
      uniform_(p.tensor, -0.5, 0.5, RandomStream(1, Purpose::test, 0, index++));
    uniform_(inputs, -1, 1, RandomStream(2, Purpose::test));
    uniform_(targets, -1, 1, RandomStream(3, Purpose::test));
    std::vector<int> groups;  // biases and the middle layer are of group 1, where there is one
    for (auto& p : model.named_parameters())
      groups.push_back(!options.groups.empty() &&
                       (p.tensor.rank() == 1 || p.name.starts_with("fc2")));
    arena = std::make_unique<ParameterArena>(model.named_parameters(), groups);
    optimizer = std::make_unique<Optimizer>(*arena, options);
  }
  Mlp model;
  Tensor inputs = Tensor::empty({6, 7}, DType::f64), targets = Tensor::empty({6, 3}, DType::f64);
  std::unique_ptr<ParameterArena> arena;
  std::unique_ptr<Optimizer> optimizer;
};

}  // namespace

TEST_CASE("a traced and fused step equals the step op by op") {
  for (const OptimizerOptions& options :
       {OptimizerOptions{.lr = 1e-2},
        OptimizerOptions{.rule = UpdateRule::adamw, .lr = 1e-2, .weight_decay = 0.1},
        OptimizerOptions{.rule = UpdateRule::sgd,
        .lr = 1e-2,
        .weight_decay = 0.1,
        .momentum = 0.9,
        .nesterov = true},
        OptimizerOptions{.rule = UpdateRule::sgd, .lr = 1e-2},
        OptimizerOptions{
            .rule = UpdateRule::adamw, .lr = 1e-2, .weight_decay = 0.1, .groups = {{1e-3, 0}}},
        OptimizerOptions{.lr = 1e-2, .clip_norm = 0.05}}) {
    Problem by_op(options), traced(options);
    TrainStep step(traced.model, squared, *traced.optimizer);
    CHECK_EQ(step.plan_for(traced.inputs, traced.targets).fused_layers,
             options.clip_norm > 0 ? 0 : 3);
    for (int i = 0; i < 5; ++i) {
      by_op.optimizer->zero_grad();
      Tape tape;
      const Tensor loss = mse(by_op.model(by_op.inputs), by_op.targets);
      tape.backward(loss);
      by_op.optimizer->step();
      CHECK(std::abs(step(traced.inputs, traced.targets).loss / loss.item() - 1) < 1e-12);
    }
    CHECK_LE(tests::error(traced.arena->values(), by_op.arena->values()), 1e-12);
  }
}

TEST_CASE("a weight that two layers share is not fused, and trains right") {
  Tensor w = Tensor::empty({5, 5}, DType::f64), x = Tensor::empty({4, 5}, DType::f64);
  uniform_(x, -1, 1, RandomStream(4, Purpose::test));
  std::vector<Tensor> results;
  for (bool traced : {false, true}) {
    w = Tensor::empty({5, 5}, DType::f64);
    uniform_(w, -1, 1, RandomStream(5, Purpose::test));
    w.requires_grad_();
    ParameterArena arena({{"w", w}});
    Optimizer optimizer(arena, {.lr = 1e-2});
    const auto step = [&] {
      optimizer.zero_grad();
      Tape tape;
      tape.backward(mse(linear(linear(x, w, Tensor()), w, Tensor()), x));
      optimizer.apply();
    };
    Plan plan;
    if (traced) {
      plan.trace(step);
      CHECK_EQ(fuse_linear_updates(plan, optimizer), 0);
    }
    for (int i = 0; i < 3; ++i) {
      optimizer.advance();
      traced ? plan.replay() : step();
    }
    results.push_back(w.clone());
  }
  CHECK_LE(tests::error(results[1], results[0]), 1e-13);
}

TEST_CASE("options without meaning are refused") {
  Tensor w = Tensor::zeros({2}).requires_grad_();
  ParameterArena arena({{"w", w}});
  CHECK_EQ(message_of([&] { Optimizer(arena, {.lr = -1}); }), "optimizer: lr is 0 or more, got -1");
  CHECK_EQ(message_of([&] { Optimizer(arena, {.beta2 = 1}); }),
           "optimizer: betas lie in [0, 1), got 0.9 and 1");
  CHECK_EQ(message_of([&] { Optimizer(arena, {.rule = UpdateRule::sgd, .nesterov = true}); }),
           "optimizer: nesterov needs momentum and no dampening");
  CHECK_EQ(message_of([] { ParameterArena({}); }),
           "arena: the model has no parameter that requires a gradient");
}

TEST_CASE("parameters without a gradient stay, as in PyTorch") {
  Tensor used = Tensor::full({3}, 1, DType::f64).requires_grad_(),
         unused = Tensor::full({3}, 1, DType::f64).requires_grad_();
  ParameterArena arena({{"unused", unused}, {"used", used}});
  Optimizer optimizer(arena, {.rule = UpdateRule::sgd, .lr = 1, .weight_decay = 0.5});
  used.add_grad(Tensor::zeros({3}, DType::f64));
  optimizer.step();
  CHECK_EQ(unused.to_vector<double>(), std::vector<double>{1, 1, 1});
  CHECK_EQ(used.to_vector<double>(), std::vector<double>{0.5, 0.5, 0.5});
}
