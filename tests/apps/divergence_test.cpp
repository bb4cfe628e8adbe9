// When the numbers of a run go wrong: it stops with exit code 4, says where they did, keeps the
// best weights and never saves bad ones.
#include <nlohmann/json.hpp>

#include "tests/apps/training_task.h"

using namespace lathe;
using tests::check_last;
using tests::Outcome;
using tests::TrainingTask;

namespace {

/// Exit code 4, and a message with all of these parts.
void check_stopped(const Outcome& outcome, const std::vector<std::string>& parts) {
  INFO(outcome.err);
  CHECK_EQ(outcome.code, 4);
  for (const std::string& part : parts)
    CHECK_MESSAGE(outcome.err.find(part) != std::string::npos, "does not say '", part, "'");
}

}  // namespace

TEST_CASE(
    "a rate of 1e30 stops at the first loss that is not finite, names step and layer, keeps good "
    "weights") {
  const TrainingTask task;
  const Outcome outcome =
      task.lathe({"train", "small.toml", "--quiet", "--set", "optimizer.lr=1e30"});
  check_stopped(outcome, {"epoch 1, step 2: the loss is ", " is in fc"});
  CHECK(check_last(task.run("small")));
  CHECK_NE(tests::bytes_of(task.run("small") / "train.log").find("step 2"), std::string::npos);
}

TEST_CASE("a run that diverges late leaves its best weights, and names their file") {
  const TrainingTask task;
  const Outcome outcome = task.lathe({"train", "small.toml", "--quiet", "--json", "--set",
                                      "train.epochs=500", "--set", "optimizer.name=sgd", "--set",
                                      "optimizer.momentum=1.2", "--set", "optimizer.lr=1e-6"});
  int64_t best_epoch = 0;
  double least = HUGE_VAL;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const auto epoch = nlohmann::json::parse(line);
    if (!epoch.contains("valid_loss") || epoch["valid_loss"].is_null()) continue;
    if (epoch["valid_loss"] < least) {
      least = epoch["valid_loss"];
      best_epoch = epoch["epoch"];
    }
  }
  CHECK_GT(best_epoch, 1);
  check_stopped(outcome, {concat("epoch ", best_epoch), "best.safetensors"});
  CHECK_EQ(load_weights(task.file("small", "best")).info.epoch, best_epoch);
  CHECK(check_last(task.run("small")));
}

TEST_CASE("a validation loss that is not finite: the layer is named") {
  const TrainingTask task;
  // One step an epoch, whose weights are finite, but not their products.
  const Outcome outcome =
      task.lathe({"train", "small.toml", "--quiet", "--set", "optimizer.name=sgd", "--set",
                  "optimizer.lr=1e25", "--set", "train.batch_size=10"});
  check_stopped(outcome, {"epoch 1, step 1: the validation loss is ", " is in fc", "last"});
  CHECK(check_last(task.run("small")));
}

TEST_CASE("weights that an update made infinite are never saved") {
  const TrainingTask task;
  task.train("small");
  const std::string best = task.weights("small", "best");
  const std::vector<std::string> settings = {"--quiet",
                                             "--set",
                                             "data.valid=[]",
                                             "--set",
                                             "optimizer.name=sgd",
                                             "--set",
                                             "optimizer.lr=1e300",
                                             "--set",
                                             "train.batch_size=10"};
  std::vector<std::string> fresh = {"train", "small.toml", "--name",
                                    "fresh", "--set",      "train.epochs=1"};
  fresh.insert(fresh.end(), settings.begin(), settings.end());
  check_stopped(task.lathe(fresh), {"epoch 1, step 1: ", "the parameter fc", "last.safetensors"});
  CHECK(check_last(task.run("fresh")));
  CHECK_FALSE(std::filesystem::exists(task.file("fresh", "best")));
  std::vector<std::string> more = {"--set", "train.epochs=7"};
  more.insert(more.end(), settings.begin(), settings.end());
  check_stopped(task.resume("small", more), {"epoch 7, step ", "best.safetensors"});
  CHECK(task.weights("small", "best") == best);
  CHECK_EQ(task.state("small").epoch, 6);
}
