// Learning rates that change while training goes on. All but `plateau` are functions of the epoch
// and the step alone, so a resumed run has the rates that it would have had; what `plateau` keeps
// is a small state for the checkpoint. Formulas and names are those of torch.optim.lr_scheduler.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace lathe {

enum class ScheduleKind : uint8_t {
  constant,
  step,       ///< StepLR: times gamma every step_size epochs
  multistep,  ///< MultiStepLR: times gamma at each milestone
  cosine,     ///< CosineAnnealingLR: half a cosine from lr to min_lr over all epochs
  plateau,    ///< ReduceLROnPlateau: times factor after `patience` epochs that were no better
  one_cycle,  ///< OneCycleLR: up from lr / div_factor to lr, down to lr / (div_factor
              ///< final_div_factor)
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::constant;
  int64_t step_size = 30;
  std::vector<int64_t> milestones = {};
  double gamma = 0.1;
  double min_lr = 0;  ///< cosine, plateau
  double factor = 0.1;
  int64_t patience = 10, cooldown = 0;
  double threshold = 1e-4;  ///< plateau: better is by this share of the best
  double pct_start = 0.3;   ///< one_cycle: the share of all steps that go up
  double div_factor = 25, final_div_factor = 1e4;
  /// Over so many epochs the rate is multiplied by 1/n, 2/n, … 1, n being their steps.
  int64_t warmup_epochs = 0;
};

class Schedule {
 public:
  /// What plateau has seen.
  struct State {
    double lr = -1;  ///< the rate that it has come to; below 0: the first
    double best = std::numeric_limits<double>::quiet_NaN();
    int64_t bad_epochs = 0, cooldown = 0;
  };

  /// Throws Error(usage) for options without meaning.
  Schedule(const ScheduleOptions& options, double lr, int64_t epochs, int64_t steps_an_epoch);

  /// The rate of a step; epochs and their steps count from 0.
  double lr(int64_t epoch, int64_t step) const;
  /// Tells what an epoch came to, the value that is watched; only plateau listens.
  void end_epoch(double watched, bool lower_is_better = true);

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  double one_cycle(int64_t step) const;

  ScheduleOptions options_;
  double lr_;
  int64_t epochs_, steps_an_epoch_;
  State state_;
};

}  // namespace lathe
