// Names of tensors as recipes say them: whole names, beginnings up to a dot, and * for anything.
#pragma once

#include <string>
#include <vector>

#include "layers/module.h"

namespace lathe {

/// Whether a name is what a pattern says; a * stands for any characters.
bool matches(const std::string& pattern, const std::string& name);

/// The same where a pattern may also be a beginning up to a dot: "blocks.5" names
/// blocks.5.0.bn1.weight, but not blocks.50.
bool names(const std::string& pattern, const std::string& name);

/// Throws Error(usage), which begins with the recipe's key and offers the nearest name, when a
/// pattern names none of a model's parameters.
void check_names(const std::string& key, const std::vector<std::string>& patterns, Module& model);

}  // namespace lathe
