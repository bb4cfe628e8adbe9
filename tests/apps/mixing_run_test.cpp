// Runs that mix their batches, as a user sets it.
#include <doctest/doctest.h>

#include "tests/apps/training_task.h"

using namespace lathe;

TEST_CASE("a run with mixup differs from one without, and resumes to the same bytes") {
  const tests::TrainingTask task;
  task.train("plain");
  task.train("mixed", {"--set", "train.mixup=0.4"});
  CHECK(task.weights("plain") != task.weights("mixed"));
  const int64_t steps = task.state("mixed").steps;
  task.train("broken",
             {"--set", "train.mixup=0.4", "--set", concat("train.max_steps=", steps / 2 + 1)});
  const auto outcome = task.resume("broken", {"--set", "train.max_steps=0"});
  CHECK_MESSAGE(outcome.code == 0, outcome.err);
  task.check_same("mixed", "broken");
  const auto cut = task.lathe({"train", "small.toml", "--set", "train.cutmix=1"});
  CHECK_EQ(cut.code, 2);
  CHECK_MESSAGE(cut.err.find("train.cutmix: expects images") != std::string::npos, cut.err);
  const auto both =
      task.lathe({"train", "small.toml", "--set", "train.cutmix=1", "--set", "train.mixup=1"});
  CHECK_EQ(both.code, 2);
}
