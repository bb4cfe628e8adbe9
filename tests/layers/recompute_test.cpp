// Blocks that recompute: the same bytes in less memory.
#include "layers/recompute.h"

#include "layers/loss.h"
#include "layers/random_state.h"
#include "models/registry.h"
#include "tensor/random.h"
#include "tensor/tape.h"
#include "tests/held_memory.h"
#include "tests/support.h"
#include "train/step.h"

using namespace lathe;
using tests::bytes_held;

namespace {

const LossFunction loss = [](const Tensor& y, const Tensor& t) { return cross_entropy(y, t); };

struct Options {
  const char* model;
  int64_t side;
  std::map<std::string, std::string> options = {};
  std::string frozen = "";  ///< the beginning of what is frozen
};

/// The state after some steps, their losses, and what a step holds in memory.
struct Trained {
  std::vector<NamedTensor> state;
  std::vector<double> losses;
  int64_t bytes = 0;
};

std::unique_ptr<Module> model_of(const Options& o, bool recompute) {
  manual_seed(3);
  auto model = create_model(o.model, o.options);
  if (!o.frozen.empty())
    for (NamedTensor& p : model->named_parameters())
      p.tensor.requires_grad_(!p.name.starts_with(o.frozen));
  if (recompute) CHECK_GT(recompute_blocks(*model), 1);
  return model;
}

Tensor pictures(int64_t side) {
  Tensor x = Tensor::empty({2, side, side, 3});
  uniform_(x, -1, 1, RandomStream(1, Purpose::test));
  return x;
}

Trained train(const Options& o, bool recompute) {
  const auto model = model_of(o, recompute);
  ParameterArena arena(model->named_parameters());
  Optimizer optimizer(arena, {.rule = UpdateRule::sgd, .lr = 0.01});
  TrainStep step(*model, loss, optimizer);
  const Tensor x = pictures(o.side), labels = Tensor::from<int64_t>({0, 1}, {2});
  allocator(MemoryKind::cpu).flush();
  Trained result;
  const int64_t before = bytes_held();
  step.plan_for(x, labels);
  result.bytes = bytes_held() - before;
  for (int i = 0; i < 2; ++i) result.losses.push_back(step(x, labels).loss);
  for (const NamedTensor& t : model->state_dict())
    result.state.push_back({t.name, t.tensor.clone()});
  return result;
}

}  // namespace

TEST_CASE("blocks that recompute train to the same bytes, and a step holds less") {
  for (const Options& o : {Options{"resnet20", 32, {{"num_classes", "2"}}},
                           {"resnet20", 32, {{"num_classes", "2"}}, "layer1"},
                           {"efficientnet_lite0", 64, {{"num_classes", "2"}, {"drop_path", "0.5"}}},
                           {"inception_v3", 75, {{"num_classes", "2"}}, "Conv2d"}}) {
    if (tests::slow_build && o.side != 32) continue;
    CAPTURE(std::string(o.model));
    CAPTURE(o.frozen);
    const Trained kept = train(o, false), recomputed = train(o, true);
    CHECK_EQ(kept.losses, recomputed.losses);
    CHECK_LT(recomputed.bytes, 0.8 * double(kept.bytes));
    MESSAGE(std::string(o.model), ": ", kept.bytes, " bytes, recomputing ", recomputed.bytes);
    REQUIRE_EQ(kept.state.size(), recomputed.state.size());
    for (size_t i = 0; i < kept.state.size(); ++i) {
      CAPTURE(kept.state[i].name);
      CHECK_EQ(tests::error(recomputed.state[i].tensor, kept.state[i].tensor), 0);
    }
  }
}

TEST_CASE("without a plan, a tape gives the same gradients, of the pictures too") {
  const Options o{"resnet20", 32, {{"num_classes", "2"}}};
  std::vector<std::vector<Tensor>> gradients;
  for (bool recompute : {false, true}) {
    const auto model = model_of(o, recompute);
    Tensor x = pictures(32);
    x.requires_grad_();
    Tape tape;
    const Tensor y = loss((*model)(x), Tensor::from<int64_t>({0, 1}, {2}));
    if (recompute) CHECK_LT(tape.size(), 30);
    tape.backward(y);
    std::vector<Tensor>& all = gradients.emplace_back();
    all.push_back(x.grad());
    for (const NamedTensor& p : model->named_parameters()) all.push_back(p.tensor.grad());
  }
  for (size_t i = 0; i < gradients[0].size(); ++i)
    CHECK_EQ(tests::error(gradients[1][i], gradients[0][i]), 0);
}
