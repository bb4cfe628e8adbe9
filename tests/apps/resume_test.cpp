// Going on from where a run stopped: wherever that was, to the bytes of a run without a stop, and
// only with settings that fit what is done already.
#include <csignal>
#include <fstream>

#include "data/make_landmarks.h"
#include "tests/apps/training_task.h"

using namespace lathe;
using tests::bytes_of;
using tests::Outcome;
using tests::TrainingTask;
using Words = std::vector<std::string>;

namespace fs = std::filesystem;

TEST_CASE("steps that end within an epoch: the rest of it is done by a resume") {
  const TrainingTask task;
  task.train("straight");
  for (const char* steps : {"1", "3", "4", "8"}) {  // 3 steps an epoch
    task.train(steps, {"--set", std::string("train.max_steps=") + steps});
    CHECK_EQ(task.state(steps).steps, std::stoi(steps));
    CHECK_EQ(task.state(steps).epoch, std::stoi(steps) / 3);
    CHECK_EQ(task.state(steps).batches, std::stoi(steps) % 3);
    const Outcome more = task.resume(steps, {"--set", "train.max_steps=0"});
    REQUIRE_MESSAGE(more.code == 0, more.err);
    task.check_same(steps, "straight");
  }
}

TEST_CASE("what decides an epoch's order cannot change within it, and nothing is lost by trying") {
  const TrainingTask task;
  task.train("straight");
  task.train("a", {"--set", "train.max_steps=4"});
  const std::string recipe = bytes_of(task.run("a") / "recipe.toml");
  for (const char* setting :
       {"train.batch_size=2", "train.batch_size=1000", "train.seed=3", "train.shuffle=false"}) {
    const std::string text = setting;
    const Outcome outcome = task.resume("a", {"--set", text, "--set", "train.max_steps=0"});
    INFO(setting, ": ", outcome.err);
    CHECK_EQ(outcome.code, 2);
    CHECK_NE(outcome.err.find(text.substr(0, text.find('='))), std::string::npos);
  }
  CHECK_EQ(bytes_of(task.run("a") / "recipe.toml"), recipe);
  REQUIRE_EQ(task.resume("a", {"--set", "train.max_steps=0"}).code, 0);
  CHECK(task.weights("a") == task.weights("straight"));
  // Between two epochs all of it may.
  CHECK_EQ(task.resume("a", {"--set", "train.batch_size=2", "--set", "train.epochs=7"}).code, 0);
  CHECK_EQ(task.state("a").steps, 6 * 3 + 5);
}

TEST_CASE("data that have become others: an epoch that was begun is not mixed with them") {
  const TrainingTask task;
  task.train("a", {"--set", "train.max_steps=5"});
  const std::string recipe = bytes_of(task.run("a") / "recipe.toml");
  make_landmarks(task.scratch / "data", {.train = 2, .valid = 4, .test = 4});
  const Outcome outcome = task.resume("a", {"--set", "train.max_steps=0"});
  INFO(outcome.err);
  CHECK_EQ(outcome.code, 3);
  CHECK_EQ(bytes_of(task.run("a") / "recipe.toml"), recipe);
}

TEST_CASE("a resume does not need the weights that a run began with") {
  const TrainingTask task;
  task.train("first");
  fs::copy_file(task.file("first", "best"), task.scratch / "first.safetensors");
  const Words from = {"--set", "init.weights=first.safetensors"};
  Words longer = from;
  longer.insert(longer.end(), {"--set", "train.epochs=9"});
  task.train("straight", longer);
  task.train("a", from);
  CHECK(task.weights("a") != task.weights("first"));
  fs::remove(task.scratch / "first.safetensors");
  const Outcome more = task.resume("a", {"--set", "train.epochs=9"});
  REQUIRE_MESSAGE(more.code == 0, more.err);
  CHECK(task.weights("a") == task.weights("straight"));
}

TEST_CASE("--exist-ok replaces what an earlier run left, and nothing else") {
  const TrainingTask task;
  task.train("a", {"--set", "checkpoint.every=2"});
  for (const char* own : {"notes.txt", "weights/mine.safetensors", "weights/epoch_two.safetensors"})
    tests::write_bytes(task.run("a") / own, "mine");
  tests::write_bytes(task.run("a") / "weights/.best.safetensors.tmp", "cut off");
  task.train("a", {"--exist-ok", "--set", "model.hidden=[4]", "--set", "train.epochs=2"});
  for (const char* epoch : {"epoch_2", "epoch_4", "epoch_6"})
    CHECK_FALSE(fs::exists(task.file("a", epoch)));
  CHECK_FALSE(fs::exists(task.run("a") / "weights/.best.safetensors.tmp"));
  for (const char* own : {"notes.txt", "weights/mine.safetensors", "weights/epoch_two.safetensors"})
    CHECK_EQ(bytes_of(task.run("a") / own), "mine");
  CHECK_EQ(load_weights(task.file("a", "best")).tensors.at(0).tensor.dim(0), 4);
  CHECK_EQ(bytes_of(task.run("a") / "train.log").find("epoch 6/6"), std::string::npos);
  CHECK_NE(bytes_of(task.run("a") / "train.log").find("epoch 2/2"), std::string::npos);
  CHECK_EQ(tests::lines_of(task.run("a") / "results.csv"), 3);
}

TEST_CASE("a run whose `last` was taken away does not begin again over its best weights") {
  const TrainingTask task;
  task.train("a");
  const std::string best = task.weights("a", "best");
  fs::remove(task.file("a", "last"));
  CHECK_EQ(task.resume("a").code, 3);
  CHECK(task.weights("a", "best") == best);
}

TEST_CASE("Ctrl-C stops during validation, which a resume does again") {
  const TrainingTask task;
  make_landmarks(task.scratch / "data", {.train = 8, .valid = 400, .test = 4});
  bool dropped = false;
  for (int attempt = 0; attempt < 30 && !dropped; ++attempt) {  // 2 steps, then 100 of validation
    fs::remove_all(task.run("a"));
    tests::Process process(
        {"train", "small.toml", "--quiet", "--name", "a", "--set", "train.epochs=100000", "--set",
         "data.workers=0", "--set", "log.tensorboard=false"},
        {.folder = task.scratch.path()});
    while (process.running() && tests::lines_of(task.run("a") / "results.csv") < 3)
      tests::wait_milliseconds(1);
    tests::wait_milliseconds(2 + 3 * (attempt % 5));  // past the two steps
    process.signal(SIGINT);
    CHECK_EQ(process.wait().code, 130);
    dropped = task.state("a").batches == 2;
    CHECK_EQ(tests::lines_of(task.run("a") / "results.csv") - 1, task.state("a").epoch);
  }
  CHECK(dropped);
  const std::string epochs = "train.epochs=" + std::to_string(task.state("a").epoch + 2);
  const Outcome resumed = task.resume("a", {"--set", epochs});
  REQUIRE_MESSAGE(resumed.code == 0, resumed.err);
  task.train("straight", {"--set", epochs});
  task.check_same("a", "straight");
}
