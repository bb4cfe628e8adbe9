// Training of a convolutional network: 20 steps against PyTorch's losses
// (tests/goldens/make_model_training.py), and a step on the device against the CPU's.
#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/channels.h"
#include "layers/loss.h"
#include "models/registry.h"
#include "optim/optimizer.h"
#include "tests/models/fillings.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;

namespace {

struct Batch {
  Tensor images, labels;
};

/// Batch number `index` of the script's four.
Batch batch(int64_t images, int64_t side, int index) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < images; ++i) labels.push_back((3 * index + i) % 10);
  return {to_channels_last(tests::random({images, 3, side, side}, -1, 1, 2000 + index)),
          Tensor::from(labels, {images})};
}

std::unique_ptr<Module> resnet18(DType dtype, Device device = Device::cpu) {
  auto model = create_model("resnet18", {{"num_classes", "10"}});
  const auto weights = tests::fillings(*model);
  model->to(dtype).load_state_dict(weights);
  model->to(device);
  return model;
}

const LossFunction loss = [](const Tensor& y, const Tensor& labels) {
  return cross_entropy(y, labels);
};

/// The largest relative difference of 20 losses from PyTorch's in f64.
double worst_loss(const OptimizerOptions& options, const std::string& name, DType dtype) {
  std::ifstream file(tests::golden("model_training.json"));
  const auto golden = nlohmann::json::parse(file).at(name).get<std::vector<double>>();
  const auto model = resnet18(dtype);
  ParameterArena arena(model->named_parameters());
  Optimizer optimizer(arena, options);
  TrainStep step(*model, loss, optimizer);
  std::vector<double> losses;
  for (size_t i = 0; i < golden.size(); ++i) {
    const Batch b = batch(8, 48, int(i % 4));
    losses.push_back(step(b.images.to(dtype), b.labels).loss / golden[i] - 1);
  }
  double worst = 0;
  for (const double d : losses) worst = std::isfinite(d) ? std::max(worst, std::abs(d)) : HUGE_VAL;
  MESSAGE(concat("20 steps of resnet18, ", name, " in ", dtype, ": losses differ by ", worst));
  return worst;
}

/// All parameters and running statistics after one step, and the loss.
std::vector<NamedTensor> after_a_step(Device device) {
  const auto model = resnet18(DType::f64, device);
  ParameterArena arena(model->named_parameters());
  Optimizer optimizer(arena, {.rule = UpdateRule::sgd, .lr = 0.01, .momentum = 0.9});
  TrainStep step(*model, loss, optimizer);
  const Batch b = batch(4, 32, 0);
  const double value = step(b.images.to(device), b.labels.to(device)).loss;
  std::vector<NamedTensor> all = {{"loss", Tensor::from<double>({value}, {1})}};
  for (const NamedTensor& t : model->state_dict())
    all.push_back({t.name, t.tensor.to(Device::cpu)});
  return all;
}

}  // namespace

TEST_CASE("20 training steps of resnet18 follow PyTorch's") {
  if (tests::slow_build) return tests::skip("training of resnet18", "too slow in this build");
  const OptimizerOptions sgd{
      .rule = UpdateRule::sgd, .lr = 0.0001, .weight_decay = 1e-4, .momentum = 0.9};
  const OptimizerOptions adamw{.rule = UpdateRule::adamw, .lr = 1e-5, .weight_decay = 0.01};
  CHECK(worst_loss(sgd, "sgd", DType::f64) <= 1e-8);
  CHECK(worst_loss(adamw, "adamw", DType::f64) <= 1e-8);
  CHECK(worst_loss(sgd, "sgd", DType::f32) <= 1e-3);
  CHECK(worst_loss(adamw, "adamw", DType::f32) <= 1e-3);
}

TEST_CASE("a training step of resnet18 on the device equals the CPU's") {
  if (tests::slow_build) return tests::skip("resnet18 on the device", "too slow in this build");
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return tests::skip("resnet18 on the device", reason);
  const auto want = after_a_step(Device::cpu), got = after_a_step(Device::cuda);
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    CAPTURE(want[i].name);
    CHECK(tests::error(got[i].tensor.to(DType::f64), want[i].tensor.to(DType::f64)) <= 1e-10);
  }
}
