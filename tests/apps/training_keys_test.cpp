// What a recipe says about training, as a user sets it: the run says so, and resumes to the same
// bytes.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/training_task.h"
#include "train/run_folder.h"

using namespace lathe;
using tests::settings;
using tests::TrainingTask;
using Words = std::vector<std::string>;

namespace {

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

TEST_CASE("groups have their rates, also where a schedule remembers them, and resume") {
  const TrainingTask task;
  // No loss is better than the best by all of it, so the rates fall with every epoch.
  check_resumes(
      task,
      {"optimizer.groups=[{ match = ['fc2'], lr = 0.02 }]", "schedule.name=plateau",
       "schedule.factor=0.5", "schedule.patience=0", "schedule.threshold=1", "train.l1=0.001"},
      "groups");
  CHECK_NE(log_of(task, "groups").find("lr 0.02, weight_decay 0: 9 parameters"), std::string::npos);
  const TrainState state = task.state("groups");
  REQUIRE_EQ(state.group_rates.size(), 1);
  CHECK_EQ(state.group_rates[0], doctest::Approx(20 * state.schedule.lr));
  const auto l1 = ResultsFile(task.run("groups") / "results.csv", 9).column("train_l1");
  REQUIRE_EQ(l1.size(), 6);
  double sum = 0;
  for (const NamedTensor& t : load_weights(task.file("groups", "last")).tensors)
    for (double w : t.tensor.to_vector<double>()) sum += std::abs(w);
  CHECK_EQ(l1.back(), doctest::Approx(0.001 * sum).epsilon(1e-6));
}

TEST_CASE("batches of 4 in pairs of 2 make the run that batches of 4 make, and resume") {
  const TrainingTask task;
  task.train("whole", settings({"train.dtype=f64"}));
  const Words pairs = {"train.dtype=f64", "train.batch_size=2", "train.accumulate=2"};
  check_resumes(task, pairs, "pairs");
  CHECK_EQ(task.state("pairs").steps, task.state("whole").steps);
  const Weights whole = load_weights(task.file("whole", "last")),
                accumulated = load_weights(task.file("pairs", "last"));
  for (size_t i = 0; i < whole.tensors.size(); ++i)
    CHECK_LE(tests::error(accumulated.tensors[i].tensor, whole.tensors[i].tensor), 1e-6);
  task.train("stopped",
             settings({"train.batch_size=2", "train.accumulate=2", "train.max_steps=1"}));
  CHECK_EQ(task.state("stopped").batches, 2);
  const auto refused = task.resume("stopped", {"--set", "train.accumulate=3"});
  CHECK_EQ(refused.code, 2);
  CHECK_MESSAGE(refused.err.find("depends on train.accumulate") != std::string::npos, refused.err);
}

TEST_CASE("averages of the weights are what is validated and kept as best, and resume") {
  const TrainingTask task;
  check_resumes(task, {"train.ema=0.9"}, "ema");
  task.train("one", settings({"train.ema=0.9", "train.epochs=1", "checkpoint.every=1"}));
  const Weights best = load_weights(task.file("one", "best")),
                last = load_weights(task.file("one", "last"));
  CHECK_EQ(task.weights("one", "best"), task.weights("one", "epoch_1"));
  REQUIRE_EQ(last.averages.size(), best.tensors.size());
  for (size_t i = 0; i < best.tensors.size(); ++i) {
    CHECK_EQ(tests::error(best.tensors[i].tensor, last.averages[i].tensor), 0);
    CHECK_NE(tests::error(best.tensors[i].tensor, last.tensors[i].tensor), 0);
  }
  const auto eval = task.lathe({"eval", task.run("one").string(), "--split", "valid", "--json"});
  REQUIRE_MESSAGE(eval.code == 0, eval.err);
  const double loss = nlohmann::json::parse(eval.out)["loss"];
  CHECK_EQ(loss, doctest::Approx(
                     ResultsFile(task.run("one") / "results.csv", 9).column("valid_loss").at(0)));
}

TEST_CASE("a pos_weight that is upside down is warned about") {
  const TrainingTask task;
  const std::string file = (task.scratch / "data/train_labels.csv").string();
  std::string labels = tests::bytes_of(file), changed;  // all but one of class 1
  bool first = true;
  for (size_t at = 0, end; at < labels.size(); at = end + 1) {
    end = std::min(labels.find('\n', at), labels.size());
    const std::string line = labels.substr(at, end - at);
    const size_t comma = line.rfind(',');
    const bool header = at == 0;
    changed += header ? line : line.substr(0, comma) + (first ? ",0" : ",1");
    changed += "\n";
    if (!header) first = false;
  }
  tests::write_bytes(file, changed);
  const auto warned = [&](const std::string& name, const std::string& weight) {
    task.train(name, settings({"train.max_steps=1", "loss.pos_weight=" + weight}));
    return log_of(task, name).find("warning: loss.pos_weight") != std::string::npos;
  };
  CHECK(warned("upside_down", "9"));
  CHECK_FALSE(warned("right", "0.11"));
  CHECK_FALSE(warned("one", "1"));
  CHECK_FALSE(warned("auto", "auto"));
}
