// Mixup and CutMix in training (data/mix.h): each batch is mixed with itself before its step, and
// the step's loss is share * loss(outputs, labels) + (1 - share) * loss(outputs, partners' labels).
// What is drawn is keyed by seed, epoch and batch: a resumed run draws it again.
#pragma once

#include <map>

#include "data/mix.h"
#include "train/step.h"

namespace lathe {

struct MixingOptions {
  double mixup = 0, cutmix = 0;  ///< alpha of the one that is wanted
  uint64_t seed = 0;
};

class Mixing {
 public:
  /// Throws Error(usage) for CutMix on samples that are not images (height, width, channels).
  Mixing(const MixingOptions& options, LossFunction loss, const Shape& sample);
  Mixing(const Mixing&) = delete;
  Mixing& operator=(const Mixing&) = delete;

  /// Mixes the inputs of a batch in place, and sets the loss's share and partners to match.
  void mix(Tensor inputs, const Tensor& labels, uint32_t epoch, int64_t batch);
  /// The loss of the batch that was mixed last, for a TrainStep; refers to this object.
  LossFunction loss() {
    return [this](const Tensor& outputs, const Tensor& labels) { return mixed(outputs, labels); };
  }

 private:
  /// What the plans for batches of one size read; it outlives them.
  struct Feed {
    Tensor partners, share, rest;
  };
  Tensor mixed(const Tensor& outputs, const Tensor& labels);
  void set(Feed& feed) const;

  MixingOptions options_;
  LossFunction loss_;
  std::map<int64_t, Feed> feeds_;  // by the number of labels
  Tensor partners_;                // of the batch that was mixed last
  double share_ = 1;
};

}  // namespace lathe
