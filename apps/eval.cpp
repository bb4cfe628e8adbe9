// lathe eval: what weights are worth on a split.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "data/csv.h"
#include "data/loader.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "tensor/suggest.h"
#include "train/metrics.h"
#include "train/ranking.h"
#include "train/used_weights.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string what, threshold = "0.5", report;
  std::vector<std::string> splits;
  UseOptions use;
};

Json means(const ClassMeasures& m) {
  return {{"precision", m.precision}, {"recall", m.recall}, {"f1", m.f1}};
}

Json json_of(const Evaluation& e) {
  Json json = {{"samples", e.samples}, {"loss", e.loss}, {"accuracy", e.accuracy}};
  if (e.two_classes()) {
    json.update(means(e.positive));
    json["roc_auc"] = e.roc_auc;
    json["average_precision"] = e.average_precision;
    json["eer"] = e.equal_error_rate;
  } else {
    json["macro"] = means(e.macro);
    json["weighted"] = means(e.weighted);
  }
  json["confusion"] = e.confusion;
  return json;
}

std::string means_text(const char* name, const ClassMeasures& m) {
  return fmt::format("  {:<18} precision {:.4f}  recall {:.4f}  F1 {:.4f}  of {}\n", name,
                     m.precision, m.recall, m.f1, m.support);
}

std::string text_of(const std::string& split, const Evaluation& e, const UsedWeights& weights) {
  std::string text = fmt::format("{}: {} samples\n  loss {:.6g}\n  accuracy {:.4f}\n", split,
                                 e.samples, e.loss, e.accuracy);
  if (e.two_classes()) {
    text += means_text(weights.classes[size_t(weights.positive)].c_str(), e.positive);
    text += fmt::format("  ROC-AUC {:.4f}  average precision {:.4f}  EER {:.4f}\n", e.roc_auc,
                        e.average_precision, e.equal_error_rate);
  } else {
    text += means_text("macro mean", e.macro) + means_text("weighted mean", e.weighted);
  }
  size_t width = 9;
  for (const std::string& name : weights.classes) width = std::max(width, name.size() + 1);
  text += fmt::format("  {:>{}}", "actual", width) + "  predicted\n  " + std::string(width, ' ');
  for (const std::string& name : weights.classes) text += fmt::format("{:>{}}", name, width);
  for (size_t i = 0; i < e.confusion.size(); ++i) {
    text += fmt::format("\n  {:>{}}", weights.classes[i], width);
    for (int64_t count : e.confusion[i]) text += fmt::format("{:>{}}", count, width);
  }
  return text + "\n";
}

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

/// The header of predictions.csv: a probability for each class, or of class 1 alone.
std::string predictions_header(const UsedWeights& weights, size_t columns) {
  std::string text = "split,index,label,class";
  for (size_t i = columns == 1 ? 1 : 0; i < weights.classes.size(); ++i)
    text += "," + csv_cell("p(" + weights.classes[i] + ")");
  return text + "\n";
}

/// Lines of predictions.csv for the samples of a split.
std::string predictions_lines(const UsedWeights& weights, const std::string& split,
                              const Evaluator& evaluator, double threshold) {
  std::string text;
  for (size_t i = 0; i < evaluator.rows().size(); ++i) {
    const std::vector<double>& row = evaluator.rows()[i];
    text += fmt::format("{},{},{},{}", split, i,
                        csv_cell(weights.classes[size_t(evaluator.labels()[i])]),
                        csv_cell(weights.classes[size_t(class_of(row, threshold))]));
    for (double p : row) text += fmt::format(",{:.9g}", p);
    text += "\n";
  }
  return text;
}

/// Runs weights over splits.
class SplitRunner {
 public:
  SplitRunner(UsedWeights& weights, Device device) : weights_(weights), device_(device) {
    loading_.batch_size = weights.recipe.train.batch_size;
    loading_.workers = int(weights.recipe.data.workers);
  }

  Evaluator operator()(const std::string& split) {
    Loader loader(load_split(weights_, split), loading_);
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
    return evaluator;
  }

 private:
  UsedWeights& weights_;
  Device device_;
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

int evaluate_weights(const Options& options, const CommonOptions& common) {
  std::optional<double> threshold = fixed_threshold(options.threshold);
  UseOptions use = options.use;
  use.dtype = common.dtype;
  const Device device = resolve_device(common);
  UsedWeights weights = use_weights(options.what, use, device);
  print_notes(weights.file.string(), weights.notes, common);
  const std::vector<std::string> splits = splits_of(options, weights.recipe);
  SplitRunner run(weights, device);
  if (!threshold) {
    const Evaluator valid = run("valid");
    LATHE_CHECK(weights.class_count() == 2, "--threshold: best expects two classes, got ",
                weights.class_count());
    threshold = best_threshold(valid.scores(), valid.ones());
  }

  Json all = Json::object();
  std::string text, predictions;
  for (const std::string& split : splits) {
    const Evaluator evaluator = run(split);
    LATHE_CHECK(weights.class_count() == 2 || *threshold == 0.5,
                "--threshold: expects two classes, got ", weights.class_count());
    const Evaluation e = evaluator.result(*threshold);
    all[split] = json_of(e);
    if (*threshold != 0.5) all[split]["threshold"] = *threshold;
    text += text_of(split, e, weights);
    if (options.report.empty()) continue;
    if (predictions.empty())
      predictions = predictions_header(weights, evaluator.rows().at(0).size());
    predictions += predictions_lines(weights, split, evaluator, *threshold);
  }
  const Json json = splits.size() == 1 ? all[splits[0]] : all;
  if (!options.report.empty()) {
    const std::filesystem::path folder = options.report;
    std::filesystem::create_directories(folder);
    atomic_write(folder / "metrics.json", json.dump(2) + "\n");
    atomic_write(folder / "metrics.txt", text);
    atomic_write(folder / "predictions.csv", predictions);
  }
  if (common.json)
    print_json(json);
  else
    std::cout << fmt::format("{} (epoch {})\n", weights.file.string(), weights.epoch) << text;
  return 0;
}

}  // namespace

void add_eval(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("eval", "metrics of weights on a split")
      .argument("RUN|WEIGHTS", options->what, "a run's folder, or a weights file")
      .option("--split", options->splits, "train, valid or test, several times for several",
              "valid and test")
      .option("--weights", options->use.weights, "of a run: best, last, epoch_N, or a file")
      .option("--set", options->use.settings,
              "key=value: overrides a key of the recipe, such as data.test")
      .option("--model", options->use.model, "for weights that do not name theirs", "none")
      .option("--num-classes", options->use.classes, "of such a model", "as its outputs say")
      .option("--threshold", options->threshold,
              "P(class 1) above which a sample is class 1, or best: that of best accuracy on valid")
      .option("--report", options->report, "a folder for the same as files, and predictions.csv",
              "none")
      .run([&program, options] { return evaluate_weights(*options, program.common); });
}

}  // namespace lathe::apps
