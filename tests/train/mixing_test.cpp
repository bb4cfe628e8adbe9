// A step on a mixed batch: its loss, and what it makes of the weights.
#include "train/mixing.h"

#include "layers/arithmetic.h"
#include "layers/linear.h"
#include "layers/loss.h"
#include "models/mlp.h"
#include "tests/support.h"

using namespace lathe;
using tests::message_of;

namespace {

Tensor inputs(int64_t rows) {
  std::vector<double> values;
  for (int64_t i = 0; i < rows * 6; ++i) values.push_back(double(i * 37 % 19) / 19 - 0.4);
  return Tensor::from(values, {rows, 6});
}

Tensor labels(int64_t rows) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < rows; ++i) values.push_back(i * i % 3);
  return Tensor::from(values, {rows});
}

}  // namespace

TEST_CASE("mixing: a step's loss and update are those of the mixed batch and both labels") {
  const LossFunction loss = [](const Tensor& y, const Tensor& t) { return cross_entropy(y, t); };
  const auto make = [] {
    auto model = std::make_unique<Mlp>(MlpOptions{.inputs = 6, .hidden = {5}, .outputs = 3});
    model->to(DType::f64);
    return model;
  };
  const auto model = make(), other = make();
  other->load_state_dict(model->state_dict());
  ParameterArena arena(model->named_parameters()), other_arena(other->named_parameters());
  const OptimizerOptions options = {.rule = UpdateRule::sgd, .lr = 0.5};
  Optimizer optimizer(arena, options), other_optimizer(other_arena, options);
  Mixing mixing({.mixup = 0.8, .seed = 3}, loss, {6});
  TrainStep step(*model, mixing.loss(), optimizer);
  int64_t batch = 0;
  for (const int64_t rows : {4, 4, 3, 4, 3}) {  // two plans, each used again
    Tensor mixed = inputs(rows), expected = inputs(rows);
    mixing.mix(mixed, labels(rows), 2, batch);
    Draws draws(RandomStream(3, Purpose::augment, 2, uint32_t(batch), 0xffffffff));
    const Mix mix = draw_mixup(0.8, draws);
    mix_inputs(expected, mix);
    CHECK(tests::error(mixed, expected) == 0);
    // A step of its own each time, whose loss has the share as a constant.
    const Tensor partners = partner_labels(labels(rows));
    TrainStep reference(
        *other,
        [&](const Tensor& y, const Tensor& t) {
          return add(mul(loss(y, t), mix.share), mul(loss(y, partners), 1 - mix.share));
        },
        other_optimizer);
    CHECK(step(mixed, labels(rows)).loss ==
          doctest::Approx(reference(expected, labels(rows)).loss).epsilon(1e-12));
    CHECK(tests::error(arena.values(), other_arena.values()) < 1e-12);
    ++batch;
  }
}

TEST_CASE("mixing: CutMix is for images") {
  CHECK(message_of([] {
          Mixing({.cutmix = 1}, {}, {6});
        }).find("train.cutmix: expects images (height, width, channels)") != std::string::npos);
}
