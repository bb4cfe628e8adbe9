// lathe summary: a model's layers, what comes out of each, parameters, FLOPs, and the memory that a
// training step takes. The step is traced, not run, but for two samples.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/flops.h"
#include "apps/model_argument.h"
#include "layers/init.h"
#include "tensor/allocator.h"
#include "tensor/check.h"
#include "tensor/kernel.h"
#include "train/task.h"
#include "train/updates.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string what, input;
  std::vector<std::string> settings;
  int64_t batch_size = 0;
};

struct LayerCost {
  std::string path;
  Shape output;
  double flops = 0;
};

/// Notes the calls of a forward pass by layer, without running them.
class LayerTrace final : public CallRecorder {
 public:
  LayerTrace() : outer_(current) { current = this; }
  ~LayerTrace() override { current = outer_; }
  void record(std::unique_ptr<KernelCall> call) override {
    std::string path = ErrorScope::prefix();
    path = path.substr(0, path.find(':'));
    if (layers.empty() || layers.back().path != path) layers.push_back({path, {}, 0});
    layers.back().flops += flops_of(*call);
    bool first = true;
    call->for_each_tensor([&](Tensor& x) {
      if (first) layers.back().output = x.shape();
      first = false;
    });
  }
  std::vector<LayerCost> layers;

 private:
  CallRecorder* outer_;
};

/// A row for each module that computes or has parameters of its own.
Json layers_json(Module& model, const std::vector<LayerCost>& costs) {
  Json rows = Json::array();
  for_each_module(model, [&](const std::string& path, Module& module) {
    int64_t parameters = 0;
    for (const NamedTensor& p : module.named_parameters())
      if (p.name.find('.') == std::string::npos) parameters += p.tensor.numel();
    for (const LayerCost& cost : costs)
      if (cost.path == path && !path.empty()) {
        rows.push_back({{"layer", path},
                        {"kind", module.kind()},
                        {"output", shape_json(cost.output)},
                        {"parameters", parameters},
                        {"flops", cost.flops}});
        return;
      }
    if (parameters > 0)
      rows.push_back({{"layer", path},
                      {"kind", module.kind()},
                      {"output", nullptr},
                      {"parameters", parameters},
                      {"flops", 0}});
  });
  return rows;
}

int64_t bytes_held(Device device) {
  const AllocatorStats stats = allocator(memory_of(device)).stats();
  return stats.bytes_in_use + stats.bytes_cached;
}

/// Memory that rows take while they run (packed weights, partial sums), which tracing does not
/// show: measured on a step of few samples, for it hardly depends on their number.
int64_t scratch_bytes(TrainStep& step, const RandomBatch& batch, Device device) {
  const int64_t few = std::min<int64_t>(batch.inputs.dim(0), 2);
  const Tensor inputs = batch.inputs.slice(0, few), labels = batch.labels.slice(0, few);
  step.plan_for(inputs, labels);
  const int64_t before = bytes_held(device);
  step(inputs, labels);
  return bytes_held(device) - before;
}

/// Bytes of parameters, gradients and optimiser state, and of everything else that a step takes
/// from the system: what it keeps between forward and backward, scratch memory, unused parts of
/// blocks.
Json memory_json(Module& model, const Recipe& recipe, const RandomBatch& batch, Device device) {
  model.train();
  const Updates updates = make_updates(recipe, model);
  const ParameterArena& arena = *updates.arena;
  Optimizer& optimizer = *updates.optimizer;
  int64_t state = 0;
  for (const NamedTensor& t : optimizer.state()) state += t.tensor.bytes();
  TrainStep step(model, make_loss(recipe, batch.classes, device), optimizer);
  step.plan_for(batch.inputs, batch.labels);
  const int64_t traced = bytes_held(device), total = traced + scratch_bytes(step, batch, device),
                parameters = arena.values().bytes(), gradients = arena.grads().bytes();
  return {{"parameters", parameters},
          {"gradients", gradients},
          {"optimizer", state},
          {"activations", total - parameters - gradients - state},
          {"total", total}};
}

int summary(const Options& options, const CommonOptions& common) {
  LATHE_CHECK(options.batch_size >= 0, "--batch-size: expects at least 1, got ",
              options.batch_size);
  std::vector<std::string> settings = options.settings;
  if (options.batch_size > 0) settings.push_back(concat("train.batch_size=", options.batch_size));
  Recipe recipe = recipe_of(options.what, settings, common);
  recipe.loss.pos_weight.automatic = false;
  const Device device = resolve_device(common);
  const NoInitialValues shapes_alone;
  const auto model = make_model(recipe, device);
  const Shape shape = batch_shape(*model, recipe.train.batch_size, options.input);
  RandomBatch batch = random_batch(*model, recipe, shape, device);
  if (batch.outputs > 1) recipe.loss.name = "cross_entropy";
  std::vector<LayerCost> costs;
  Shape output;
  {
    LayerTrace trace;
    output = (*model)(batch.inputs).shape();
    costs = trace.layers;
  }
  double flops = 0;
  for (const LayerCost& cost : costs) flops += cost.flops;
  const int64_t parameters = model->parameter_count();
  const Json layers = layers_json(*model, costs),
             memory = memory_json(*model, recipe, batch, device);
  if (common.json) {
    print_json({{"model", recipe.model.name},
                {"input", shape_json(shape)},
                {"output", shape_json(output)},
                {"dtype", recipe.train.dtype},
                {"layers", layers},
                {"parameters", parameters},
                {"flops", flops},
                {"memory", memory}});
    return 0;
  }
  std::cout << model->print() << "\n\n";
  std::cout << fmt::format("{:<24} {:<12} {:<20} {:>12} {:>10}\n", "layer", "kind", "output",
                           "parameters", "MFLOP");
  for (const Json& row : layers)
    std::cout << fmt::format("{:<24} {:<12} {:<20} {:>12} {:>10.3f}\n",
                             row["layer"].get<std::string>(), row["kind"].get<std::string>(),
                             row["output"].dump(), row["parameters"].get<int64_t>(),
                             row["flops"].get<double>() / 1e6);
  auto megabytes = [&](const char* key) { return double(memory[key].get<int64_t>()) / 1e6; };
  std::cout << concat("\ninput ", shape, ", output ", output)
            << fmt::format("\n{} parameters; forward {:.3f} MFLOP, a training step about {:.3f}\n",
                           parameters, flops / 1e6, 3 * flops / 1e6)
            << fmt::format(
                   "memory of a training step ({}, batch {}): {:.1f} MB = parameters {:.1f} + "
                   "gradients {:.1f} + optimiser {:.1f} + activations {:.1f}\n",
                   recipe.train.dtype, shape[0], megabytes("total"), megabytes("parameters"),
                   megabytes("gradients"), megabytes("optimizer"), megabytes("activations"));
  return 0;
}

}  // namespace

void add_summary(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("summary", "layers, output shapes, parameters, FLOPs, memory of a training step")
      .argument("MODEL|RECIPE", options->what, "a model's name, or a recipe's file")
      .option("--input", options->input, "the shape of a sample, such as 3x224x224",
              "what the first layer takes")
      .option("--batch-size", options->batch_size, "samples a step; 0: the recipe's")
      .settings(options->settings)
      .run([&program, options] { return summary(*options, program.common); });
}

}  // namespace lathe::apps
