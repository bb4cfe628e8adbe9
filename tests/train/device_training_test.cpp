// Training itself on the CUDA device, emulated or real: a few steps of a small landmark MLP give
// the CPU's losses. In the emulator this runs every kernel of a step, the plan's graph and the
// stream of the copies, in all orders of threads.
#include "layers/loss.h"
#include "layers/random_state.h"
#include "models/landmark_mlp.h"
#include "models/mlp.h"
#include "optim/optimizer.h"
#include "tensor/random.h"
#include "tests/support.h"
#include "train/step.h"

#if defined(LATHE_EMULATED)
#include "kernels/emulator/options.h"
#endif

using namespace lathe;

namespace {

constexpr int steps =
    4;  // the first replay is plain, the second is captured, the rest launch the graph

std::vector<double> losses(Device device, DType dtype, const OptimizerOptions& options) {
  manual_seed(3);
  LandmarkMlp model({.inputs = 2 * 34, .hidden = {33, 16}});
  model.to(dtype).to(device);
  ParameterArena arena(model.named_parameters());
  Optimizer optimizer(arena, options);
  TrainStep step(
      model, [](const Tensor& y, const Tensor& t) { return bce_with_logits(y, t); }, optimizer);
  Tensor inputs = Tensor::empty({5, 68}, dtype), labels = Tensor::empty({5}, dtype);
  std::vector<double> all;
  for (int i = 0; i < steps; ++i) {
    uniform_(inputs, -1, 1, RandomStream(1, Purpose::test, 0, uint32_t(i)));
    copy_(labels, Tensor::from<int64_t>({0, 1, 1, i % 2, 0}, {5}));
    all.push_back(step(inputs, labels).loss);
  }
  return all;
}

void compare_with_cpu() {
  for (const OptimizerOptions& options :
       {OptimizerOptions{.lr = 1e-2},
        OptimizerOptions{.rule = UpdateRule::sgd, .lr = 0.1, .momentum = 0.9},
        OptimizerOptions{
            .rule = UpdateRule::adamw, .lr = 1e-2, .weight_decay = 0.1, .clip_norm = 0.5}})
    for (DType dtype : {DType::f32, DType::f64}) {
      const auto expected = losses(Device::cpu, dtype, options),
                 got = losses(Device::cuda, dtype, options);
      for (int i = 0; i < steps; ++i)
        CHECK(std::abs(got[size_t(i)] / expected[size_t(i)] - 1) <= 1e-5);
      CHECK(expected.front() != expected.back());
    }
}

}  // namespace

TEST_CASE("training on the device follows training on the CPU") {
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return tests::skip("training on the device", reason);
#if defined(LATHE_EMULATED)
  const emulator::Options before = emulator::options();
  using emulator::Order;
  for (Order order : {Order::forward, Order::reverse, Order::random}) {
    emulator::options().order = order;
    emulator::options().seed = 1;
    emulator::options().lazy_streams = order == Order::random;
    INFO("order ", int(order), " (0 forward, 1 reverse, 2 random, with lazy streams)");
    compare_with_cpu();
  }
  emulator::options() = before;
#else
  compare_with_cpu();
#endif
}

// Few classes make the loss's scratch as small as the activations around it, so that a replay that
// took scratch from the plan's own freed memory would write over them.
TEST_CASE("scratch that a replay takes is none of the plan's memory") {
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return tests::skip("scratch of a replay", reason);
  const auto losses_of = [](Device device, int64_t batch, int64_t classes) {
    manual_seed(5);
    Mlp model({.inputs = 8, .hidden = {8}, .outputs = classes});
    model.to(device);
    ParameterArena arena(model.named_parameters());
    Optimizer optimizer(arena, {.lr = 1e-2});
    TrainStep step(
        model, [](const Tensor& y, const Tensor& t) { return cross_entropy(y, t); }, optimizer);
    Tensor inputs = Tensor::empty({batch, 8}), labels = Tensor::zeros({batch}, DType::i64);
    std::vector<double> all;
    for (int i = 0; i < steps; ++i) {
      uniform_(inputs, -1, 1, RandomStream(1, Purpose::test, 0, uint32_t(i)));
      all.push_back(step(inputs, labels).loss);
    }
    return all;
  };
  for (const auto& [batch, classes] : {std::pair<int64_t, int64_t>{4, 3}, {8, 2}, {4, 4}, {1, 10}})
    for (int i = 0; i < steps; ++i)
      CHECK_EQ(losses_of(Device::cuda, batch, classes)[size_t(i)],
               doctest::Approx(losses_of(Device::cpu, batch, classes)[size_t(i)]).epsilon(1e-5));
}
