// What a run tells TensorBoard: the loss of every step, the columns of results.csv of every epoch,
// the confusion matrix, and the weights where the recipe asks for them.
#pragma once

#include <optional>
#include <utility>

#include "layers/module.h"
#include "train/event_file.h"
#include "train/metrics.h"
#include "train/recipe.h"
#include "train/run_folder.h"

namespace lathe {

class RunEvents {
 public:
  /// A new file in the run's folder, unless the recipe wants none.
  RunEvents(const RunFolder& folder, const Recipe::Log& options);
  void step(int64_t number, double loss);
  /// `validation`: what an epoch with a validation set came to there.
  void epoch(const EpochResult& result, const std::optional<Evaluation>& validation, Module& model);

 private:
  Recipe::Log options_;
  std::optional<EventFile> file_;
};

}  // namespace lathe
