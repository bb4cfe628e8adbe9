// What a recipe works on: its splits as datasets (train/splits.h), the classes (train/classes.h),
// the normalisation, the model and the loss. Shared by training, evaluation and prediction.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/normalize.h"
#include "layers/module.h"
#include "optim/schedule.h"
#include "train/classes.h"
#include "train/recipe.h"
#include "train/splits.h"
#include "train/step.h"

namespace lathe {

/// "data.normalize = standard" measured on the training set; nothing for "none".
std::optional<Normalization> measure(const Recipe& recipe, const Dataset& train);
std::shared_ptr<const Dataset> normalized(std::shared_ptr<const Dataset> data,
                                          const std::optional<Normalization>& normalization);

/// Sets pos_weight = "auto" to negatives / positives. Of a number that is given, a warning where it
/// is clearly nearer to positives / negatives; else nothing.
std::string resolve_pos_weight(Recipe& recipe, const Dataset& train);

/// The recipe's model in its dtype on a device, with fresh weights of the recipe's seed.
std::unique_ptr<Module> make_model(const Recipe& recipe, Device device);
/// The recipe's loss; checks the shape of the outputs and the number of classes.
LossFunction make_loss(const Recipe& recipe, int64_t classes, Device device);
/// The class weights of that loss, by which batches weigh in a mean; none when all weigh 1.
std::vector<double> loss_class_weights(const Recipe& recipe);
OptimizerOptions optimizer_options(const Recipe& recipe);
ScheduleOptions schedule_options(const Recipe& recipe);

/// Loads init.weights into a model: renamed, prefixed, skipped as [init] says.
void load_initial_weights(const Recipe& recipe, Module& model);

}  // namespace lathe
