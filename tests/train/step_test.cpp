// What a training step promises besides its losses.
#include "train/step.h"

#include <limits>
#include <utility>

#include "layers/arithmetic.h"
#include "layers/linear.h"
#include "layers/loss.h"
#include "layers/random_state.h"
#include "models/mlp.h"
#include "tensor/random.h"
#include "tensor/tape.h"
#include "tests/support.h"
#include "train/nonfinite.h"

using namespace lathe;

namespace {

/// Two Linears on the same inputs, the second of which is a second classifier.
class TwoOutputs final : public Module {
 public:
  Tensor forward(const Tensor& x) override {
    if (training()) second_outputs_ = second(x);
    return first(x);
  }
  Tensor take_auxiliary_outputs() override { return std::exchange(second_outputs_, {}); }
  void visit(Visitor& visitor) override {
    visitor.child("first", first);
    visitor.child("second", second);
  }
  std::string kind() const override { return "TwoOutputs"; }

  Linear first{3, 2}, second{3, 2};

 private:
  Tensor second_outputs_;
};

}  // namespace

TEST_CASE("a second classifier adds its share to the loss of a step, and is trained") {
  TwoOutputs model;
  model.to(DType::f64);
  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, {.rule = UpdateRule::sgd, .lr = 0.5});
  const LossFunction loss = [](const Tensor& y, const Tensor& t) { return mse(y, t); };
  const Tensor x = Tensor::from<double>({1, 2, -1, 0, 1, 3}, {2, 3}),
               t = Tensor::from<double>({1, 0, 0, 1}, {2, 2});
  const Tensor weight = model.second.weight.clone();
  const double main = loss(model.first(x), t).item(), second = loss(model.second(x), t).item();
  Tensor slope;
  {
    Tape tape;
    tape.backward(loss(model.second(x), t));
    slope = model.second.weight.grad().clone();
  }
  const double got = TrainStep(model, loss, optimizer)(x, t).loss;
  CHECK(got == doctest::Approx(main + 0.4 * second).epsilon(1e-12));
  CHECK(tests::error(model.second.weight, add(weight, mul(slope, -0.5 * 0.4))) <= 1e-12);
  CHECK(EvalStep(model, loss)(x, t).loss == loss(model.eval()(x), t).item());
}

TEST_CASE("a loss that is not finite updates nothing, and the layer where it began is named") {
  for (Device device : {Device::cpu, Device::cuda}) {
    if (const std::string reason = unavailable(device); !reason.empty()) {
      tests::skip("a loss that is not finite, on the device", reason);
      continue;
    }
    for (double clip_norm : {0.0, 1.0}) {  // with the fused update, and with the separate passes
      CAPTURE(int(device));
      CAPTURE(clip_norm);
      Mlp model({.inputs = 8, .hidden = {16}, .outputs = 1});
      model.to(device);
      model.name_paths();
      ParameterArena arena(model.named_parameters());
      Optimizer optimizer(arena, {.lr = 1e-2, .clip_norm = clip_norm});
      const LossFunction loss = [](const Tensor& y, const Tensor& t) { return mse(y, t); };
      Tensor weights = arena.values();
      fill_(weights, 1);  // so that fc1 sums eight of the largest floats
      TrainStep step(model, loss, optimizer);
      const Tensor labels = Tensor::zeros({4, 1}), good = Tensor::full({4, 8}, 1);
      const Tensor bad = Tensor::full({4, 8}, std::numeric_limits<float>::max());
      CHECK(std::isfinite(step(good, labels).loss));
      for (int i = 0; i < 3; ++i) {  // run call by call, captured, and as a graph
        const auto before = arena.values().to_vector<float>();
        CHECK_FALSE(std::isfinite(step(bad, labels).loss));
        CHECK_EQ(optimizer.steps(), i + 1);
        CHECK_EQ(arena.values().to_vector<float>(), before);
        CHECK(std::isfinite(step(good, labels).loss));
        CHECK_NE(arena.values().to_vector<float>(), before);
      }
      const std::string found = find_nonfinite(model, loss, bad.to(device), labels.to(device));
      CHECK_MESSAGE(found.find("the first inf is in fc1") == 0, found);
    }
  }
}

TEST_CASE("the update of a Linear is fused for batches that are small enough") {
  Mlp model({.inputs = 8, .hidden = {16}, .outputs = 1});
  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, {});
  TrainStep step(
      model, [](const Tensor& y, const Tensor& t) { return mse(y, t); }, optimizer);
  for (const auto& [batch, layers] : {std::pair<int64_t, int>{1, 2}, {128, 2}, {129, 0}})
    CHECK_EQ(step.plan_for(Tensor::zeros({batch, 8}), Tensor::zeros({batch, 1})).fused_layers,
             layers);
}

TEST_CASE("batches that are accumulated make the update of all their samples at once") {
  for (Device device : tests::devices())
    for (const OptimizerOptions& options :
         {OptimizerOptions{.rule = UpdateRule::sgd, .lr = 0.1, .momentum = 0.9},
          OptimizerOptions{.lr = 1e-2, .clip_norm = 0.05},
          OptimizerOptions{.rule = UpdateRule::sgd, .lr = 0.1, .l1 = 0.02}}) {
      CAPTURE(int(device));
      CAPTURE(options.clip_norm);
      CAPTURE(options.l1);
      const auto make = [&] {
        manual_seed(5);
        auto model = std::make_unique<Mlp>(MlpOptions{.inputs = 3, .hidden = {5}, .outputs = 2});
        model->to(DType::f64);
        model->to(device);
        return model;
      };
      const auto one = make(), several = make();
      ParameterArena arena(one->named_parameters()), other(several->named_parameters());
      Optimizer optimizer(arena, options), accumulating(other, options);
      const LossFunction loss = [](const Tensor& y, const Tensor& t) { return mse(y, t); };
      TrainStep whole(*one, loss, optimizer), parts(*several, loss, accumulating);
      Tensor x = Tensor::empty({20, 3}, DType::f64), t = Tensor::empty({20, 2}, DType::f64);
      uniform_(x, -1, 1, RandomStream(1, Purpose::test));
      uniform_(t, -1, 1, RandomStream(2, Purpose::test));
      for (int i = 0; i < 3; ++i) {
        const int64_t from = 5 * i;
        whole(x.slice(from, from + 10), t.slice(from, from + 10));
        for (int64_t k = 0; k < 3; ++k) {  // batches of 4, 4 and 2
          const int64_t begin = from + 4 * k, end = std::min(begin + 4, from + 10);
          CHECK_EQ(accumulating.steps(), i);
          parts.accumulate(x.slice(begin, end), t.slice(begin, end), {k, 4, k == 2});
        }
        CHECK_LE(tests::error(other.values(), arena.values()), 1e-9);
      }
      CHECK_EQ(accumulating.steps(), 3);
    }
}
