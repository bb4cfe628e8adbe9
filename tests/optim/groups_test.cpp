// Parameter groups, their schedules and the L1 penalty against torch.optim.
#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/loss.h"
#include "tests/support.h"
#include "train/step.h"
#include "train/task.h"
#include "train/updates.h"

using namespace lathe;
using Words = std::vector<std::string>;

namespace {

const LossFunction squared = [](const Tensor& y, const Tensor& target) { return mse(y, target); };

Recipe recipe_of(Words settings) {
  for (const char* setting : {"model.name=mlp", "model.inputs=3", "model.hidden=[4]",
                              "model.outputs=2", "train.dtype=f64", "train.epochs=3"})
    settings.push_back(setting);
  return parse_recipe({"", "r.toml", "/"}, settings);
}

}  // namespace

TEST_CASE("parameter groups, schedules and L1: a few steps as torch.optim takes them") {
  const auto golden = nlohmann::json::parse(std::ifstream(tests::golden("param_groups.json")));
  const int64_t steps = golden["steps"];
  const Tensor x = Tensor::from<double>(golden["x"], {steps, 5, 3}),
               t = Tensor::from<double>(golden["t"], {steps, 5, 2});
  for (const auto& expected : golden["cases"]) {
    const Words settings = expected["settings"];
    CAPTURE(expected["settings"].dump());
    const Recipe recipe = recipe_of(settings);
    const auto model = make_model(recipe, Device::cpu);
    const auto values = [&](const nlohmann::json& all) {
      std::vector<NamedTensor> tensors;
      for (const NamedTensor& p : model->named_parameters())
        tensors.push_back({p.name, Tensor::from<double>(all[p.name], p.tensor.shape())});
      return tensors;
    };
    model->load_state_dict(values(golden["initial"]));
    const Updates updates = make_updates(recipe, *model);
    CHECK_EQ(updates.optimizer->groups(), std::max<int>(1, expected["groups"]));
    auto schedules = make_schedules(recipe, *updates.optimizer, steps);
    TrainStep step(*model, squared, *updates.optimizer);
    for (int64_t epoch = 0; epoch < recipe.train.epochs; ++epoch) {
      for (int64_t i = 0; i < steps; ++i) {
        for (size_t g = 0; g < schedules.size(); ++g)
          updates.optimizer->set_lr(schedules[g].lr(epoch, i), int(g));
        step(x.slice(i, i + 1).reshape({5, 3}), t.slice(i, i + 1).reshape({5, 2}));
      }
      for (Schedule& schedule : schedules) schedule.end_epoch(golden["losses"][size_t(epoch)]);
    }
    const auto wanted = values(expected["weights"]);
    const auto got = model->named_parameters();
    for (size_t i = 0; i < got.size(); ++i) {
      CAPTURE(got[i].name);
      CHECK_LE(tests::error(got[i].tensor, wanted[i].tensor), 1e-12);
    }
  }
}

TEST_CASE(
    "groups lie together, one update kernel each, and Linears are fused with their own rate") {
  const Recipe recipe =
      recipe_of({"optimizer.groups=[{ match = ['fc1.weight', 'fc2.bias'], lr = 1 }]"});
  const auto model = make_model(recipe, Device::cpu);
  const Updates updates = make_updates(recipe, *model);
  Words order;
  for (const auto& slice : updates.arena->slices()) order.push_back(slice.name);
  CHECK_EQ(order, Words{"fc1.bias", "fc2.weight", "fc1.weight", "fc2.bias"});
  CHECK_EQ(updates.text(),
           "lr 0.001, weight_decay 0: 12 parameters\nlr 1, weight_decay 0: 14 parameters\n");
  const Tensor x = Tensor::zeros({300, 3}, DType::f64), t = Tensor::zeros({300, 2}, DType::f64);
  TrainStep step(*model, squared, *updates.optimizer);
  int updates_made = 0;
  for (const auto& call : step.plan_for(x, t).plan.calls())
    updates_made += call->kernel->name() == "optimizer_step";
  CHECK_EQ(updates_made, 2);
  CHECK_EQ(step.plan_for(x.slice(0, 5), t.slice(0, 5)).fused_layers, 2);
}

TEST_CASE("groups that cannot be meant are refused") {
  const auto message = [](const std::string& groups) {
    return tests::message_of([&] {
      const Recipe recipe = recipe_of({"optimizer.groups=" + groups});
      make_updates(recipe, *make_model(recipe, Device::cpu));
    });
  };
  const auto has = [&](const std::string& groups, const std::string& part) {
    CHECK_MESSAGE(message(groups).find(part) != std::string::npos, message(groups));
  };
  has("[{ match = ['fc3'] }]",
      "optimizer.groups: 'fc3' names no parameter of the model; did you mean 'fc1'?");
  has("[{ lr = 1 }]", "optimizer.groups expects match = [\"…\"] in each table");
  has("[{ match = 'fc1' }]", "expects match = a list of names, got the text 'fc1'");
  has("[{ match = ['fc1'], rate = 1 }]", "unknown key 'optimizer.groups.rate'");
  has("[{ match = ['fc1'], lr = -1 }]", "expects at least 0");
  has("[1]", "expects tables [[optimizer.groups]], got the integer 1");
  CHECK_EQ(message("[{ match = ['fc1'], lr = 1 }]"), "no error");
}
