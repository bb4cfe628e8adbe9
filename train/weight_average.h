// An exponential moving average of a model's weights over the steps of training (timm's
// ModelEmaV3, and its ModelEmaV2 but for counters): what is validated and kept as best, while the
// weights themselves go on learning.
#pragma once

#include <vector>

#include "layers/module.h"
#include "tensor/plan.h"

namespace lathe {

class WeightAverage {
 public:
  /// Of a model's state_dict, from its values as they are. The model must outlive it, and keep its
  /// tensors' memory.
  WeightAverage(Module& model, double decay);
  /// Begins anew from the model's values.
  void restart();
  /// After a step: average = decay average + (1 - decay) weights; integers are copied.
  void update();
  /// The averages under the model's names, in the order of its state_dict.
  const std::vector<NamedTensor>& tensors() const { return averages_; }

  /// While alive, the model's tensors hold the averages; without an average they stay.
  class InModel {
   public:
    explicit InModel(WeightAverage* average) : average_(average) { exchange(); }
    ~InModel() { exchange(); }
    InModel(const InModel&) = delete;
    InModel& operator=(const InModel&) = delete;
    /// Puts the weights back for f(), and then the averages again.
    template <class F>
    void outside(const F& f) {
      exchange();
      f();
      exchange();
    }

   private:
    void exchange() {
      if (average_) average_->exchange();
    }
    WeightAverage* average_;
  };

 private:
  void exchange();

  double decay_;
  std::vector<NamedTensor> weights_, averages_;
  Plan plan_;
};

}  // namespace lathe
