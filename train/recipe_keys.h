// The table of a recipe's keys: what each is called, where its value lives, what it may be and what
// it does.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "train/recipe.h"

namespace lathe {

/// Where a key's value lives; its type is the key's type.
using RecipeField =
    std::variant<std::string*, int64_t*, double*, bool*, std::vector<std::string>*,
                 std::vector<double>*, std::vector<int64_t>*, std::map<std::string, std::string>*,
                 NumberOrAuto*, Paths*, std::vector<SplitFiles>*, Patterns*, Steps*,
                 std::vector<ParameterGroup>*>;

struct RecipeKey {
  std::string name;  ///< "train.epochs"
  RecipeField (*field)(Recipe&);
  std::string help;
  std::vector<std::string> choices = {};  ///< the values allowed, where these are words
  double least = -1e300, most = 1e300;    ///< the range allowed of a number
  bool above = false;                     ///< the least value itself is not allowed
  bool result = true;  ///< false: changes how fast or long a run is, not what an epoch gives
};

/// All keys but the model's own options, section by section, in the order of recipe.toml.
const std::vector<RecipeKey>& recipe_keys();

/// Its further parts: [loss], [optimizer], [schedule] and [early_stopping].
std::vector<RecipeKey> learning_keys();
/// [train], [checkpoint], [log], [init] and [freeze].
std::vector<RecipeKey> run_keys();

/// The columns of results.csv that can be watched.
inline const std::vector<std::string> monitors = {
    "valid_loss", "valid_accuracy", "valid_precision",         "valid_recall",
    "valid_f1",   "valid_roc_auc",  "valid_average_precision", "valid_eer",
    "train_loss", "train_accuracy"};

}  // namespace lathe
