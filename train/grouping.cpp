#include "train/grouping.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "tensor/check.h"

namespace lathe {
namespace {

void check_order(const Evaluator& samples, const Dataset& data) {
  LATHE_CHECK(int64_t(samples.rows().size()) == data.size(), "metrics: ", samples.rows().size(),
              " evaluated samples, but the data have ", data.size());
}

Evaluator none_like(const Evaluator& samples) {
  return Evaluator(samples.classes(), samples.positive());
}

}  // namespace

Evaluator by_group(const Evaluator& samples, const Dataset& data) {
  check_order(samples, data);
  Evaluator groups = none_like(samples);
  std::map<std::pair<std::string, int64_t>, std::vector<size_t>> members;
  bool any = false;
  for (size_t i = 0; i < samples.rows().size(); ++i) {
    std::string name = data.group(int64_t(i));
    any |= !name.empty();
    // A name that no group has: a number behind a line's end.
    if (name.empty()) name = "\n" + std::to_string(i);
    members[{std::move(name), samples.labels()[i]}].push_back(i);
  }
  if (!any) return groups;
  for (const auto& [group, indices] : members) {
    std::vector<double> mean(samples.rows()[indices[0]].size());
    for (size_t i : indices)
      for (size_t c = 0; c < mean.size(); ++c) mean[c] += samples.rows()[i][c];
    for (double& p : mean) p /= double(indices.size());
    groups.add(std::move(mean), group.second);
  }
  return groups;
}

std::vector<std::pair<std::string, Evaluator>> by_folder(const Evaluator& samples,
                                                         const Dataset& data) {
  check_order(samples, data);
  std::map<std::string, Evaluator> folders;
  for (size_t i = 0; i < samples.rows().size(); ++i) {
    const std::filesystem::path source = data.source(int64_t(i));
    if (source.empty()) continue;
    const auto [folder, added] =
        folders.try_emplace(source.parent_path().string(), none_like(samples));
    folder->second.add(samples.rows()[i], samples.labels()[i]);
  }
  if (folders.size() < 2) return {};
  return {std::make_move_iterator(folders.begin()), std::make_move_iterator(folders.end())};
}

double mean_score(const Evaluator& samples) {
  double sum = 0;
  for (double score : samples.scores()) sum += samples.positive() == 1 ? score : 1 - score;
  return sum / double(samples.rows().size());
}

}  // namespace lathe
