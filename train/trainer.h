// The training loop: epochs of steps, evaluation, results, checkpoints; from a recipe, or from
// where a run stopped.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "data/loader.h"
#include "train/checkpoint_writer.h"
#include "train/progress.h"
#include "train/run_folder.h"
#include "train/signals.h"
#include "train/task.h"

namespace lathe {

/// Evaluates a model on a dataset in eval mode, without a tape.
Evaluation evaluate(EvalStep& step, Loader& loader, int64_t classes, int64_t positive,
                    double threshold = 0.5);
/// The same, with the outcome of every sample kept.
Evaluator gather(EvalStep& step, Loader& loader, int64_t classes, int64_t positive);

class Trainer {
 public:
  /// Reads the data and builds the model; nothing is written yet.
  Trainer(Recipe recipe, Device device);
  ~Trainer();

  const Recipe& recipe() const { return recipe_; }
  /// What is going to be trained on what, for people.
  std::string description();

  /// Begins in a new folder, whose recipe.toml and env.json are written.
  void start(const RunFolder& folder, const std::string& command_line);
  /// Goes on from the folder's `last`; from the beginning when it has none.
  void resume(const RunFolder& folder, const std::string& command_line);

  /// Trains to the end; calls on_epoch after each. Returns 0, or the exit code of a signal, the
  /// state saved. Throws Error(numeric) at the first loss that is not finite.
  int run(Progress& progress, const std::function<void(const EpochResult&)>& on_epoch);

  int64_t best_epoch() const { return state_.best_epoch; }
  /// Curves and the best epoch, for people.
  std::string summary() const;

 private:
  enum class Epoch { finished, stopped };
  void trace_first_step();
  void prepare(const RunFolder& folder);
  Epoch train_epoch(Progress& progress, StopSignals& signals);
  EpochResult end_epoch(double seconds);
  void record(const EpochResult& result, Progress& progress,
              const std::function<void(const EpochResult&)>& on_epoch);
  [[noreturn]] void stop_nonfinite(const Batch& batch, double loss);
  bool enough_steps() const;

  Recipe recipe_;
  Device device_;
  std::vector<std::string> classes_;
  int64_t positive_ = 1;
  std::shared_ptr<const Dataset> train_, valid_;
  std::unique_ptr<Module> model_;
  WeightsInfo info_;
  std::unique_ptr<Loader> train_loader_, valid_loader_;
  LossFunction loss_;
  std::unique_ptr<ParameterArena> arena_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainStep> train_step_;
  std::unique_ptr<EvalStep> eval_step_;

  std::optional<RunFolder> folder_;
  std::optional<ResultsFile> results_;
  std::unique_ptr<CheckpointWriter> writer_;
  TrainState state_;
};

}  // namespace lathe
