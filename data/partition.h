// Dividing samples among parts: training, validation and test, or the folds of a cross-validation.
// Each class is spread over the parts as these ask, and what belongs together stays together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace lathe {

/// The part of each sample. `shares` are the parts' sizes, of which a sum of 1 is expected; samples
/// with the same group, where it is not empty, get the same part. The order of groups is shuffled
/// by the seed, large ones first; each goes where its classes are needed most. Throws Error(data)
/// when there are fewer groups than parts.
std::vector<int64_t> partition(const std::vector<int64_t>& labels,
                               const std::vector<std::string>& groups,
                               const std::vector<double>& shares, uint64_t seed);

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

/// The fold of each sample, of `folds`; stratified and grouped. Throws Error(data) when there are
/// more folds than groups.
std::vector<int64_t> assign_folds(const Dataset& data, int64_t folds, uint64_t seed);

}  // namespace lathe
