#include "data/folds.h"

#include <map>
#include <set>

#include "data/split.h"
#include "tensor/check.h"

namespace lathe {

std::vector<int> assign_folds(const Dataset& data, int64_t folds, uint64_t seed) {
  std::vector<int64_t> labels;
  std::vector<std::string> groups, names;
  std::map<int64_t, std::set<std::string>> members;  // groups of each class
  for (int64_t i = 0; i < data.size(); ++i) {
    labels.push_back(data.label(i));
    if (labels.back() < 0) fail(ErrorKind::data, "folds: sample ", i, " has no class");
    const std::string source = data.source(i), group = data.group(i);
    groups.push_back(group.empty() ? source : group);  // the same file twice is on one side
    names.push_back(source.empty() ? std::to_string(i) : source);
    members[labels.back()].insert(groups.back().empty() ? names.back() : groups.back());
  }
  for (const auto& [label, groups_of_class] : members)
    if (int64_t(groups_of_class.size()) < folds)
      fail(ErrorKind::data, "folds: expects at least ", folds, " samples, or groups of them, of ",
           "each class, the class ", data.class_names()[size_t(label)], " has ",
           groups_of_class.size());
  return split_samples(labels, groups, names,
                       std::vector<double>(size_t(folds), 1.0 / double(folds)), seed);
}

}  // namespace lathe
