// The tables of a recipe's keys: adding a key is a member of Recipe and a row here, or in
// recipe_keys_learning.cpp or recipe_keys_run.cpp.
#include "train/recipe_keys.h"

namespace lathe {
namespace {

std::vector<RecipeKey> data_keys() {
  using R = Recipe&;
  using F = RecipeField;
  return {
      {"name", [](R r) -> F { return &r.name; },
       "names the run folder; the recipe's file name where it is empty"},

      {"data.kind",
       [](R r) -> F { return &r.data.kind; },
       "landmarks: CSV files of features and labels; images: photos in folders, or listed by JSON "
       "or CSV; features: what `lathe extract` wrote, or arrays; idx: MNIST's files, plain or gzip",
       {"landmarks", "images", "features", "idx"}},
      {"data.train", [](R r) -> F { return &r.data.train; },
       "what to train on: { features, labels } for landmarks and arrays, { images, labels } for "
       "idx; for images a folder, a JSON or a CSV file, for features a file; a list of them is "
       "joined"},
      {"data.valid", [](R r) -> F { return &r.data.valid; },
       "the files that choose the best epoch"},
      {"data.test", [](R r) -> F { return &r.data.test; }, "the files kept aside for the end"},
      {"data.rows_per_sample",
       [](R r) -> F { return &r.data.rows_per_sample; },
       "landmarks: how many rows after one another are a sample",
       {},
       1},
      {"data.normalize",
       [](R r) -> F { return &r.data.normalize; },
       "standard: subtract the training set's mean and divide by its deviation, feature by feature",
       {"none", "standard"}},
      {"data.classes", [](R r) -> F { return &r.data.classes; },
       "the classes' names in the order of their numbers; empty: the labels themselves"},
      {"data.class_patterns", [](R r) -> F { return &r.data.class_patterns; },
       "images: { class = \"regular expression\" } for the folders' paths, of which the first that "
       "is found counts; empty: a folder a class"},
      {"data.positive", [](R r) -> F { return &r.data.positive; },
       "the class that precision, recall and F1 are about; empty: class 1"},
      {"data.group", [](R r) -> F { return &r.data.group; },
       "images: what samples belong together: a CSV's column, or a regular expression for the "
       "path, of which the first (group) counts; empty: the column or key 'group' where there is "
       "one"},
      {"data.balance", [](R r) -> F { return &r.data.balance; },
       "draw the classes equally often: an epoch has as many samples as before, those of small "
       "classes several times"},
      {"data.folds",
       [](R r) -> F { return &r.data.folds; },
       "divide data.train into so many folds, of which one is the validation set in place of "
       "data.valid; stratified by class, groups stay together; 0: none. `lathe kfold` sets it",
       {},
       0,
       1000},
      {"data.fold",
       [](R r) -> F { return &r.data.fold; },
       "which fold that is, from 1",
       {},
       0,
       1000},
      {"data.on_error",
       [](R r) -> F { return &r.data.on_error; },
       "images: a file that cannot be read ends the run (stop), or is named and left out (skip): "
       "then all files are decoded once before the run",
       {"stop", "skip"}},
      {.name = "data.cache_mb",
       .field = [](R r) -> F { return &r.data.cache_mb; },
       .help = "images: keep decoded images in memory up to so many MB, for each of train, "
               "valid and test; 0: none",
       .least = 0,
       .most = 1 << 24,
       .result = false},
      {.name = "data.workers",
       .field = [](R r) -> F { return &r.data.workers; },
       .help =
           "threads that prepare batches ahead; 0: none. The batches are the same for any number",
       .least = 0,
       .most = 256,
       .result = false},

      {"transform.train", [](R r) -> F { return &r.transform.train; },
       "images: what is done to each training image, step by step: [[transform.train]] with name, "
       "p and the step's parameters (docs/images.md lists them)"},
      {"transform.eval", [](R r) -> F { return &r.transform.eval; },
       "images: the same for validation, test and prediction"},

      {"model.name", [](R r) -> F { return &r.model.name; },
       "which model; its own options are further keys of [model]"},
  };
}

}  // namespace

const std::vector<RecipeKey>& recipe_keys() {
  static const std::vector<RecipeKey> keys = [] {
    std::vector<RecipeKey> all = data_keys();
    for (const auto& more : {learning_keys(), run_keys()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return keys;
}

}  // namespace lathe
