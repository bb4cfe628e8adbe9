#include "train/monitor.h"

#include <algorithm>
#include <cmath>

#include "tensor/check.h"

namespace lathe {

void check_monitors(const Recipe& recipe, const Dataset* valid) {
  for (const auto& [key, monitor] : {std::pair("schedule.monitor", recipe.schedule.monitor),
                                     {"early_stopping.monitor", recipe.early_stopping.monitor},
                                     {"checkpoint.monitor", recipe.checkpoint.monitor}}) {
    if (!monitor.starts_with("valid_") || monitor == "valid_loss") continue;
    LATHE_CHECK(valid, key, ": ", monitor, " needs a validation set: data.valid names no files");
    if (monitor != "valid_roc_auc" && monitor != "valid_average_precision" &&
        monitor != "valid_eer")
      continue;
    const std::vector<int64_t> counts = class_counts(*valid);
    LATHE_CHECK(counts.size() == 2 && std::count(counts.begin(), counts.end(), 0) == 0, key, ": ",
                monitor, " needs samples of two classes in data.valid");
  }
}

double watched(const EpochResult& result, const std::string& monitor) {
  for (const auto& [name, value] : result.columns())
    if (name == monitor && (monitor != "valid_loss" || !std::isnan(value))) return value;
  return result.train_loss;
}

bool BestSoFar::add(double now, bool lower, double min_delta) {
  const bool better = std::isnan(value) ? !std::isnan(now)
                      : lower           ? now < value - min_delta
                                        : now > value + min_delta;
  if (better) value = now;
  epochs_since = better ? 0 : epochs_since + 1;
  return better;
}

}  // namespace lathe
