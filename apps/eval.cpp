// lathe eval: what weights are worth on a split.
#include <iostream>
#include <set>
#include <sstream>

#include "apps/commands.h"
#include "apps/evaluation.h"
#include "apps/shared_options.h"
#include "data/loader.h"
#include "tensor/check.h"
#include "tensor/suggest.h"
#include "train/ranking.h"

namespace lathe::apps {
namespace {

struct Options {
  std::string what, threshold = "0.5", report;
  std::vector<std::string> splits, weights;
  UseOptions use;
};

/// --threshold as a fraction; nothing for "best".
std::optional<double> fixed_threshold(const std::string& text) {
  if (text == "best") return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  LATHE_CHECK(*end == 0 && end != text.c_str() && value >= 0 && value <= 1,
              "--threshold: expects a number from 0 to 1, or best, got '", text, "'",
              suggestion(text, {"best"}));
  return value;
}

/// Runs weights over splits.
class SplitRunner {
 public:
  SplitRunner(UsedWeights& weights, Device device, const CommonOptions& common)
      : weights_(weights), device_(device), common_(common) {
    loading_.batch_size = weights.recipe.train.batch_size;
    loading_.workers = int(weights.recipe.data.workers);
  }

  EvaluatedSplit operator()(const std::string& split) {
    std::shared_ptr<const Dataset> data = load_split(weights_, split);
    print_notes("left out", weights_.left_out, common_);
    weights_.left_out.clear();
    Loader loader(data, loading_);
    if (!step_)
      step_.emplace(*weights_.model, make_loss(weights_.recipe, weights_.class_count(), device_));
    Evaluator evaluator(weights_.class_count(), weights_.positive,
                        loss_class_weights(weights_.recipe));
    loader.begin(0);
    int64_t done = 0;
    while (const Batch* batch = loader.next()) {
      const StepResult result = (*step_)(batch->inputs, batch->labels);
      check_finite(weights_, result.outputs, "data." + split, done);
      evaluator.add(result.loss, result.outputs, batch->labels);
      done += batch->labels.numel();
    }
    return {split, std::move(data), std::move(evaluator)};
  }

 private:
  UsedWeights& weights_;
  Device device_;
  const CommonOptions& common_;
  LoaderOptions loading_;
  std::optional<EvalStep> step_;
};

/// The splits asked for, or all that are not for training.
std::vector<std::string> splits_of(const Options& options, const Recipe& recipe) {
  if (!options.splits.empty()) return options.splits;
  std::vector<std::string> splits;
  for (const std::string& name : split_names(recipe))
    if (name != "train") splits.push_back(name);
  LATHE_CHECK(!splits.empty(), "eval: the recipe of ", options.what,
              " has neither data.valid nor data.test; say --split train, or set one by --set");
  return splits;
}

/// The weights asked for: "best,last" are two, unless that is a file's name.
std::vector<std::string> weights_names(const Options& options) {
  std::vector<std::string> names;
  for (const std::string& text : options.weights) {
    if (std::filesystem::exists(text)) {
      names.push_back(text);
      continue;
    }
    std::istringstream words(text);
    for (std::string name; std::getline(words, name, ',');) names.push_back(name);
  }
  if (names.empty()) names.push_back("best");
  std::set<std::string> stems;  // what their folders in a report are called
  for (const std::string& name : names)
    LATHE_CHECK(stems.insert(std::filesystem::path(name).stem()).second, "--weights: '", name,
                "' stands there twice");
  return names;
}

EvaluatedWeights evaluate(const Options& options, const std::string& name, Device device,
                          const CommonOptions& common) {
  std::optional<double> threshold = fixed_threshold(options.threshold);
  UseOptions use = options.use;
  use.weights = name;
  use.settings = recipe_settings(use.settings, common);
  EvaluatedWeights all = {.weights = use_weights(options.what, use, device)};
  print_notes(all.weights.file.string(), all.weights.notes, common);
  const std::vector<std::string> splits = splits_of(options, all.weights.recipe);
  SplitRunner run(all.weights, device, common);
  if (!threshold) {
    const EvaluatedSplit valid = run("valid");
    LATHE_CHECK(all.weights.class_count() == 2, "--threshold: best expects two classes, got ",
                all.weights.class_count());
    threshold = best_threshold(valid.samples.scores(), valid.samples.ones());
  }
  all.threshold = *threshold;
  for (const std::string& split : splits) all.splits.push_back(run(split));
  LATHE_CHECK(all.weights.class_count() == 2 || *threshold == 0.5,
              "--threshold: expects two classes, got ", all.weights.class_count());
  return all;
}

int evaluate_weights(const Options& options, const CommonOptions& common) {
  const Device device = resolve_device(common);
  const std::vector<std::string> names = weights_names(options);
  if (!options.report.empty()) check_report_folder(options.report);  // not after all the work
  Json json = Json::object();
  for (const std::string& name : names) {
    const EvaluatedWeights all = evaluate(options, name, device, common);
    const std::filesystem::path report = options.report;
    if (!report.empty()) {
      const std::filesystem::path own = all.weights.file.stem();
      for (const std::string& line : all.write_report(names.size() == 1 ? report : report / own))
        if (!common.quiet) std::cerr << line << "\n";
    }
    if (names.size() == 1)
      json = all.json();
    else
      json[name] = all.json();
    if (!common.json) std::cout << all.text();
  }
  if (common.json) print_json(json);
  return 0;
}

}  // namespace

void add_eval(Program& program) {
  auto options = std::make_shared<Options>();
  Command& command =
      program.add("eval", "metrics of weights on a split")
          .argument("RUN|WEIGHTS", options->what, "a run's folder, or a weights file")
          .option("--split", options->splits, "train, valid or test, several times for several",
                  "valid and test")
          .option("--weights", options->weights,
                  "of a run: best, last, epoch_N, or a file; several times for several", "best")
          .option(
              "--threshold", options->threshold,
              "P(class 1) above which a sample is class 1, or best: that of best accuracy on valid")
          .option("--report", options->report,
                  "a folder for the same as files, predictions.csv and plots", "none");
  add_use_options(command, options->use).run([&program, options] {
    return evaluate_weights(*options, program.common);
  });
}

}  // namespace lathe::apps
