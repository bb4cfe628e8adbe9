// Trained weights ready for use, from a run's folder or a weights file: model, classes, recipe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "train/checkpoint.h"
#include "train/task.h"

namespace lathe {

struct UsedWeights {
  std::filesystem::path file;
  Recipe recipe;                      ///< the run's; for bare weights only model and defaults
  std::vector<std::string> classes;   ///< empty where the weights do not name them: see prepared()
  std::vector<std::string> channels;  ///< of the training data; empty: they had no names
  int64_t positive = 1;
  std::optional<Normalization> normalization;
  std::unique_ptr<Module> model;  ///< after inference()
  int64_t epoch = 0;
  std::vector<std::string> notes;         ///< what was passed over in the file
  std::vector<std::string> left_out;      ///< files of data that could not be read, with reasons
  std::optional<int64_t> wanted_classes;  ///< what UseOptions said
  bool has_recipe = false;                ///< the weights come with one

  int64_t class_count() const { return int64_t(classes.size()); }
};

/// What to do where weights do not say it themselves, or otherwise than they say.
struct UseOptions {
  std::string weights = "best";       ///< of a run: best, last, epoch_N, or a file
  std::string model;                  ///< for weights that do not name theirs
  std::optional<int64_t> classes;     ///< of such a model
  std::vector<std::string> settings;  ///< of the recipe's keys
};

/// Loads the weights of a run's folder, or of a file. Throws Error(data) for what is not there or
/// does not fit.
UsedWeights use_weights(const std::filesystem::path& run_or_file, const UseOptions& options,
                        Device device);

/// Data of a file as these weights want to see it: normalised. Throws Error(data) naming the file
/// for other columns than those of the training data, or samples that the model does not take.
/// Weights that do not name their classes get as many as the model has outputs, "0" and up.
std::shared_ptr<const Dataset> prepared(UsedWeights& weights, std::shared_ptr<const Dataset> data,
                                        const std::string& file);
/// A split of the recipe as these weights want to see it.
std::shared_ptr<const Dataset> load_split(UsedWeights& weights, const std::string& split);

/// Throws Error(numeric) naming the first of these samples whose output is NaN or Inf, and the
/// parameter to blame where there is one. `what` they are ("data/test.csv"), the first of them is
/// sample `begin` of it.
void check_finite(const UsedWeights& weights, const Tensor& outputs, const std::string& what,
                  int64_t begin);

}  // namespace lathe
