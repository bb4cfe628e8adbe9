// Watching one of an epoch's results: for the best weights, the schedule `plateau` and early
// stopping.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/recipe.h"
#include "train/run_folder.h"

namespace lathe {

/// Losses and error rates should fall, everything else rise.
inline bool lower_is_better(const std::string& monitor) {
  return monitor.ends_with("_loss") || monitor.ends_with("_eer");
}

/// Throws Error(usage) where a recipe watches what its run is not going to measure. `valid` may be
/// null.
void check_monitors(const Recipe& recipe, const Dataset* valid);

/// The value of a column; of `valid_loss`, where there is no validation set, the training loss.
double watched(const EpochResult& result, const std::string& monitor);

/// The best of the values seen so far, and how many came after it. NaN is never better.
struct BestSoFar {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< NaN: none yet
  int64_t epochs_since = 0;

  /// Takes an epoch's value in; whether it is better than the best, by more than min_delta.
  bool add(double now, bool lower, double min_delta = 0);
};

}  // namespace lathe
