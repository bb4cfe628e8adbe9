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
/// Channels of the images that a model takes: those of its first layer, where that is a
/// convolution; 0 for other models.
int64_t image_channels(Module& model);
/// The shape of a batch: of `input` where given, else of what the model's first layer takes. Images
/// are C x H x W, as people write them ("3x224x224"), or H x W x C: C is where the model's number
/// of channels stands, at the beginning if it stands at both ends.
Shape batch_shape(Module& model, int64_t batch_size, const std::string& input);
/// Random inputs of that shape, and labels that fit the outputs. Leaves the model in evaluation.
struct RandomBatch {
  Tensor inputs, labels;
  int64_t outputs, classes;  ///< outputs of a sample: one for two classes, or one a class
};
RandomBatch random_batch(Module& model, const Recipe& recipe, const Shape& shape, Device device);

}  // namespace lathe::apps
