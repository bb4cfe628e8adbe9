// A recipe: everything a training run depends on, read from TOML and checked. The keys stand in one
// table (recipe_keys.h); reading, `--set`, `--help-recipe`, the answers to mistakes and the
// resolved recipe.toml of a run all follow from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "optim/schedule.h"

namespace lathe {

/// The files of a split, or of a part of it: features and labels of landmarks, images and labels of
/// idx; or one folder or file that says all itself.
struct SplitFiles {
  std::string features = {}, images = {}, labels = {}, path = {};
  bool operator==(const SplitFiles&) const = default;
};

/// A number, or "auto" where the run works it out from its data.
struct NumberOrAuto {
  double value = 1;
  bool automatic = false;
};

/// One file, or a list of files.
struct Paths {
  std::vector<std::string> files;
};

/// Names and what belongs to them, in the recipe's order: a regular expression for each class.
using Patterns = std::vector<std::pair<std::string, std::string>>;

/// The steps of a pipeline (data/transforms/transform.h), each a JSON object.
struct Steps {
  std::vector<std::string> json;
};

/// Parameters that are updated otherwise than the rest; what is not given is as for the rest.
struct ParameterGroup {
  std::vector<std::string> match;  ///< names, as in [freeze]
  std::optional<double> lr, weight_decay;
};

struct Recipe {
  std::string file;  ///< where it was read from, for messages
  std::string name;  ///< of the run folder; the recipe's file name unless given
  struct Data {
    std::string kind = "landmarks";
    std::vector<SplitFiles> train, valid, test;
    int64_t rows_per_sample = 16;
    std::string normalize = "none";
    std::vector<std::string> classes;
    Patterns class_patterns;
    std::string positive, group;
    bool balance = false;
    std::string on_error = "stop";
    int64_t folds = 0, fold = 0;
    int64_t cache_mb = 0, workers = 2;
  } data;
  struct Transforms {
    Steps train, eval;
  } transform;
  struct Model {
    std::string name = "landmark_mlp";
    std::map<std::string, std::string> options;  ///< each value as JSON: hidden -> [1088, 512]
  } model;
  struct Loss {
    std::string name = "bce_with_logits";
    NumberOrAuto pos_weight;
    double label_smoothing = 0;
    std::vector<double> class_weights;
  } loss;
  struct OptimizerKeys {
    std::string name = "adam";
    double lr = 1e-3;
    std::vector<double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0, momentum = 0;
    bool nesterov = false, decay_norm_and_bias = true;
    std::vector<ParameterGroup> groups;
  } optimizer;
  struct ScheduleKeys : ScheduleOptions {
    std::string name = "constant", monitor = "valid_loss";
  } schedule;
  struct EarlyStopping {
    std::string monitor = "valid_loss";
    int64_t patience = 0;
    double min_delta = 0;
  } early_stopping;
  struct Train {
    int64_t epochs = 10, batch_size = 32;
    std::string dtype = "f32";
    bool shuffle = true;
    int64_t seed = 0;
    double clip_norm = 0, l1 = 0, ema = 0;
    int64_t accumulate = 1;
    bool checkpoint_blocks = false;
    double mixup = 0, cutmix = 0;
    int64_t max_steps = 0;
  } train;
  struct Checkpoint {
    int64_t every = 0, keep = 0;
    std::string monitor = "valid_loss";
  } checkpoint;
  struct Log {
    bool tensorboard = true, images = true, histograms = false, plots = true;
    int64_t every_steps = 100;
  } log;
  struct Init {
    Paths weights;
    bool strict = true;
    std::string prefix;
    std::map<std::string, std::string> map;
    std::vector<std::string> skip;
  } init;
  struct Freeze {
    std::vector<std::string> except, only;
    std::string batch_norm = "eval";
  } freeze;
};

/// A recipe's text and where it comes from.
struct RecipeSource {
  std::string text, file;        ///< file: for messages
  std::filesystem::path folder;  ///< to which its paths are relative
};

/// Reads a recipe and applies settings "key=value", whose paths are relative to the working folder.
/// All paths in the result are absolute. Throws Error(data) when there is no such file,
/// Error(usage) for what is wrong in it, with the line.
Recipe read_recipe(const std::filesystem::path& file,
                   const std::vector<std::string>& settings = {});
Recipe parse_recipe(const RecipeSource& source, const std::vector<std::string>& settings = {});
/// The recipe as TOML with all its keys. `result_only` leaves out those that do not change what
/// an epoch gives (data.workers, train.epochs), for files that must not depend on them.
std::string to_toml(const Recipe& recipe, bool result_only = false);
/// Every key with its type, default and meaning: what `--help-recipe` prints.
std::string recipe_help();

}  // namespace lathe
