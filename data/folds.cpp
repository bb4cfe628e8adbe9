#include "data/folds.h"

#include "data/split.h"
#include "tensor/check.h"

namespace lathe {

std::vector<int> assign_folds(const Dataset& data, int64_t folds, uint64_t seed) {
  std::vector<int64_t> labels;
  std::vector<std::string> groups, names;
  for (int64_t i = 0; i < data.size(); ++i) {
    labels.push_back(data.label(i));
    if (labels.back() < 0) fail(ErrorKind::data, "folds: sample ", i, " has no class");
    groups.push_back(data.group(i));
    names.push_back(concat(data.source(i), " ", i));  // copies of an image have one source
  }
  return split_samples(labels, groups, names,
                       std::vector<double>(size_t(folds), 1.0 / double(folds)), seed);
}

}  // namespace lathe
