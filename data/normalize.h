// `normalize = "standard"`: every channel minus its mean, divided by its deviation, both of the
// training set. A channel is what Dataset::channels() says: a column of the landmark CSV over all
// frames (so differences between frames keep their scale), a colour of an image. The two tensors
// are kept with the weights, as normalize.mean and normalize.std, so that whoever uses these needs
// no training data.
#pragma once

#include <memory>

#include "data/forwarding.h"

namespace lathe {

struct Normalization {
  static constexpr const char* mean_name = "normalize.mean";
  static constexpr const char* std_name = "normalize.std";

  Tensor mean, std;  ///< (channels), f64; the deviation divides by the count and is never 0
};

/// Mean and deviation of every channel over all samples (of epoch 0). A channel that does not vary
/// gets the deviation 1.
Normalization measure_normalization(const Dataset& data);

/// A dataset whose samples are those of another, normalised.
class NormalizedDataset final : public ForwardingDataset {
 public:
  /// Throws Error(data) when the statistics are for another number of channels.
  NormalizedDataset(std::shared_ptr<const Dataset> data, Normalization normalization);
  void fill(int64_t index, uint32_t epoch, void* to) const override;

 private:
  Normalization normalization_;
  std::vector<double> inverse_;  // 1 / deviation
};

}  // namespace lathe
