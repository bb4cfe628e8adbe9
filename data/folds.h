// The folds of a cross-validation: each is the validation set once, the others are trained on.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace lathe {

/// Some samples of another dataset.
class SubsetDataset final : public Dataset {
 public:
  SubsetDataset(std::shared_ptr<const Dataset> data, std::vector<int64_t> indices)
      : data_(std::move(data)), indices_(std::move(indices)) {}
  int64_t size() const override { return int64_t(indices_.size()); }
  Shape sample_shape() const override { return data_->sample_shape(); }
  DType dtype() const override { return data_->dtype(); }
  int64_t channels() const override { return data_->channels(); }
  void fill(int64_t index, uint32_t epoch, void* to) const override {
    data_->fill(at(index), epoch, to);
  }
  int64_t label(int64_t index) const override { return data_->label(at(index)); }
  const std::vector<std::string>& class_names() const override { return data_->class_names(); }
  std::vector<std::string> channel_names() const override { return data_->channel_names(); }
  std::string group(int64_t index) const override { return data_->group(at(index)); }
  std::string source(int64_t index) const override { return data_->source(at(index)); }

 private:
  int64_t at(int64_t index) const { return indices_[size_t(index)]; }
  std::shared_ptr<const Dataset> data_;
  std::vector<int64_t> indices_;
};

/// The fold of each sample, 0 to folds - 1, by split_samples(): classes keep their shares, groups
/// stay whole. The same file twice is a group. Throws Error(data) for samples without a class,
/// and for more folds than groups of a class.
std::vector<int> assign_folds(const Dataset& data, int64_t folds, uint64_t seed);

}  // namespace lathe
