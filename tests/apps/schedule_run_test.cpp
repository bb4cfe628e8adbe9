// Schedules, early stopping and the choice of the best epoch, as a user sets them in a recipe.
#include <doctest/doctest.h>

#include "tests/apps/training_task.h"
#include "train/run_folder.h"

using namespace lathe;
using tests::settings;
using tests::TrainingTask;
using Words = std::vector<std::string>;

namespace {

std::vector<double> column(const TrainingTask& task, const std::string& run, const char* name) {
  return ResultsFile(task.run(run) / "results.csv", 9).column(name);
}

void check_rates(const std::vector<double>& rates, const std::vector<double>& wanted) {
  REQUIRE_EQ(rates.size(), wanted.size());
  for (size_t i = 0; i < rates.size(); ++i)
    CHECK(rates[i] == doctest::Approx(wanted[i]).epsilon(1e-8));
}

}  // namespace

TEST_CASE("a run has its schedule's rates, and a resumed one the same bytes") {
  const TrainingTask task;
  const auto with = [&](const Words& more) {
    Words keys = {"train.epochs=6", "optimizer.lr=0.01"};
    keys.insert(keys.end(), more.begin(), more.end());
    return settings(keys);
  };
  const Words step = with({"schedule.name=step", "schedule.step_size=2", "schedule.gamma=0.5"});
  task.train("step", step);
  check_rates(column(task, "step", "lr"), {0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025});

  // No loss is better than the best by all of it, so the rate falls with every epoch.
  const Words plateau =
      with({"schedule.name=plateau", "schedule.factor=0.5", "schedule.patience=0",
            "schedule.threshold=1", "schedule.min_lr=0.001", "schedule.warmup_epochs=1"});
  task.train("plateau", plateau);
  check_rates(column(task, "plateau", "lr"), {0.01, 0.01, 0.005, 0.0025, 0.00125, 0.001});

  for (const auto& [name, words] : {std::pair("step", step), {"plateau", plateau}}) {
    CAPTURE(name);
    const std::string broken = name + std::string("_resumed");
    Words stopped = words;
    const int64_t steps = task.state(name).steps;
    stopped.insert(stopped.end(), {"--set", concat("train.max_steps=", steps / 2 + 1)});
    task.train(broken, stopped);
    CHECK(task.state(broken).steps == steps / 2 + 1);
    const auto outcome = task.resume(broken, {"--set", "train.max_steps=0"});
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
    task.check_same(name, broken);
  }
}

TEST_CASE("early stopping ends a run, which goes on when more patience is given") {
  const TrainingTask task;
  task.train("a", settings({"train.epochs=9", "early_stopping.patience=2",
                            "early_stopping.min_delta=1000"}));
  CHECK_EQ(task.state("a").epoch, 3);
  CHECK(tests::bytes_of(task.run("a") / "train.log")
            .find("stopped early: valid_loss got no better for 2 epochs") != std::string::npos);
  CHECK_EQ(task.resume("a").code, 0);
  CHECK_EQ(task.state("a").epoch, 3);
  CHECK_EQ(task.resume("a", {"--set", "early_stopping.patience=4"}).code, 0);
  CHECK_EQ(task.state("a").epoch, 5);
}

TEST_CASE("the best weights are those of the epoch that was best by what is watched") {
  const TrainingTask task;
  task.train("a", settings({"train.epochs=5", "checkpoint.monitor=valid_accuracy"}));
  const std::vector<double> accuracy = column(task, "a", "valid_accuracy");
  const auto best = std::max_element(accuracy.begin(), accuracy.end());
  CHECK_EQ(task.state("a").best_epoch, best - accuracy.begin() + 1);
  CHECK_EQ(task.state("a").best.value, doctest::Approx(*best));
}

TEST_CASE("what a run does not measure cannot be watched") {
  const TrainingTask task;
  const auto refused = [&](const Words& keys, const std::string& message) {
    Words words = {"train", "small.toml", "--quiet"};
    for (const std::string& word : settings(keys)) words.push_back(word);
    const tests::Outcome outcome = task.lathe(words);
    CHECK_EQ(outcome.code, 2);
    CHECK_MESSAGE(outcome.err.find(message) != std::string::npos, outcome.err);
  };
  refused({"data.valid=[]", "checkpoint.monitor=valid_f1"},
          "checkpoint.monitor: valid_f1 needs a validation set: data.valid names no files");
  refused({"early_stopping.monitor=valid_los"}, "did you mean 'valid_loss'?");
  refused({"schedule.name=one_cycle", "schedule.pct_start=1"},
          "schedule: one_cycle's pct_start lies in (0, 1)");
  refused({"schedule.milestones=[3, 2]", "schedule.name=multistep"},
          "milestones are epochs in ascending order");
}
