#include "data/partition.h"

#include <algorithm>
#include <map>

#include "tensor/check.h"
#include "tensor/random.h"

namespace lathe {
namespace {

using Members = std::vector<size_t>;

/// The samples of each group, in an order that the seed decides, large groups first.
std::vector<Members> ordered_groups(const std::vector<std::string>& groups, uint64_t seed) {
  std::vector<Members> all;
  std::map<std::string, size_t> numbers;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto [found, is_new] = numbers.emplace(groups[i], all.size());
    if (groups[i].empty()) numbers.erase(found);  // each of these is a group of its own
    if (is_new)
      all.push_back({i});
    else
      all[found->second].push_back(i);
  }
  std::vector<Members> shuffled;
  for (int64_t i : permutation(int64_t(all.size()), RandomStream(seed, Purpose::shuffle)))
    shuffled.push_back(std::move(all[size_t(i)]));
  std::stable_sort(shuffled.begin(), shuffled.end(),
                   [](const Members& a, const Members& b) { return a.size() > b.size(); });
  return shuffled;
}

/// How much of what the parts want of each class they have.
class Parts {
 public:
  Parts(const std::vector<int64_t>& labels, const std::vector<double>& shares)
      : labels_(labels), shares_(shares) {
    for (int64_t label : labels) ++totals_[label];
    have_.resize(shares.size());
  }
  /// The part that wants these samples most: whose classes lack the largest share.
  size_t place(const Members& members) {
    size_t best = 0;
    double most = -1e300;
    for (size_t part = 0; part < shares_.size(); ++part) {
      double lacking = 0;
      for (size_t i : members) {
        const int64_t label = labels_[i];
        lacking += 1 - have_[part][label] / (shares_[part] * totals_[label]);
      }
      if (shares_[part] > 0 && lacking > most) {
        most = lacking;
        best = part;
      }
    }
    for (size_t i : members) have_[best][labels_[i]] += 1;
    return best;
  }

 private:
  const std::vector<int64_t>& labels_;
  const std::vector<double>& shares_;
  std::map<int64_t, double> totals_;
  std::vector<std::map<int64_t, double>> have_;
};

}  // namespace

std::vector<int64_t> partition(const std::vector<int64_t>& labels,
                               const std::vector<std::string>& groups,
                               const std::vector<double>& shares, uint64_t seed) {
  const std::vector<Members> ordered = ordered_groups(groups, seed);
  const auto wanted = std::count_if(shares.begin(), shares.end(), [](double s) { return s > 0; });
  if (int64_t(ordered.size()) < wanted)
    fail(ErrorKind::data, "data: ", wanted,
         " parts expect as many samples, or groups of them, got ", ordered.size());
  std::vector<int64_t> part_of(labels.size());
  Parts parts(labels, shares);
  for (const Members& members : ordered) {
    const size_t part = parts.place(members);
    for (size_t i : members) part_of[i] = int64_t(part);
  }
  return part_of;
}

std::vector<int64_t> assign_folds(const Dataset& data, int64_t folds, uint64_t seed) {
  std::vector<int64_t> labels;
  std::vector<std::string> groups;
  for (int64_t i = 0; i < data.size(); ++i) {
    labels.push_back(data.label(i));
    groups.push_back(data.group(i));
  }
  return partition(labels, groups, std::vector<double>(size_t(folds), 1 / double(folds)), seed);
}

}  // namespace lathe
