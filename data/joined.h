// Several datasets as one: a split whose files are a list.
#pragma once

#include <memory>
#include <vector>

#include "data/dataset.h"

namespace lathe {

/// The parts' samples after one another. The parts have one shape of sample and one dtype; the
/// classes are those of the part that has the most, whose first ones the others must have. Throws
/// Error(data) where they differ, naming the part by its number from 1.
class JoinedDataset final : public Dataset {
 public:
  explicit JoinedDataset(std::vector<std::shared_ptr<const Dataset>> parts);
  int64_t size() const override { return begins_.back(); }
  Shape sample_shape() const override { return parts_[0]->sample_shape(); }
  DType dtype() const override { return parts_[0]->dtype(); }
  int64_t channels() const override { return parts_[0]->channels(); }
  void fill(int64_t index, uint32_t epoch, void* to) const override;
  int64_t label(int64_t index) const override;
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::vector<std::string> channel_names() const override { return parts_[0]->channel_names(); }
  std::string group(int64_t index) const override;
  std::string source(int64_t index) const override;

 private:
  size_t part_of(int64_t index) const;

  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<int64_t> begins_ = {0};  // of each part, and the end
  std::vector<std::string> class_names_;
};

}  // namespace lathe
