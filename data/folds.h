// The folds of a cross-validation: each is the validation set once, the others are trained on.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "data/forwarding.h"

namespace lathe {

/// Some samples of another dataset.
class SubsetDataset final : public ForwardingDataset {
 public:
  SubsetDataset(std::shared_ptr<const Dataset> data, std::vector<int64_t> indices)
      : ForwardingDataset(std::move(data)), indices_(std::move(indices)) {}
  int64_t size() const override { return int64_t(indices_.size()); }

 protected:
  int64_t origin(int64_t index) const override { return indices_[size_t(index)]; }

 private:
  std::vector<int64_t> indices_;
};

/// The fold of each sample, 0 to folds - 1, by split_samples(): classes keep their shares, groups
/// stay whole. The same file twice is a group. Throws Error(data) for samples without a class,
/// and for more folds than groups of a class.
std::vector<int> assign_folds(const Dataset& data, int64_t folds, uint64_t seed);

}  // namespace lathe
