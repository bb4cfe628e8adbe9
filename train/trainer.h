// The training loop: epochs of steps, evaluation, results, checkpoints; from a recipe, or from
// where a run stopped.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "data/loader.h"
#include "train/checkpoint_writer.h"
#include "train/mixing.h"
#include "train/progress.h"
#include "train/run_events.h"
#include "train/run_folder.h"
#include "train/signals.h"
#include "train/task.h"
#include "train/updates.h"

namespace lathe {

class Trainer {
 public:
  /// Reads the data and builds the model; nothing is written yet.
  Trainer(Recipe recipe, Device device);
  ~Trainer();

  /// What is going to be trained on what, for people.
  std::string description();

  /// What a new run needs before its folder is made: loads init.weights, and throws Error(device)
  /// unless there is room where the folder is going to be.
  void check_start(const std::filesystem::path& folder);
  /// Begins in a folder, whose recipe.toml and env.json are written; what an earlier run left there
  /// is removed.
  void start(const RunFolder& folder, const std::string& command_line);
  /// Goes on from the folder's `last`; from the beginning when it has no weights yet. Throws, with
  /// nothing changed, for settings that do not fit what is done already.
  void resume(const RunFolder& folder, const std::string& command_line);

  /// Trains to the end; calls on_epoch after each. Returns 0, or the exit code of a signal, the
  /// state saved. Throws Error(numeric) at the first loss or weight that is not finite, the best
  /// weights saved.
  int run(Progress& progress, const std::function<void(const EpochResult&)>& on_epoch);

  /// Nothing is left to do; an epoch whose last batch is done still has its end before it.
  bool done() const;
  int64_t best_epoch() const { return state_.best_epoch; }
  /// Curves and the best epoch, for people.
  std::string summary() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Epoch { finished, stopped };
  void read_data();
  void build();
  void trace_first_step();
  Learnt learnt() const { return {*model_, *updates_.optimizer, average_.get()}; }
  void prepare(const RunFolder& folder);
  void load_state(const std::string& file, const Weights& last);
  void load_averages(const std::string& file, const Weights& last);
  void check_same_epoch(const std::string& file, const Weights& last) const;
  void write_beginning(const std::string& command_line);

  Epoch train_epoch(Progress& progress, StopSignals& signals);
  BatchPlace place_of_next_batch() const;
  bool train_batch(const Batch& batch, Progress& progress);
  void log_step(double loss, Progress& progress);
  bool validate(StopSignals& signals);
  std::optional<EpochResult> end_epoch(Clock::time_point start, StopSignals& signals);
  bool watch(const EpochResult& result);
  void record(const EpochResult& result, Progress& progress,
              const std::function<void(const EpochResult&)>& on_epoch);
  bool enough_steps() const;
  bool stopped_early() const;
  void draw(Progress& progress) const;

  void save();
  void check_weights();
  [[noreturn]] void stop_nonfinite(const Batch& batch, const char* what, double loss);
  [[noreturn]] void stop_numeric(int64_t step, const std::string& what);

  Recipe recipe_;
  std::string warning_;                // about the recipe; for the description
  std::vector<std::string> left_out_;  // files that could not be read, each with the reason
  Device device_;
  std::vector<std::string> classes_;
  int64_t positive_ = 1;
  std::shared_ptr<const Dataset> train_, valid_;
  std::unique_ptr<Module> model_;
  WeightsInfo info_;
  std::unique_ptr<Loader> train_loader_, valid_loader_;
  LossFunction loss_;
  std::vector<double> class_weights_;  // of the loss; empty: all 1
  Updates updates_;
  std::vector<Schedule> schedules_;         // of the optimiser's groups
  std::unique_ptr<WeightAverage> average_;  // null: none is asked for
  std::unique_ptr<Mixing> mixing_;          // where the recipe mixes batches
  std::unique_ptr<TrainStep> train_step_;
  std::unique_ptr<EvalStep> eval_step_;

  RunningSums step_sums_;  // of the batches that make the next update
  std::optional<RunFolder> folder_;
  std::optional<ResultsFile> results_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::unique_ptr<RunEvents> events_;
  std::optional<Evaluator> evaluator_;    // of the validation set in the epoch that has ended
  std::optional<Evaluation> validation_;  // what it came to
  TrainState state_;
};

}  // namespace lathe
