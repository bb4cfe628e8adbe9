// lathe bench: how fast a model trains or infers, on data that is in memory.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/model_argument.h"
#include "tensor/allocator.h"
#include "tensor/check.h"
#include "tensor/parallel.h"
#include "train/task.h"
#include "train/updates.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string what, input, optimizer;
  std::vector<std::string> settings;
  int64_t batch_size = 0, steps = 100;
  bool train = false, infer = false, ops = false;
};

constexpr int warm_up = 10;

double milliseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Times each of `steps` calls, after some that warm up.
template <class Step>
std::vector<double> measure(int64_t steps, const Step& step) {
  std::vector<double> times;
  for (int64_t i = -warm_up; i < steps; ++i) {
    const Clock::time_point start = Clock::now();
    step();
    if (i >= 0) times.push_back(milliseconds(start));
  }
  std::sort(times.begin(), times.end());
  return times;
}

/// Milliseconds a step by kernel, each call of the plan timed by itself.
std::map<std::string, double> time_ops(StepPlan& step, Device device, int64_t steps) {
  std::map<std::string, double> total;
  for (int64_t i = 0; i < steps; ++i)
    for (const auto& call : step.plan.calls()) {
      const Clock::time_point start = Clock::now();
      call->run();
      synchronize(device);
      total[call->kernel->name() + " (" + call->variant + ")"] +=
          milliseconds(start) / double(steps);
    }
  return total;
}

Json ops_json(const std::map<std::string, double>& ops) {
  double sum = 0;
  for (const auto& [name, ms] : ops) sum += ms;
  std::vector<std::pair<std::string, double>> sorted(ops.begin(), ops.end());
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.second > b.second; });
  Json list = Json::array();
  for (const auto& [name, ms] : sorted)
    list.push_back({{"op", name}, {"ms", ms}, {"share", sum > 0 ? ms / sum : 0}});
  return list;
}

void print_text(const Json& r) {
  std::cout << fmt::format(
      "{} {}: {} on {}, batch {}, {} threads, {} steps\n", r["model"].get<std::string>(),
      r["mode"].get<std::string>(), r["dtype"].get<std::string>(), r["device"].get<std::string>(),
      r["batch_size"].get<int64_t>(), r["threads"].get<int>(), r["steps"].get<int64_t>());
  const Json& ms = r["ms_per_step"];
  std::cout << fmt::format(
      "  {:.4g} ms a step (least {:.4g}, 95 of 100 below {:.4g}), {:.5g} samples a second, {:.1f} "
      "MB at most\n",
      ms["median"].get<double>(), ms["min"].get<double>(), ms["p95"].get<double>(),
      r["samples_per_second"].get<double>(), double(r["peak_bytes"].get<int64_t>()) / 1e6);
  if (!r.contains("ops")) return;
  for (const Json& op : r["ops"])
    std::cout << fmt::format("  {:5.1f} %  {:9.4f} ms  {}\n", 100 * op["share"].get<double>(),
                             op["ms"].get<double>(), op["op"].get<std::string>());
}

int bench(const Options& options, const CommonOptions& common) {
  LATHE_CHECK(!(options.train && options.infer), "bench: expects --train or --infer, not both");
  LATHE_CHECK(!(options.infer && options.ops), "--ops: is there for training only");
  LATHE_CHECK(options.steps >= 1 && options.steps <= 10'000'000,
              "--steps: expects at least 1, got ", options.steps);
  LATHE_CHECK(options.batch_size >= 0, "--batch-size: expects at least 1, got ",
              options.batch_size);
  std::vector<std::string> settings = options.settings;
  if (!options.optimizer.empty()) settings.push_back("optimizer.name=" + options.optimizer);
  if (options.batch_size > 0) settings.push_back(concat("train.batch_size=", options.batch_size));
  Recipe recipe = recipe_of(options.what, settings, common);
  recipe.loss.pos_weight.automatic = false;
  const Device device = resolve_device(common);
  const auto model = make_model(recipe, device);
  const Shape shape = batch_shape(*model, recipe.train.batch_size, options.input);
  const RandomBatch batch = random_batch(*model, recipe, shape, device);
  if (batch.outputs > 1) recipe.loss.name = "cross_entropy";
  const LossFunction loss = make_loss(recipe, batch.classes, device);

  std::vector<double> times;
  std::map<std::string, double> ops;
  if (options.infer) {
    model->inference();
    EvalStep step(*model, loss);
    times = measure(options.steps, [&] { step(batch.inputs, batch.labels); });
  } else {
    const Updates updates = make_updates(recipe, *model);
    TrainStep step(*model, loss, *updates.optimizer);
    times = measure(options.steps, [&] { step(batch.inputs, batch.labels); });
    if (options.ops)
      ops = time_ops(step.plan_for(batch.inputs, batch.labels), device, options.steps);
  }
  const double median = times[times.size() / 2];
  Json result = {{"model", recipe.model.name},
                 {"mode", options.infer ? "infer" : "train"},
                 {"dtype", recipe.train.dtype},
                 {"device", name(device)},
                 {"batch_size", shape[0]},
                 {"threads", num_threads()},
                 {"steps", options.steps},
                 {"ms_per_step",
                  {{"min", times.front()},
                   {"median", median},
                   {"p95", times[size_t(double(times.size() - 1) * 0.95)]}}},
                 {"samples_per_second", 1000 * double(shape[0]) / median},
                 {"peak_bytes", allocator(memory_of(device)).stats().peak_bytes_held}};
  if (options.ops) result["ops"] = ops_json(ops);
  common.json ? print_json(result) : print_text(result);
  return 0;
}

}  // namespace

void add_bench(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("bench", "samples a second of training or inference, on data that is in memory")
      .argument("RECIPE|MODEL", options->what, "a recipe's file, or a model's name")
      .flag("--train", options->train, "forward, loss, backward and update (the default)")
      .flag("--infer", options->infer, "forward and loss only")
      .option("--batch-size", options->batch_size, "samples a step; 0: the recipe's")
      .option("--input", options->input, "the shape of a sample, such as 3x224x224",
              "what the first layer takes")
      .option("--steps", options->steps, "steps to measure")
      .option("--optimizer", options->optimizer, "adam, adamw or sgd", "the recipe's, else adam")
      .settings(options->settings)
      .flag("--ops", options->ops, "the share of each op")
      .run([&program, options] { return bench(*options, program.common); });
}

}  // namespace lathe::apps
