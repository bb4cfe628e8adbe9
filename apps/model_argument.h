// MODEL|RECIPE, as summary and bench take it: a registered model's name, or a recipe's file.
#pragma once

#include <string>
#include <vector>

#include "apps/command.h"
#include "layers/module.h"
#include "tensor/shape.h"
#include "train/recipe.h"

namespace lathe::apps {

/// A recipe: the file's, or the defaults with that model. --dtype and --seed are applied.
Recipe recipe_of(const std::string& model_or_recipe, const std::vector<std::string>& settings,
                 const CommonOptions& common);
/// The shape of a batch: of `input` ("3x224x224") where given, else of what the model's first layer
/// takes.
Shape batch_shape(Module& model, int64_t batch_size, const std::string& input);
/// Random inputs of that shape, and labels that fit the outputs.
struct RandomBatch {
  Tensor inputs, labels;
  int64_t outputs, classes;  ///< outputs of a sample: one for two classes, or one a class
};
RandomBatch random_batch(Module& model, const Recipe& recipe, const Shape& shape, Device device);

}  // namespace lathe::apps
