// A training loop of one's own: two interleaved half moons, a small network, Adam. First op by op,
// as one would write it to look at every tensor; then the same steps through TrainStep, which
// traces a step once and replays it.
#include <cmath>
#include <iostream>
#include <numbers>

#include "lathe.h"

using namespace lathe;

namespace {

struct Points {
  Tensor inputs, labels;
};

/// `count` points of two half moons with a little noise; label 1 for the second moon. Each set has
/// a number of its own, and with it other points.
Points half_moons(int64_t count, uint32_t set) {
  const RandomStream random(7, Purpose::generate, set);
  std::vector<float> xy;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    const bool second = i % 2 == 1;
    const double angle = std::numbers::pi * random.uniform53(uint64_t(4 * i));
    const double x = second ? 1 - std::cos(angle) : std::cos(angle),
                 y = second ? 0.5 - std::sin(angle) : std::sin(angle);
    xy.push_back(float(x + 0.1 * random.normal(uint64_t(4 * i + 1))));
    xy.push_back(float(y + 0.1 * random.normal(uint64_t(4 * i + 2))));
    labels.push_back(second);
  }
  return {Tensor::from(xy, {count, 2}), Tensor::from(labels, {count})};
}

Tensor loss_of(const Tensor& logits, const Tensor& labels) { return cross_entropy(logits, labels); }

double accuracy(const Tensor& logits, const Tensor& labels) {
  const auto scores = logits.to_vector<float>();
  const auto truth = labels.to_vector<int64_t>();
  int64_t right = 0;
  for (size_t i = 0; i < truth.size(); ++i)
    right += (scores[2 * i + 1] > scores[2 * i]) == (truth[i] == 1);
  return double(right) / double(truth.size());
}

}  // namespace

int main() {
  manual_seed(0);
  const Points train = half_moons(400, 0), test = half_moons(200, 1);
  Sequential model;
  model.add<Linear>(2, 32);
  model.add<ReLU>();
  model.add<Linear>(32, 32);
  model.add<ReLU>();
  model.add<Linear>(32, 2);
  std::cout << model.print() << "\n" << model.parameter_count() << " parameters\n";

  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, {.lr = 1e-2});

  // Op by op: what the tape records can be stepped through. A model with Dropout draws other masks
  // in every step only where the step is told; TrainStep tells it.
  for (int step = 0; step < 100; ++step) {
    set_random_step(step);
    optimizer.zero_grad();
    Tape tape;
    const Tensor loss = loss_of(model(train.inputs), train.labels);
    tape.backward(loss);
    optimizer.step();
    if (step % 25 == 0) std::cout << "step " << step << ": loss " << loss.item() << "\n";
  }

  // Traced once, then replayed: the same computation without allocation or look-up.
  TrainStep step(model, loss_of, optimizer);
  for (int i = 100; i < 200; ++i) {
    const StepResult result = step(train.inputs, train.labels);
    if (i % 25 == 0) std::cout << "step " << i << ": loss " << result.loss << "\n";
  }

  const double right = accuracy(model.eval()(test.inputs), test.labels);
  std::cout << "test accuracy " << right << "\n";
  return right > 0.95 ? 0 : 1;
}
