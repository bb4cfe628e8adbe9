#include "data/dataset.h"

#include <cstring>

namespace lathe {

TensorDataset::TensorDataset(Tensor inputs, Tensor labels, std::vector<std::string> class_names,
                             int64_t channels, std::vector<std::string> channel_names)
    : inputs_(std::move(inputs)),
      labels_(std::move(labels)),
      class_names_(std::move(class_names)),
      channel_names_(std::move(channel_names)),
      channels_(channels) {
  LATHE_CHECK(inputs_.rank() >= 1 && labels_.shape() == Shape({inputs_.dim(0)}),
              "dataset: expects a label for each sample, got inputs ", inputs_.shape(),
              " and labels ", labels_.shape());
  LATHE_CHECK(labels_.dtype() == DType::i64, "dataset: expects labels of i64, got ",
              labels_.dtype());
  LATHE_CHECK(channels > 0 && sample_shape().numel() % channels == 0, "dataset: ", channels,
              " channels do not divide samples of shape ", sample_shape());
  LATHE_CHECK(channel_names_.empty() || int64_t(channel_names_.size()) == channels,
              "dataset: expects ", channels, " names of channels or none, got ",
              channel_names_.size());
}

void TensorDataset::fill(int64_t index, uint32_t, void* to) const {
  const int64_t bytes = sample_shape().numel() * size_of(dtype());
  std::memcpy(to, inputs_.raw() + index * bytes, size_t(bytes));
}

std::vector<int64_t> class_counts(const Dataset& data) {
  std::vector<int64_t> counts(data.class_names().size());
  for (int64_t i = 0; i < data.size(); ++i)
    if (const int64_t label = data.label(i); label >= 0) ++counts.at(size_t(label));
  return counts;
}

}  // namespace lathe
