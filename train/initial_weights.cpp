// [init] of a recipe: weights to begin with, from other files.
#include "tensor/check.h"
#include "train/checkpoint.h"
#include "train/closest_model.h"
#include "train/name_pattern.h"
#include "train/renamed.h"
#include "train/task.h"

namespace lathe {
void load_initial_weights(const Recipe& recipe, Module& model) {
  const Recipe::Init& init = recipe.init;
  if (init.weights.files.empty()) return;
  auto skipped = [&](const std::string& name) {
    for (const std::string& pattern : init.skip)
      if (matches(pattern, name)) return true;
    return false;
  };
  std::vector<NamedTensor> given;
  std::string files;
  for (const std::string& file : init.weights.files) {
    files += (files.empty() ? "" : ", ") + file;
    for (NamedTensor& t : load_weights(file).tensors) {
      t.name = init.prefix + renamed(init.map, t.name);
      if (!skipped(t.name)) given.push_back(std::move(t));
    }
  }
  LoadReport report = model.load_state_dict(given, false);
  std::erase_if(report.missing, skipped);
  // Another shape is never passed over silently: init.skip says so where it is meant.
  if (!report.mismatched.empty() || (init.strict && !report.fits()))
    fail(ErrorKind::data, files, ": the weights do not fit ", recipe.model.name,
         closest_model(given), report.text());
}

}  // namespace lathe
