// One value of a recipe: from TOML into the field of its key, checked against the key's row.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "tensor/check.h"
#include "train/recipe_keys.h"

namespace lathe {

/// Where a value stands: for messages, and for the paths in it.
struct RecipePlace {
  std::string source;  ///< "recipe.toml", or "--set train.epochs=ten"
  std::filesystem::path folder;
  bool has_lines;
  std::string at(const toml::node& node) const {
    return has_lines ? concat(source, ":", node.source().begin.line, ": ") : source + ": ";
  }
};

/// Throws Error(usage), beginning with the place, when the node is not of the key's type or range.
void read_value(const RecipeKey& key, RecipeField field, const toml::node& node,
                const RecipePlace& place);
/// A model's option: a number, text, true, false or a list.
nlohmann::json option_value(const std::string& name, const toml::node& node,
                            const RecipePlace& place);

}  // namespace lathe
