// Frozen parameters: they stay, cost no backward, and the rest learns as it would have.
#include "train/freeze.h"

#include <algorithm>

#include "layers/loss.h"
#include "tensor/random.h"
#include "tensor/tape.h"
#include "tests/held_memory.h"
#include "tests/support.h"
#include "train/step.h"
#include "train/task.h"

using namespace lathe;
using tests::bytes_held;
using Words = std::vector<std::string>;

namespace {

Recipe resnet20(const Words& settings) {
  Words all = {"model.name=resnet20", "model.num_classes=2", "train.dtype=f64"};
  all.insert(all.end(), settings.begin(), settings.end());
  return parse_recipe({"", "r.toml", "/"}, all);
}

std::unique_ptr<Module> frozen_model(const Recipe& recipe) {
  auto model = make_model(recipe, Device::cpu);
  freeze(recipe, *model);
  return model;
}

Tensor pictures() {
  Tensor x = Tensor::empty({2, 33, 33, 3}, DType::f64);
  uniform_(x, -1, 1, RandomStream(1, Purpose::test));
  return x;
}

const LossFunction loss = [](const Tensor& y, const Tensor& t) { return cross_entropy(y, t); };

/// What one traced training step comes to.
struct Cost {
  int64_t weights = 0, inputs = 0, norms = 0, bytes = 0;  ///< calls of the backward kernels
};

Cost cost_of(const Words& settings) {
  const auto model = frozen_model(resnet20(settings));
  ParameterArena arena(model->named_parameters());
  Optimizer optimizer(arena, {});
  TrainStep step(*model, loss, optimizer);
  const Tensor x = pictures(), labels = Tensor::zeros({2}, DType::i64);
  model->train();
  allocator(MemoryKind::cpu).flush();
  const int64_t before = bytes_held();
  Cost cost;
  for (const auto& call : step.plan_for(x, labels).plan.calls()) {
    const std::string name = call->kernel->name();
    cost.weights += name == "conv2d_backward_weight";
    cost.inputs += name == "conv2d_backward_input";
    cost.norms += name == "batch_norm_backward";
  }
  cost.bytes = bytes_held() - before;
  return cost;
}

/// The gradients of the parameters that are trained, by name, batch norms being in evaluation.
std::vector<NamedTensor> gradients(const Words& settings) {
  const auto model = frozen_model(resnet20(settings));
  model->eval();
  Tape tape;
  tape.backward(loss((*model)(pictures()), Tensor::zeros({2}, DType::i64)));
  std::vector<NamedTensor> all;
  for (const NamedTensor& p : model->named_parameters()) {
    CHECK_EQ(bool(p.tensor.grad()), p.tensor.requires_grad());
    if (p.tensor.grad()) all.push_back({p.name, p.tensor.grad()});
  }
  return all;
}

Tensor find(const std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const NamedTensor& t) { return t.name == name; });
  return found == tensors.end() ? Tensor() : found->tensor;
}

}  // namespace

TEST_CASE("the gradient stops at the first layer that is trained, and less memory is needed") {
  const Cost all = cost_of({}), some = cost_of({"freeze.except=['layer3', 'linear']"}),
             same = cost_of({"freeze.only=['conv1', 'bn1', 'layer1', 'layer2']"});
  CHECK_EQ(all.weights, 19);
  CHECK_EQ(all.inputs, 18);  // none for the pictures
  CHECK_EQ(all.norms, 19);
  for (const Cost& cost : {some, same}) {
    CHECK_EQ(cost.weights, 6);  // of layer3: three blocks of two
    CHECK_EQ(cost.inputs, 5);   // none for what comes out of layer2
    CHECK_EQ(cost.norms, 6);
    CHECK_LT(cost.bytes, all.bytes);
  }
  MESSAGE("activations of a step: ", all.bytes, " bytes, with layer1 and layer2 frozen ",
          some.bytes);
  const Cost last = cost_of({"freeze.except=['linear']"});
  CHECK_EQ(last.weights + last.inputs + last.norms, 0);
  CHECK_LT(last.bytes, some.bytes);
  const Cost inner = cost_of({"freeze.except=['layer1.1.bn2']"});
  CHECK_EQ(inner.weights, 0);
  CHECK_EQ(inner.inputs, 14);  // down from layer3 to layer1.2
  CHECK_EQ(inner.norms, 15);
}

TEST_CASE("what is not frozen has the gradient that it has without freezing") {
  const auto all = gradients({});
  CHECK_EQ(all.size(), 59);
  for (const Words& settings : {Words{"freeze.except=['layer3', 'linear']"},
                                {"freeze.except=['bn1']"},
                                {"freeze.except=['conv1']"},
                                {"freeze.except=[\"layer2.*.bn1\"]"},
                                {"freeze.except=['layer1.0.bn2.bias']"},
                                {"freeze.only=[\"*.weight\"]"},
                                {"freeze.only=[\"*.bias\"]"}}) {
    CAPTURE(settings[0]);
    const auto some = gradients(settings);
    CHECK_GT(some.size(), 0);
    CHECK_LT(some.size(), all.size());
    for (const NamedTensor& g : some) {
      CAPTURE(g.name);
      CHECK_LE(tests::error(g.tensor, find(all, g.name)), 1e-14);  // other sums, other last bits
    }
  }
}

TEST_CASE("frozen tensors stay to the byte, running statistics too unless they are to be updated") {
  for (const std::string norms : {"eval", "update"}) {
    CAPTURE(norms);
    const auto model = frozen_model(
        resnet20({"freeze.except=['layer3', 'linear']", "freeze.batch_norm=" + norms}));
    std::vector<NamedTensor> before;
    for (const NamedTensor& t : model->state_dict()) before.push_back({t.name, t.tensor.clone()});
    ParameterArena arena(model->named_parameters());
    Optimizer optimizer(arena, {.lr = 0.1});
    TrainStep step(*model, loss, optimizer);
    for (int i = 0; i < 2; ++i) {
      step(pictures(), Tensor::zeros({2}, DType::i64));
      model->eval();  // as validation does
    }
    for (const NamedTensor& t : model->state_dict()) {
      CAPTURE(t.name);
      const bool trained = t.name.starts_with("layer3") || t.name.starts_with("linear");
      const bool statistic =
          t.name.find("running") != std::string::npos || t.name.ends_with("num_batches_tracked");
      CHECK_EQ(tests::error(t.tensor, find(before, t.name)) == 0,
               !trained && !(statistic && norms == "update"));
    }
  }
}

TEST_CASE("patterns that freeze nothing sensible are refused") {
  const auto message = [](const Words& settings) {
    return tests::message_of([&] { frozen_model(resnet20(settings)); });
  };
  CHECK_EQ(message({"freeze.except=['layer33']"}),
           "freeze.except: 'layer33' names no parameter of the model; did you mean 'layer3'?");
  CHECK_EQ(message({"freeze.only=['linear.wieght']"}),
           "freeze.only: 'linear.wieght' names no parameter of the model; did you mean "
           "'linear.weight'?");
  CHECK_EQ(message({"freeze.only=[\"*\"]"}),
           "freeze.only: names all parameters of resnet20; nothing is left to train");
  CHECK_EQ(message({"freeze.only=['linear']", "freeze.except=['linear']"}),
           "r.toml: freeze.except and freeze.only: expects one of them, not both");
}
