// A dataset made of another one: what it changes is written in the class that derives from it, all
// else is the other's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace lathe {

class ForwardingDataset : public Dataset {
 public:
  explicit ForwardingDataset(std::shared_ptr<const Dataset> data) : data_(std::move(data)) {}
  int64_t size() const override { return data_->size(); }
  Shape sample_shape() const override { return data_->sample_shape(); }
  DType dtype() const override { return data_->dtype(); }
  int64_t channels() const override { return data_->channels(); }
  void fill(int64_t index, uint32_t epoch, void* to) const override {
    data_->fill(origin(index), epoch, to);
  }
  int64_t label(int64_t index) const override { return data_->label(origin(index)); }
  const std::vector<std::string>& class_names() const override { return data_->class_names(); }
  std::vector<std::string> channel_names() const override { return data_->channel_names(); }
  std::string group(int64_t index) const override { return data_->group(origin(index)); }
  std::string source(int64_t index) const override { return data_->source(origin(index)); }

 protected:
  /// The other dataset's sample that sample `index` is made of.
  virtual int64_t origin(int64_t index) const { return index; }
  const Dataset& data() const { return *data_; }

 private:
  std::shared_ptr<const Dataset> data_;
};

}  // namespace lathe
