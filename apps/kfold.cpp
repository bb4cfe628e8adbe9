// lathe kfold: trains a fresh model for each fold of a recipe's training data.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "data/csv.h"
#include "data/folds.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "train/trainer.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string recipe, name, project;
  int64_t folds = 5;
  std::vector<std::string> settings;
  bool exist_ok = false;
};

Recipe recipe_of_fold(const Options& options, const CommonOptions& common, int64_t fold) {
  std::vector<std::string> settings = options.settings;
  if (common.seed) settings.push_back(concat("train.seed=", *common.seed));
  if (!common.dtype.empty()) settings.push_back("train.dtype=" + common.dtype);
  settings.push_back("data.valid=[]");
  settings.push_back(concat("data.folds=", options.folds));
  settings.push_back(concat("data.fold=", fold));
  return read_recipe(options.recipe, settings);
}

/// Which fold each sample is in: path,fold; where samples have no files, their index stands.
std::string folds_csv(const Recipe& recipe) {
  Recipe whole = recipe;
  whole.data.folds = 0;
  const auto data = load_split(whole, "train");
  const std::vector<int> folds =
      assign_folds(*data, recipe.data.folds, uint64_t(recipe.train.seed));
  std::string text = "path,fold\n";
  for (size_t i = 0; i < folds.size(); ++i) {
    const std::string path = data->source(int64_t(i));
    text += csv_cell(path.empty() ? std::to_string(i) : path) + concat(",", folds[i] + 1, "\n");
  }
  return text;
}

/// Trains a fold; its measures at the best epoch. Nothing when a signal stopped it.
std::optional<EpochResult> train_fold(const Recipe& recipe, const RunFolder& folder,
                                      const CommonOptions& common, const std::string& command_line,
                                      int& code) {
  Trainer trainer(recipe, resolve_device(common));
  trainer.check_start(folder.path());
  Progress progress(progress_style(common.progress, common.quiet), common.quiet);
  trainer.start(folder, command_line);
  progress.open_log(folder.log());
  progress.message(fmt::format("fold {} of {}", recipe.data.fold, recipe.data.folds));
  progress.message(trainer.description());
  std::vector<EpochResult> results;
  code = trainer.run(progress, [&](const EpochResult& result) { results.push_back(result); });
  if (code != 0 || trainer.best_epoch() == 0) return std::nullopt;
  progress.message(trainer.summary());
  return results.at(size_t(trainer.best_epoch() - 1));
}

/// Columns that are measures of a fold, and their values.
std::vector<std::pair<std::string, double>> measures(const EpochResult& result) {
  std::vector<std::pair<std::string, double>> all;
  for (const auto& [name, value] : result.columns())
    if (name != "epoch" && name != "lr" && name != "seconds") all.emplace_back(name, value);
  return all;
}

/// Mean and sample deviation (n - 1) of every measure.
void summarize(const std::vector<EpochResult>& results, Json& mean, Json& deviation) {
  for (size_t k = 0; k < measures(results[0]).size(); ++k) {
    const std::string name = measures(results[0])[k].first;
    double sum = 0, squares = 0;
    for (const EpochResult& result : results) sum += measures(result)[k].second;
    const double n = double(results.size()), average = sum / n;
    for (const EpochResult& result : results)
      squares += std::pow(measures(result)[k].second - average, 2);
    mean[name] = average;
    deviation[name] = std::sqrt(squares / (n - 1));
  }
}

std::string summary_csv(const Json& folds, const Json& mean, const Json& deviation) {
  std::string text = "fold";
  for (const auto& [name, value] : mean.items()) text += "," + name;
  const auto line = [&](const std::string& title, const Json& values) {
    text += "\n" + title;
    for (const auto& [name, value] : mean.items())
      text += fmt::format(",{:.9g}", values[name].get<double>());
  };
  for (size_t i = 0; i < folds.size(); ++i) line(std::to_string(i + 1), folds[i]);
  line("mean", mean);
  line("std", deviation);
  return text + "\n";
}

/// What an earlier kfold of the same name left, which may have had more folds.
void remove_folds(const std::filesystem::path& folder) {
  std::filesystem::remove(folder / "summary.csv");
  for (int64_t fold = 1;; ++fold) {
    const std::filesystem::path one = folder / concat("fold_", fold);
    if (!std::filesystem::exists(one / "recipe.toml")) return;
    std::filesystem::remove_all(one);
  }
}

int kfold(const Options& options, const CommonOptions& common, const std::string& command_line) {
  LATHE_CHECK(options.folds >= 2, "-k: expects at least 2 folds, got ", options.folds);
  const Recipe first = recipe_of_fold(options, common, 1);
  const std::string folds = folds_csv(first);  // before anything is made
  const RunFolder parent =
      RunFolder::create(options.project.empty() ? "runs/kfold" : options.project,
                        options.name.empty() ? first.name : options.name, options.exist_ok);
  remove_folds(parent.path());
  atomic_write(parent.path() / "folds.csv", folds);
  std::vector<EpochResult> results;
  Json all = Json::array();
  for (int64_t fold = 1; fold <= options.folds; ++fold) {
    int code = 0;
    const auto result = train_fold(recipe_of_fold(options, common, fold),
                                   RunFolder::create(parent.path(), concat("fold_", fold), true),
                                   common, command_line, code);
    if (code != 0) return code;
    LATHE_CHECK(result, "kfold: fold ", fold, " ended before its first epoch did");
    results.push_back(*result);
    all.push_back(Json::object());
    for (const auto& [name, value] : measures(*result)) all.back()[name] = value;
  }
  Json mean, deviation;
  summarize(results, mean, deviation);
  atomic_write(parent.path() / "summary.csv", summary_csv(all, mean, deviation));
  if (common.json) {
    print_json({{"folds", all}, {"mean", mean}, {"std", deviation}});
    return 0;
  }
  for (const auto& [name, value] : mean.items())
    std::cout << fmt::format("{:<24} {:.4f} ± {:.4f}\n", name, value.get<double>(),
                             deviation[name].get<double>());
  std::cout << parent.path().string() << std::endl;
  return 0;
}

}  // namespace

void add_kfold(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("kfold", "trains a fresh model for each fold of data.train; mean and deviation")
      .argument("RECIPE", options->recipe, "the recipe; its data.valid is not used")
      .option("-k,--folds", options->folds, "how many folds")
      .option("--set", options->settings, "key=value: overrides a key of the recipe")
      .option("--name", options->name, "the name of the folder of all folds", "the recipe's name")
      .option("--project", options->project, "the folder in which that is made", "runs/kfold")
      .flag("--exist-ok", options->exist_ok, "use NAME itself, replacing what is there")
      .run([&program, options] { return kfold(*options, program.common, program.command_line); });
}

}  // namespace lathe::apps
