// Training itself on the device, real or emulated, against the CPU.
#include "tensor/random.h"
#include "tests/support.h"
#include "train/task.h"

using namespace lathe;

namespace {

/// The losses of three steps of a small landmark MLP.
std::vector<double> losses_on(Device device, const std::string& optimizer) {
  const Recipe recipe =
      parse_recipe({"", "test", "."}, {"model.inputs=36", "model.hidden=[24, 9]",
                                       "optimizer.lr=1e-2", "optimizer.name=" + optimizer});
  const auto model = make_model(recipe, device);
  ParameterArena arena(model->named_parameters());
  Optimizer sgd_or_adam(arena, optimizer_options(recipe));
  TrainStep step(*model, make_loss(recipe, 2, device), sgd_or_adam);
  std::vector<double> losses;
  for (uint32_t i = 0; i < 3; ++i) {
    Tensor inputs = Tensor::empty({5, 36});
    normal_(inputs, 0, 1, RandomStream(3, Purpose::test, i));
    losses.push_back(
        step(inputs.to(device), Tensor::from<int64_t>({1, 0, 0, 1, 1}, {5}).to(device)).loss);
  }
  return losses;
}

}  // namespace

TEST_CASE("three training steps on the device give the CPU's losses") {
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return tests::skip("training on the device", reason);
  for (const char* optimizer : {"adam", "sgd"}) {
    std::vector<double> device;
    try {
      device = losses_on(Device::cuda, optimizer);
    } catch (const Error& e) {
      if (std::string(e.what()).find("no row on cuda") == std::string::npos) throw;
      return tests::skip("training on the device", e.what());
    }
    const std::vector<double> cpu = losses_on(Device::cpu, optimizer);
    for (size_t i = 0; i < cpu.size(); ++i)
      CHECK_EQ(device[i], doctest::Approx(cpu[i]).epsilon(1e-5));
  }
}
