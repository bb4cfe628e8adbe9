// Dropout: its masks in replayed plans, over steps, devices and resumed runs.
#include "layers/dropout.h"

#include <algorithm>

#include "layers/linear.h"
#include "layers/loss.h"
#include "layers/random_state.h"
#include "layers/sequential.h"
#include "tensor/plan.h"
#include "tensor/tape.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;

TEST_CASE("Dropout keeps the mean, drops its share, and does nothing in evaluation") {
  manual_seed(1);
  Dropout layer(0.3);
  const Tensor ones = Tensor::full({100000}, 1);
  const auto y = layer(ones).to_vector<float>();
  const double dropped = double(std::count(y.begin(), y.end(), 0.0f)) / 1e5;
  CHECK(dropped == doctest::Approx(0.3).epsilon(0.02));  // four deviations
  for (float value : y) CHECK_UNARY(value == 0 || value == 1 / 0.7f);
  layer.eval();
  CHECK(layer(ones).raw() == ones.raw());
  CHECK_EQ(layer.print(), "Dropout(p=0.3, inplace=False)");
}

TEST_CASE("Dropout in a replayed plan draws anew in each step, the same on every device") {
  std::vector<std::vector<std::vector<float>>> seen;  // by device and step
  for (Device device : tests::devices()) {
    manual_seed(2);
    Dropout first(0.5), second(0.5);
    const Tensor ones = Tensor::full({1003}, 1).to(device);
    Tensor a, b;
    Plan plan;
    plan.trace([&] {
      a = first(ones);
      b = second(ones);
    });
    seen.emplace_back();
    for (int64_t step : {0, 1, 2, 1}) {
      set_random_step(step);
      plan.replay();
      seen.back().push_back(a.to_vector<float>());
      CHECK(a.to_vector<float>() != b.to_vector<float>());
    }
    CHECK(seen.back()[0] != seen.back()[1]);
    CHECK(seen.back()[1] != seen.back()[2]);
    CHECK(seen.back()[1] == seen.back()[3]);
    CHECK(seen.back() == seen.front());
    set_random_step(0);
  }
}

TEST_CASE("Dropout's backward has the forward's mask") {
  Dropout layer(0.4);
  Tensor x = Tensor::full({257}, 1);
  x.requires_grad_();
  Tape tape;
  const Tensor y = layer(x);
  tape.backward(y, Tensor::full({257}, 1));
  CHECK(y.to_vector<float>() == x.grad().to_vector<float>());
}

TEST_CASE("training steps number their masks by the optimiser's steps") {
  manual_seed(3);
  Sequential model;
  model.add<Linear>(6, 8);
  model.add<Dropout>(0.5);
  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, {.rule = UpdateRule::sgd, .lr = 0});
  TrainStep step(
      model, [](const Tensor& y, const Tensor& t) { return mse(y, t); }, optimizer);
  const Tensor x = Tensor::full({4, 6}, 1), target = Tensor::full({4, 8}, 1);
  const double first = step(x, target).loss, second = step(x, target).loss;
  CHECK(first != second);
  optimizer.set_steps(1);  // as a resumed run does
  CHECK_EQ(step(x, target).loss, second);
}
