// What the loader needs to know of data: how many samples, their shape, and a call that writes one
// of them to memory. A sample depends on its index and the epoch alone, so any thread may fetch any
// sample in any order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lathe {

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual Shape sample_shape() const = 0;
  virtual DType dtype() const = 0;
  /// Values i and i + channels() of a sample measure the same thing (a landmark's coordinate at two
  /// times, a colour at two pixels), so normalisation treats them alike. Divides the sample's
  /// elements.
  virtual int64_t channels() const = 0;
  /// Writes sample `index` as seen in `epoch` to memory for sample_shape() elements of dtype().
  /// Called by several threads at once.
  virtual void fill(int64_t index, uint32_t epoch, void* to) const = 0;
  /// The class of a sample; -1 when it is not known.
  virtual int64_t label(int64_t index) const = 0;
  virtual const std::vector<std::string>& class_names() const = 0;
  /// What the channels are called, such as the CSV's columns; empty where they have no names.
  virtual std::vector<std::string> channel_names() const { return {}; }
  /// What a sample belongs together with (a source video, a person); empty where nobody said.
  virtual std::string group(int64_t index) const {
    (void)index;
    return "";
  }
  /// The file of a sample that has one of its own; empty for the others.
  virtual std::string source(int64_t index) const {
    (void)index;
    return "";
  }
};

/// Samples that are in memory.
class TensorDataset : public Dataset {
 public:
  /// `inputs` (N, ...), f32 or f64, and `labels` (N), i64, both on the CPU.
  TensorDataset(Tensor inputs, Tensor labels, std::vector<std::string> class_names,
                int64_t channels, std::vector<std::string> channel_names = {});
  int64_t size() const override { return inputs_.dim(0); }
  Shape sample_shape() const override { return inputs_.shape().part(1, inputs_.rank()); }
  DType dtype() const override { return inputs_.dtype(); }
  int64_t channels() const override { return channels_; }
  void fill(int64_t index, uint32_t epoch, void* to) const override;
  int64_t label(int64_t index) const override { return labels_.data<int64_t>()[index]; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::vector<std::string> channel_names() const override { return channel_names_; }

  const Tensor& inputs() const { return inputs_; }
  const Tensor& labels() const { return labels_; }

 private:
  Tensor inputs_, labels_;
  std::vector<std::string> class_names_, channel_names_;
  int64_t channels_;
};

/// How many samples of each class there are; unknown labels are not counted.
std::vector<int64_t> class_counts(const Dataset& data);

}  // namespace lathe
