// When a run's weights are written. Files are large beside small models' epochs, so `best` and
// `last` are written at the end of an epoch only when that costs little of the time since they were
// written before; what a kill then loses is computed again by --resume, to the same bytes.
#pragma once

#include <chrono>
#include <string>

#include "optim/optimizer.h"
#include "train/checkpoint.h"
#include "train/recipe.h"
#include "train/run_folder.h"
#include "train/weight_average.h"

namespace lathe {

/// What a run learns: the average may be absent (null).
struct Learnt {
  Module& model;
  const Optimizer& optimizer;
  const WeightAverage* average;
};

/// How many bytes a run's weights will take at most.
int64_t bytes_of_run(const Recipe& recipe, const WeightsInfo& info, const Learnt& learnt);

class CheckpointWriter {
 public:
  /// Keeps a copy of the model's weights as they are: the last good ones until an epoch has ended.
  CheckpointWriter(const RunFolder& folder, const Recipe& recipe, WeightsInfo info,
                   const Learnt& learnt);

  /// Keeps the model's weights, or their averages, as the best; they are written with the next
  /// `last`.
  void keep_best(int64_t epoch);
  /// Writes `best` where it is new, then `last`.
  void write(const TrainState& state);
  /// The same when it is cheap by now, or `must` says so; and weights/epoch_N where the recipe
  /// asks.
  void end_epoch(const TrainState& state, bool must);
  /// Writes `last` from the weights that the run began with, unless there is one.
  void write_initial();
  /// When the numbers have gone wrong: writes what is kept and not yet written, and says where the
  /// best weights are; without any, the last good ones.
  std::string write_kept(int64_t best_epoch);

 private:
  using Clock = std::chrono::steady_clock;
  void write_best();
  void write_numbered(int64_t epoch);

  const RunFolder& folder_;
  const Recipe& recipe_;
  WeightsInfo info_;
  Learnt learnt_;
  std::vector<NamedTensor> kept_;
  int64_t kept_epoch_ = 0;
  bool best_is_new_ = false;
  Clock::time_point written_at_;
  double write_seconds_ = 0;
};

}  // namespace lathe
