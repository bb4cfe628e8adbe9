#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "tensor/check.h"
#include "tensor/random.h"

namespace lathe {
namespace {

constexpr uint32_t stream_of_splits = 0x53504c54;  // apart from those that shuffle for training

struct Group {
  std::vector<size_t> samples;
  std::vector<double> of_class;  // how many
};

/// By name, so that it does not matter in which order the samples came.
std::vector<Group> make_groups(const std::vector<int64_t>& labels,
                               const std::vector<std::string>& groups,
                               const std::vector<std::string>& names, size_t classes) {
  std::map<std::pair<bool, std::string>, Group> by_name;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool alone = groups[i].empty();
    Group& group = by_name[{alone, alone ? names[i] : groups[i]}];
    group.of_class.resize(classes);
    group.of_class[size_t(labels[i])] += 1;
    group.samples.push_back(i);
  }
  std::vector<Group> all;
  for (auto& [name, group] : by_name) all.push_back(std::move(group));
  return all;
}

/// The groups in the order in which they are given away.
std::vector<Group> in_random_order(std::vector<Group> groups, uint64_t seed) {
  std::vector<Group> ordered;
  const RandomStream random(seed, Purpose::shuffle, 0, 0, stream_of_splits);
  for (int64_t i : permutation(int64_t(groups.size()), random))
    ordered.push_back(std::move(groups[size_t(i)]));
  std::stable_sort(ordered.begin(), ordered.end(), [](const Group& a, const Group& b) {
    return a.samples.size() > b.samples.size();
  });
  return ordered;
}

/// What each part still lacks of each class.
class Shares {
 public:
  Shares(const std::vector<double>& ratios, const std::vector<double>& totals)
      : totals_(totals), lacks_(ratios.size(), totals) {
    for (size_t part = 0; part < ratios.size(); ++part)
      for (double& count : lacks_[part]) count *= ratios[part];
  }
  /// The part to which the group brings the sum over parts and classes of (share - target)² down
  /// most, shares being of a class's samples.
  int best_part(const Group& group, const std::vector<double>& ratios) const {
    int best = -1;
    double highest = 0;
    for (size_t part = 0; part < ratios.size(); ++part) {
      if (ratios[part] == 0) continue;
      double gain = 0;
      for (size_t c = 0; c < totals_.size(); ++c)
        if (totals_[c] > 0) gain += group.of_class[c] * lacks_[part][c] / (totals_[c] * totals_[c]);
      // Rounding must not decide between equal parts.
      if (best < 0 || gain > highest + 1e-12) highest = gain, best = int(part);
    }
    return best;
  }
  void take(int part, const Group& group) {
    for (size_t c = 0; c < totals_.size(); ++c) lacks_[size_t(part)][c] -= group.of_class[c];
  }

 private:
  std::vector<double> totals_;
  std::vector<std::vector<double>> lacks_;
};

/// Gives each empty part the smallest group of the part that has most groups.
void fill_empty_parts(std::vector<int>& part_of, const std::vector<double>& ratios) {
  for (size_t part = 0; part < ratios.size(); ++part) {
    std::vector<int64_t> count(ratios.size());
    for (int of : part_of) ++count[size_t(of)];
    if (ratios[part] == 0 || count[part] > 0) continue;
    const auto richest = int(std::max_element(count.begin(), count.end()) - count.begin());
    *std::find(part_of.rbegin(), part_of.rend(), richest) = int(part);
  }
}

void check_ratios(const std::vector<double>& ratios) {
  double sum = 0;
  for (double ratio : ratios) {
    LATHE_CHECK(ratio >= 0 && ratio <= 1, "split: expects ratios from 0 to 1, got ", ratio);
    sum += ratio;
  }
  LATHE_CHECK(std::abs(sum - 1) < 1e-6, "split: expects ratios whose sum is 1, got ", sum);
}

}  // namespace

std::vector<int> split_samples(const std::vector<int64_t>& labels,
                               const std::vector<std::string>& groups,
                               const std::vector<std::string>& names,
                               const std::vector<double>& ratios, uint64_t seed) {
  check_ratios(ratios);
  if (std::set<int64_t>(labels.begin(), labels.end()).size() < 2)
    fail(ErrorKind::data, "split: expects samples of two classes at least, got ",
         labels.empty() ? "none" : "one class");
  std::vector<double> totals(size_t(*std::max_element(labels.begin(), labels.end()) + 1));
  for (int64_t label : labels) ++totals[size_t(label)];
  const std::vector<Group> all =
      in_random_order(make_groups(labels, groups, names, totals.size()), seed);
  const auto parts =
      size_t(std::count_if(ratios.begin(), ratios.end(), [](double r) { return r > 0; }));
  if (all.size() < parts)
    fail(ErrorKind::data, "split: expects at least as many groups as parts, got ", all.size(),
         " for ", parts, " parts");

  Shares shares(ratios, totals);
  std::vector<int> part_of;  // of each group
  for (const Group& group : all) {
    part_of.push_back(shares.best_part(group, ratios));
    shares.take(part_of.back(), group);
  }
  fill_empty_parts(part_of, ratios);
  std::vector<int> result(labels.size());
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t sample : all[i].samples) result[sample] = part_of[i];
  return result;
}

}  // namespace lathe
