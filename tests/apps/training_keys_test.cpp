// What a recipe says about training, as a user sets it: the run says so, and resumes to the same
// bytes.
#include <doctest/doctest.h>

#include "tests/apps/training_task.h"
#include "train/run_folder.h"

using namespace lathe;
using tests::TrainingTask;
using Words = std::vector<std::string>;

namespace {

Words settings(const Words& keys) {
  Words words;
  for (const std::string& key : keys) words.insert(words.end(), {"--set", key});
  return words;
}

/// A run with these keys equals one that stopped within it and went on.
void check_resumes(const TrainingTask& task, const Words& keys, const std::string& name) {
  CAPTURE(name);
  task.train(name, settings(keys));
  Words stopped = keys;
  const int64_t steps = task.state(name).steps;
  stopped.push_back(concat("train.max_steps=", steps / 2 + 1));
  const std::string broken = name + "_resumed";
  task.train(broken, settings(stopped));
  CHECK_EQ(task.state(broken).steps, steps / 2 + 1);
  const auto outcome = task.resume(broken, {"--set", "train.max_steps=0"});
  CHECK_MESSAGE(outcome.code == 0, outcome.err);
  task.check_same(name, broken);
}

std::string log_of(const TrainingTask& task, const std::string& run) {
  return tests::bytes_of(task.run(run) / "train.log");
}

}  // namespace

TEST_CASE("a run whose first layer is frozen says so, leaves it alone and resumes") {
  const TrainingTask task;
  check_resumes(task, {"freeze.except=['fc2']"}, "frozen");
  CHECK_MESSAGE(
      log_of(task, "frozen").find("17425 parameters, 9 of them trained") != std::string::npos,
      log_of(task, "frozen"));
  task.train("one", settings({"freeze.except=['fc2']", "train.max_steps=1"}));
  const Weights after = load_weights(task.file("frozen", "last")),
                before = load_weights(task.file("one", "last"));
  CHECK_EQ(after.optimizer.size(), 4);  // two moments of two parameters
  REQUIRE_EQ(after.tensors.size(), before.tensors.size());
  for (size_t i = 0; i < after.tensors.size(); ++i) {
    CAPTURE(after.tensors[i].name);
    CHECK_EQ(tests::error(after.tensors[i].tensor, before.tensors[i].tensor) == 0,
             after.tensors[i].name.starts_with("fc1"));
  }
}
