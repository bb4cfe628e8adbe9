#include "train/freeze.h"

#include <algorithm>

#include "layers/batch_norm.h"
#include "train/name_pattern.h"

namespace lathe {
namespace {

/// A batch norm that nothing changes: without parameters to train, its statistics are the model's
/// own and no longer the batch's.
void keep_frozen_norms_in_evaluation(Module& model) {
  for_each_module(model, [](const std::string&, Module& module) {
    const auto* norm = dynamic_cast<const BatchNorm2d*>(&module);
    if (norm && !norm->weight.requires_grad() && !norm->bias.requires_grad())
      module.stay_in_evaluation();
  });
}

}  // namespace

void freeze(const Recipe& recipe, Module& model) {
  const Recipe::Freeze& keys = recipe.freeze;
  if (keys.except.empty() && keys.only.empty()) return;
  check_names("freeze.except", keys.except, model);
  check_names("freeze.only", keys.only, model);
  const std::vector<std::string>& patterns = keys.only.empty() ? keys.except : keys.only;
  for (NamedTensor& p : model.named_parameters()) {
    const bool named =
        std::any_of(patterns.begin(), patterns.end(),
                    [&](const std::string& pattern) { return names(pattern, p.name); });
    p.tensor.requires_grad_(named == keys.only.empty());
  }
  LATHE_CHECK(trained_count(model) > 0, "freeze.only: names all parameters of ", recipe.model.name,
              "; nothing is left to train");
  if (keys.batch_norm == "eval") keep_frozen_norms_in_evaluation(model);
}

int64_t trained_count(Module& model) {
  int64_t count = 0;
  for (const NamedTensor& p : model.named_parameters())
    if (p.tensor.requires_grad()) count += p.tensor.numel();
  return count;
}

}  // namespace lathe
