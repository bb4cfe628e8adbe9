// What a recipe works on: its splits as datasets, the classes, the normalisation, the model and the
// loss. Shared by training, evaluation and prediction.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/images.h"
#include "data/normalize.h"
#include "layers/module.h"
#include "optim/schedule.h"
#include "train/recipe.h"
#include "train/step.h"

namespace lathe {

/// Whether there is data for train, valid or test: files, or for valid a fold of train.
bool has_split(const Recipe& recipe, const std::string& split);
/// The names of a recipe's splits that have files: of train, valid, test.
std::vector<std::string> split_names(const Recipe& recipe);

/// The first of a split's files, for messages about what all of them have in common.
std::string first_file(const Recipe& recipe, const std::string& split);

/// What samples are for: to train on, changed at random, or to measure and predict.
enum class Stage { train, eval };

/// The samples of "train", "valid" or "test", in the recipe's dtype, not normalised. Throws
/// Error(usage) when the recipe names no files for it, Error(data) for what is wrong in them. Files
/// that data.on_error = "skip" leaves out are added to `left_out`, each with the reason.
std::shared_ptr<const Dataset> load_split(const Recipe& recipe, const std::string& split,
                                          Stage stage = Stage::eval,
                                          std::vector<std::string>* left_out = nullptr);

/// The images of a split; of kind images only.
ImageList list_split(const Recipe& recipe, const std::string& split);
/// Images as a recipe's models see them.
std::shared_ptr<const ImageDataset> image_dataset(const Recipe& recipe, ImageList list, Stage stage,
                                                  std::vector<std::string>* left_out = nullptr);
/// Throws Error(data), listing them, when two splits of images share some, or a group.
void check_splits(const Recipe& recipe);

/// The classes' names: data.classes, else those of the data.
std::vector<std::string> class_names(const Recipe& recipe, const Dataset& train);

/// The same samples with their labels as numbers into `classes`: found by name, in letters of any
/// case; where the data has numbers instead of names, these are given the names in order.
std::shared_ptr<const Dataset> with_classes(std::shared_ptr<const Dataset> data,
                                            const std::vector<std::string>& classes);

/// The number of the class that precision and recall are about: data.positive, else 1.
int64_t positive_class(const Recipe& recipe, const std::vector<std::string>& classes);

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
