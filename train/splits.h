// The splits of a recipe, train, valid and test, as datasets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/images.h"
#include "train/recipe.h"

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
/// The same of pixels in memory, (N, H, W, 3) of u8; errors begin with `name`.
std::shared_ptr<const Dataset> pixel_dataset(const Recipe& recipe, Tensor pixels, Stage stage,
                                             const std::string& name);
/// Throws Error(data), listing them, when two splits of images share some, or a group.
void check_splits(const Recipe& recipe);

}  // namespace lathe
