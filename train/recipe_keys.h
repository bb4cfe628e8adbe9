// The parts of the table of a recipe's keys, in the order of recipe.toml.
#pragma once

#include "train/recipe.h"

namespace lathe {

/// The columns of results.csv that can be watched.
inline const std::vector<std::string> monitors = {
    "valid_loss", "valid_accuracy", "valid_precision",         "valid_recall",
    "valid_f1",   "valid_roc_auc",  "valid_average_precision", "valid_eer",
    "train_loss", "train_accuracy"};

/// [loss], [optimizer], [schedule] and [early_stopping].
std::vector<RecipeKey> learning_keys();
/// [train], [checkpoint], [log], [init] and [freeze].
std::vector<RecipeKey> run_keys();

}  // namespace lathe
