#include "train/weight_average.h"

#include "kernels/weight_passes.h"

namespace lathe {

WeightAverage::WeightAverage(Module& model, double decay)
    : decay_(decay), weights_(model.state_dict()) {
  for (const NamedTensor& t : weights_) averages_.push_back({t.name, t.tensor.clone(), t.layout});
  plan_.trace([this] {
    for (size_t i = 0; i < weights_.size(); ++i)
      if (is_floating(weights_[i].tensor.dtype()))
        kernels::update_average(averages_[i].tensor, weights_[i].tensor, decay_);
      else
        copy_(averages_[i].tensor, weights_[i].tensor);
  });
}

void WeightAverage::restart() {
  for (size_t i = 0; i < weights_.size(); ++i) copy_(averages_[i].tensor, weights_[i].tensor);
}

void WeightAverage::update() { plan_.replay(); }

void WeightAverage::exchange() {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const Tensor weights = weights_[i].tensor.clone();
    copy_(weights_[i].tensor, averages_[i].tensor);
    copy_(averages_[i].tensor, weights);
  }
}

}  // namespace lathe
