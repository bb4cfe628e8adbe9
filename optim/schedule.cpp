#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/check.h"

namespace lathe {
namespace {

/// From `begin` at share 0 to `end` at share 1 along half a cosine.
double half_cosine(double begin, double end, double share) {
  return end + (begin - end) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& options, double lr, int64_t epochs,
                   int64_t steps_an_epoch)
    : options_(options), lr_(lr), epochs_(epochs), steps_an_epoch_(steps_an_epoch) {
  const ScheduleOptions& o = options_;
  LATHE_CHECK(o.step_size >= 1, "schedule: step_size is 1 or more, got ", o.step_size);
  LATHE_CHECK(std::is_sorted(o.milestones.begin(), o.milestones.end()),
              "schedule: milestones are epochs in ascending order");
  LATHE_CHECK(o.kind != ScheduleKind::plateau || (o.factor >= 0 && o.factor < 1),
              "schedule: plateau's factor lies in [0, 1), got ", o.factor);
  LATHE_CHECK(o.kind != ScheduleKind::one_cycle || (o.pct_start > 0 && o.pct_start < 1 &&
                                                    o.div_factor > 0 && o.final_div_factor > 0),
              "schedule: one_cycle's pct_start lies in (0, 1) and its factors are above 0");
  LATHE_CHECK(o.warmup_epochs >= 0 && o.warmup_epochs <= epochs,
              "schedule: warmup_epochs expects 0 to train.epochs = ", epochs, ", got ",
              o.warmup_epochs);
}

double Schedule::lr(int64_t epoch, int64_t step) const {
  const ScheduleOptions& o = options_;
  const int64_t all_steps = epoch * steps_an_epoch_ + step;
  double rate = lr_;
  switch (o.kind) {
    case ScheduleKind::constant:
      break;
    case ScheduleKind::step:
      rate *= std::pow(o.gamma, double(epoch / o.step_size));
      break;
    case ScheduleKind::multistep:
      rate *= std::pow(o.gamma,
                       double(std::upper_bound(o.milestones.begin(), o.milestones.end(), epoch) -
                              o.milestones.begin()));
      break;
    case ScheduleKind::cosine:
      rate = half_cosine(lr_, o.min_lr, std::min(1.0, double(epoch) / double(epochs_)));
      break;
    case ScheduleKind::plateau:
      if (state_.lr >= 0) rate = state_.lr;
      break;
    case ScheduleKind::one_cycle:
      rate = one_cycle(all_steps);
      break;
  }
  const int64_t warm = o.warmup_epochs * steps_an_epoch_;
  return all_steps < warm ? rate * double(all_steps + 1) / double(warm) : rate;
}

/// Both halves of the cycle end on a step: the last of those that go up has the highest rate.
double Schedule::one_cycle(int64_t step) const {
  const double steps = double(epochs_ * steps_an_epoch_), top = options_.pct_start * steps - 1,
               last = steps - 1, at = std::min(double(step), last),
               begin = lr_ / options_.div_factor, end = begin / options_.final_div_factor;
  if (at <= top) return half_cosine(begin, lr_, top > 0 ? at / top : 1);
  return half_cosine(lr_, end, (at - top) / (last - top));
}

void Schedule::end_epoch(double watched, bool lower_is_better) {
  if (options_.kind != ScheduleKind::plateau) return;
  constexpr double least_change = 1e-8;
  const double margin = lower_is_better ? 1 - options_.threshold : 1 + options_.threshold;
  const bool better = std::isnan(state_.best) || (lower_is_better ? watched < state_.best * margin
                                                                  : watched > state_.best * margin);
  if (better) {
    state_.best = watched;
    state_.bad_epochs = 0;
  } else {
    ++state_.bad_epochs;
  }
  if (state_.cooldown > 0) {
    --state_.cooldown;
    state_.bad_epochs = 0;
  }
  if (state_.bad_epochs <= options_.patience) return;
  const double now = state_.lr >= 0 ? state_.lr : lr_,
               next = std::max(now * options_.factor, options_.min_lr);
  if (now - next > least_change) state_.lr = next;
  state_.cooldown = options_.cooldown;
  state_.bad_epochs = 0;
}

}  // namespace lathe
