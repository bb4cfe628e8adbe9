// The classes of a recipe: their names, and the numbers that a model's outputs have for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/recipe.h"

namespace lathe {

/// The classes' names: data.classes, else those of the data.
std::vector<std::string> class_names(const Recipe& recipe, const Dataset& train);

/// The same samples with their labels as numbers into `classes`: found by name, in letters of any
/// case; where the data has numbers instead of names, these are given the names in order.
std::shared_ptr<const Dataset> with_classes(std::shared_ptr<const Dataset> data,
                                            const std::vector<std::string>& classes);

/// The number of the class that precision and recall are about: data.positive, else 1.
int64_t positive_class(const Recipe& recipe, const std::vector<std::string>& classes);

}  // namespace lathe
