// Whether data are what a model was trained on, asked before a number is computed from them.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "layers/module.h"

namespace lathe {

/// Throws Error(data), which begins with the file's name and names the first difference, unless the
/// data's channels are called as those of the training data. Data and weights without names, such
/// as images, are not compared.
void check_channels(const Dataset& data, const std::vector<std::string>& training_names,
                    const std::string& file);

/// Throws Error(data), which begins with the file's name, unless all samples have a class, and not
/// all the same.
void check_classes(const Dataset& train, const std::string& file);

/// Throws Error(data), which begins with the file's name, unless the model takes the data's
/// samples. Gives the number of outputs for a sample. The model is traced, not run.
int64_t check_model_takes(Module& model, const Dataset& data, const std::string& file);

}  // namespace lathe
