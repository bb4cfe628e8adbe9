// Optimisers: SGD, Adam and AdamW with PyTorch's formulas and defaults, over a parameter arena. An
// update is one kernel over flat arrays; what changes from step to step reaches it through a small
// tensor, so that a plan can replay it.
#pragma once

#include "kernels/optimizer.h"
#include "optim/arena.h"

namespace lathe {

using kernels::UpdateRule;

struct OptimizerOptions {
  UpdateRule rule = UpdateRule::adam;
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  ///< Adam, AdamW
  double weight_decay = 0;  ///< Adam, SGD: added to the gradient; AdamW: taken off the weight
                            ///< (Loshchilov, Hutter 2019)
  double momentum = 0, dampening = 0;  ///< SGD
  bool nesterov = false;               ///< SGD
  double clip_norm =
      0;  ///< scales all gradients so that their global norm is at most this; 0: no clipping
  double l1 = 0;  ///< added to each gradient with the sign of its weight, before clipping
  /// A group's rate and decay; everything else is the same for all.
  struct Group {
    double lr, weight_decay;
    bool operator==(const Group&) const = default;
  };
  std::vector<Group> groups = {};  ///< of the arena's groups 1, 2, …; group 0 has those above
};

class Optimizer {
 public:
  /// Throws for values that have no meaning (a negative rate, betas outside [0, 1), Nesterov
  /// without momentum).
  Optimizer(ParameterArena& arena, const OptimizerOptions& options);

  /// One update of all parameters that have a gradient; the others stay, as in PyTorch.
  void step() {
    advance();
    apply();
  }
  /// The part of a step that is no kernel: counts it and writes its hyper-parameters for the
  /// device. The gradients are those of `batches` batches together, by which they are divided.
  void advance(double batches = 1);
  /// The part of a step that a plan records.
  void apply();
  /// For a step that is recorded: apply() then changes nothing when this loss, of one element, is
  /// not finite. The device sees that by itself, so nobody waits for the loss.
  void watch(const Tensor& loss);
  void zero_grad();

  const OptimizerOptions& options() const { return options_; }
  /// The number of groups, and the rate of one.
  int groups() const { return int(hyper_.size()); }
  void set_lr(double lr, int group = 0) {
    (group == 0 ? options_.lr : options_.groups.at(size_t(group - 1)).lr) = lr;
  }
  /// Updates made so far.
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  /// Moments and momentum buffers under PyTorch's names, a tensor a parameter:
  /// "exp_avg.fc1.weight".
  std::vector<NamedTensor> state() const;

  const ParameterArena& arena() const { return arena_; }
  const Tensor& m() const { return m_; }
  const Tensor& v() const { return v_; }
  const Tensor& hyper(int group = 0) const { return hyper_[size_t(group)]; }

 private:
  ParameterArena& arena_;
  OptimizerOptions options_;
  int64_t steps_ = 0;
  Tensor m_, v_, norm_;
  std::vector<Tensor> hyper_;  // of each group
};

}  // namespace lathe
