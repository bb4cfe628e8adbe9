// lathe kfold: trains a fresh model for each fold of a recipe's training data.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/shared_options.h"
#include "data/csv.h"
#include "data/folds.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"
#include "train/trainer.h"

namespace lathe::apps {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

using Measures = std::vector<std::pair<std::string, double>>;

struct Options {
  std::string recipe, resume, name, project;
  std::optional<int64_t> folds;
  std::vector<std::string> settings;
  bool exist_ok = false;
};

/// The recipe of the first fold; the others differ from it by data.fold.
fs::path recipe_in(const fs::path& folder) { return folder / "kfold.toml"; }
fs::path folds_in(const fs::path& folder) { return folder / "folds.csv"; }

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

/// What an earlier kfold of the same name left, which may have had more folds.
void remove_folds(const fs::path& folder) {
  fs::remove(recipe_in(folder));
  fs::remove(folder / "summary.csv");
  for (int64_t fold = 1;; ++fold) {
    const fs::path one = folder / concat("fold_", fold);
    if (!fs::exists(one / "recipe.toml")) return;
    fs::remove_all(one);
  }
}

/// Makes the folder of all folds.
fs::path begin(const Options& options, const CommonOptions& common) {
  const int64_t count = options.folds.value_or(5);
  LATHE_CHECK(count >= 2, "-k: expects at least 2 folds, got ", count);
  std::vector<std::string> settings = recipe_settings(options.settings, common);
  settings.insert(settings.end(), {"data.valid=[]", concat("data.folds=", count), "data.fold=1"});
  const Recipe recipe = read_recipe(options.recipe, settings);
  const fs::path project = options.project.empty() ? "runs/kfold" : options.project;
  // What is wrong with a fold is said before anything is made.
  const std::string folds = folds_csv(recipe);
  Trainer(recipe, resolve_device(common)).check_start(project);
  const std::string name = options.name.empty() ? recipe.name : options.name;
  const fs::path folder = RunFolder::create(project, name, options.exist_ok).path();
  remove_folds(folder);
  atomic_write(folds_in(folder), folds);
  atomic_write(recipe_in(folder), to_toml(recipe));
  return folder;
}

/// The folder of folds that were stopped.
fs::path reopen(const Options& options, const CommonOptions& common) {
  LATHE_CHECK(options.recipe.empty() && !options.folds && options.settings.empty() &&
                  !common.seed && common.dtype.empty() && options.name.empty() &&
                  options.project.empty() && !options.exist_ok,
              "kfold: --resume goes on with what it began with; expects no RECIPE, --folds, "
              "--set, --seed, --dtype, --name, --project or --exist-ok beside it");
  const fs::path folder = options.resume;
  if (!fs::is_directory(folder))
    fail(ErrorKind::data, folder.string(), ": there is no such folder of folds");
  if (!fs::exists(recipe_in(folder)))
    fail(ErrorKind::data, folder.string(), ": is no folder of `lathe kfold`: it has no kfold.toml");
  if (folds_csv(read_recipe(recipe_in(folder))) != MappedFile(folds_in(folder)).text())
    fail(ErrorKind::data, folds_in(folder).string(),
         ": the samples of data.train are not what they were, so that the folds would be others; "
         "begin a new kfold");
  return folder;
}

/// The values of the best epoch that are measures of a fold, as results.csv has them.
Measures measures(const RunFolder& run, int64_t epoch) {
  Measures all = ResultsFile(run.results(), 9).line(epoch);
  std::erase_if(all, [](const auto& column) {
    return column.first == "epoch" || column.first == "lr" || column.first == "seconds";
  });
  return all;
}

/// Trains what is left of a fold. Returns 0, or the exit code of a signal.
int train_fold(const Recipe& recipe, const RunFolder& run, const CommonOptions& common,
               const std::string& command_line, Measures& result) {
  Trainer trainer(recipe, resolve_device(common));
  Progress progress(progress_style(common.progress, common.quiet), common.quiet);
  trainer.resume(run, command_line);
  progress.open_log(run.log());
  if (trainer.done()) {
    progress.message(fmt::format("fold {} of {} is done", recipe.data.fold, recipe.data.folds));
  } else {
    progress.message(fmt::format("fold {} of {}", recipe.data.fold, recipe.data.folds));
    progress.message(trainer.description());
    if (const int code = trainer.run(progress, [](const EpochResult&) {})) return code;
    progress.message(trainer.summary());
  }
  LATHE_CHECK(trainer.best_epoch() > 0, "kfold: fold ", recipe.data.fold,
              " ended before its first epoch did");
  result = measures(run, trainer.best_epoch());
  return 0;
}

/// Mean and sample deviation (n - 1) of every measure.
void summarize(const std::vector<Measures>& results, Json& mean, Json& deviation) {
  for (size_t k = 0; k < results[0].size(); ++k) {
    const std::string name = results[0][k].first;
    double sum = 0, squares = 0;
    for (const Measures& result : results) sum += result[k].second;
    const double n = double(results.size()), average = sum / n;
    for (const Measures& result : results) squares += std::pow(result[k].second - average, 2);
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

int kfold(const Options& options, const CommonOptions& common, const std::string& command_line) {
  LATHE_CHECK(!options.recipe.empty() || !options.resume.empty(),
              "kfold: expects a RECIPE, or --resume DIR");
  const fs::path folder = options.resume.empty() ? begin(options, common) : reopen(options, common);
  std::vector<Measures> results;
  Json all = Json::array();
  const int64_t count = read_recipe(recipe_in(folder)).data.folds;
  for (int64_t fold = 1; fold <= count; ++fold) {
    const Recipe recipe = read_recipe(recipe_in(folder), {concat("data.fold=", fold)});
    const RunFolder run = RunFolder::create(folder, concat("fold_", fold), true);
    if (const int code = train_fold(recipe, run, common, command_line, results.emplace_back())) {
      if (!common.quiet)
        std::cerr << "lathe kfold --resume " << folder.string() << " goes on from there\n";
      return code;
    }
    all.push_back(Json::object());
    for (const auto& [name, value] : results.back()) all.back()[name] = value;
  }
  Json mean, deviation;
  summarize(results, mean, deviation);
  atomic_write(folder / "summary.csv", summary_csv(all, mean, deviation));
  if (common.json) {
    print_json({{"folds", all}, {"mean", mean}, {"std", deviation}});
    return 0;
  }
  for (const auto& [name, value] : mean.items())
    std::cout << fmt::format("{:<24} {:.4f} ± {:.4f}\n", name, value.get<double>(),
                             deviation[name].get<double>());
  std::cout << folder.string() << std::endl;
  return 0;
}

}  // namespace

void add_kfold(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("kfold", "trains a fresh model for each fold of data.train; mean and deviation")
      .argument("RECIPE", options->recipe, "the recipe; its data.valid is not used", false)
      .option("-k,--folds", options->folds, "how many folds", "5")
      .settings(options->settings)
      .option("--resume", options->resume,
              "the folder of all folds: goes on from where it stopped, with what it began with",
              "none: a new one")
      .option("--name", options->name, "the name of the folder of all folds", "the recipe's name")
      .option("--project", options->project, "the folder in which that is made", "runs/kfold")
      .flag("--exist-ok", options->exist_ok, "use NAME itself, replacing what is there")
      .run([&program, options] { return kfold(*options, program.common, program.command_line); });
}

}  // namespace lathe::apps
