// lathe data stats: what images there are.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "data/image_stats.h"
#include "tensor/check.h"
#include "train/recipe.h"
#include "train/task.h"

namespace lathe::apps {
namespace {

namespace fs = std::filesystem;
struct Options {
  std::string source;
  std::vector<std::string> settings;
};
using Splits = std::vector<std::pair<std::string, ImageList>>;

/// Whether a folder holds splits, each with a folder for each class, and which.
std::vector<std::string> splits_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const char* name : {"train", "valid", "val", "test"})
    if (fs::is_directory(folder / name)) names.push_back(name);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool hidden = name.starts_with(".");  // no class, to those who read images
    if (!hidden && entry.is_directory() &&
        std::find(names.begin(), names.end(), name) == names.end())
      return {};  // another class
  }
  return names;
}

Splits list_source(const std::string& source, const std::vector<std::string>& settings) {
  Splits splits;
  if (fs::is_directory(source)) {
    for (const std::string& name : splits_in(source))
      splits.emplace_back(name, list_images({fs::path(source) / name}));
  } else if (fs::path(source).extension() == ".toml") {
    const Recipe recipe = read_recipe(source, settings);
    LATHE_CHECK(recipe.data.kind == "images", source,
                ": data stats is about images, this recipe's data is of kind ", recipe.data.kind);
    LATHE_CHECK(!split_names(recipe).empty(), source,
                ": names no images; say --set data.train=FOLDER, or give data stats that folder");
    for (const std::string& name : split_names(recipe))
      splits.emplace_back(name, list_split(recipe, name));
  }
  if (splits.empty()) splits.emplace_back("", list_images({source}, {.must_exist = false}));
  return splits;
}

nlohmann::ordered_json spread_json(const Spread& spread) {
  return {{"min", spread.smallest}, {"median", spread.median}, {"max", spread.largest}};
}

nlohmann::ordered_json stats_json(const ImageStats& stats) {
  nlohmann::ordered_json classes = nlohmann::ordered_json::object(),
                         bad = nlohmann::ordered_json::array();
  for (const auto& one : stats.classes)
    classes[one.name] = {{"images", one.images}, {"share", one.share}};
  for (const auto& one : stats.bad) bad.push_back({{"path", one.path}, {"why", one.why}});
  return {{"images", stats.images},
          {"classes", classes},
          {"groups", stats.groups},
          {"width", spread_json(stats.width)},
          {"height", spread_json(stats.height)},
          {"mean", stats.mean},
          {"std", stats.deviation},
          {"bad", bad}};
}

void print_stats(const ImageStats& stats) {
  std::cout << fmt::format("{} images", stats.images);
  if (stats.groups > 0) std::cout << fmt::format(" in {} groups", stats.groups);
  std::cout << '\n';
  for (const auto& one : stats.classes)
    std::cout << fmt::format("  {:<12} {:>8}  {:5.1f} %\n", one.name, one.images, 100 * one.share);
  for (const auto& [name, spread] : {std::pair("width", stats.width), {"height", stats.height}})
    std::cout << fmt::format("  {:<12} {} to {}, median {:g}\n", name, spread.smallest,
                             spread.largest, spread.median);
  std::cout << fmt::format("  {:<12} {:.4f}  {:.4f}  {:.4f}\n", "mean", stats.mean[0],
                           stats.mean[1], stats.mean[2]);
  std::cout << fmt::format("  {:<12} {:.4f}  {:.4f}  {:.4f}\n", "std", stats.deviation[0],
                           stats.deviation[1], stats.deviation[2]);
  if (!stats.bad.empty()) std::cout << fmt::format("  {} cannot be read:\n", stats.bad.size());
  for (const auto& one : stats.bad) std::cout << "    " << one.why << '\n';
}

int run(const Options& options, const CommonOptions& common) {
  nlohmann::ordered_json answer = nlohmann::ordered_json::object();
  for (const auto& [name, list] : list_source(options.source, options.settings)) {
    const ImageStats stats = image_stats(list);
    if (common.json) {
      if (name.empty())
        answer = stats_json(stats);
      else
        answer[name] = stats_json(stats);
      continue;
    }
    if (!name.empty()) std::cout << name << ": ";
    print_stats(stats);
  }
  if (common.json) print_json(answer);
  return 0;
}

}  // namespace

void add_data_stats(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("stats", "counts images: classes, sizes, brightness, what cannot be read", "data")
      .argument("DIR|RECIPE", options->source,
                "a folder with a folder for each class (or with train, valid, test in it), a JSON "
                "or CSV split, or a recipe (.toml)")
      .settings(options->settings)
      .run([&program, options] { return run(*options, program.common); });
}

}  // namespace lathe::apps
