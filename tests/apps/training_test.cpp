// Training as a user runs it: what a run leaves behind, that it repeats and resumes to the same
// bytes, and that neither a kill nor a full disk loses anything.
#include <sys/mount.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/make_landmarks.h"
#include "tensor/random.h"
#include "tests/apps/training_task.h"

using namespace lathe;
using tests::bytes_of;
using tests::check_last;
using tests::lines_of;
using tests::Outcome;
using tests::wait_milliseconds;
using Words = std::vector<std::string>;
using nlohmann::json;

namespace fs = std::filesystem;
using Task = tests::TrainingTask;

TEST_CASE(
    "a run leaves its recipe, environment, log, results and weights; eval and predict use them") {
  const Task task;
  task.train("a");
  for (const char* file : {"recipe.toml", "env.json", "train.log", "results.csv",
                           "weights/best.safetensors", "weights/last.safetensors"})
    CHECK_MESSAGE(fs::exists(task.run("a") / file), file);
  CHECK_EQ(task.results("a").substr(0, 62),
           "epoch,train_loss,train_accuracy,valid_loss,valid_accuracy,lr,v");
  CHECK_EQ(lines_of(task.run("a") / "results.csv"), 7);
  CHECK(json::parse(bytes_of(task.run("a") / "env.json")).contains("commit"));

  const json e = json::parse(task.lathe({"eval", "runs/train/a", "--split", "test", "--json"}).out);
  CHECK_EQ(e["samples"], 4);
  CHECK_EQ(e["confusion"].size(), 2);
  for (const char* key :
       {"loss", "accuracy", "precision", "recall", "f1", "roc_auc", "average_precision", "eer"})
    CHECK_MESSAGE(e.contains(key), key);
  const json both = json::parse(task.lathe({"eval", "runs/train/a", "--json"}).out);
  CHECK_EQ(both["test"], e);
  // The weights alone know all that they need.
  CHECK_EQ(json::parse(task.lathe({"eval", "runs/train/a/weights/best.safetensors", "--split",
                                   "test", "--json"})
                           .out),
           e);

  const Outcome predicted = task.lathe({"predict", "runs/train/a", "data/test.csv", "--json"});
  CHECK_EQ(std::count(predicted.out.begin(), predicted.out.end(), '\n'), 4);
  const json line = json::parse(predicted.out.substr(0, predicted.out.find('\n')));
  CHECK_EQ(line["input"], "data/test.csv");
  CHECK_EQ(line["probabilities"].size(), 1);
  CHECK((line["class"] == "fake" || line["class"] == "real"));
}

TEST_CASE("lathe train --json: a line an epoch, then the run") {
  const Task task;
  const Outcome outcome = task.lathe({"train", "small.toml", "--json", "--quiet"});
  std::istringstream lines(outcome.out);
  std::string line;
  for (int epoch = 1; epoch <= 6; ++epoch) {
    REQUIRE(std::getline(lines, line));
    CHECK_EQ(json::parse(line)["epoch"], epoch);
  }
  REQUIRE(std::getline(lines, line));
  CHECK_EQ(json::parse(line)["run"], "runs/train/small");
  CHECK(outcome.err.empty());
}

TEST_CASE("the resolved recipe repeats a run, and any number of workers gives the same bytes") {
  const Task task;
  task.train("a", {"--set", "data.workers=0"});
  const Outcome again = task.lathe({"train", "runs/train/a/recipe.toml", "--name", "b", "--quiet"});
  REQUIRE_MESSAGE(again.code == 0, again.err);
  CHECK(task.weights("b") == task.weights("a"));
  CHECK(task.weights("b", "best") == task.weights("a", "best"));
  for (const char* workers : {"1", "4"}) {
    task.train(workers, {"--set", std::string("data.workers=") + workers});
    task.check_same(workers, "a");
  }
}

TEST_CASE("a run that was extended ends as one that was longer from the start") {
  const Task task;
  task.train("a");
  task.train("long", {"--set", "train.epochs=9"});
  const Outcome more =
      task.lathe({"train", "--resume", "runs/train/a", "--set", "train.epochs=9", "--quiet"});
  REQUIRE_MESSAGE(more.code == 0, more.err);
  task.check_same("a", "long");
}

TEST_CASE("Ctrl-C and SIGTERM stop with the state saved, SIGHUP saves and goes on") {
  const Task task;
  const Words endless = {"train", "small.toml", "--quiet", "--set", "train.epochs=100000"};
  for (auto [number, code] : {std::pair(SIGINT, 130), {SIGTERM, 143}}) {
    Words words = endless;
    words.insert(words.end(), {"--name", std::to_string(code)});
    tests::Process process(words, {.folder = task.scratch.path()});
    const fs::path run = task.run(std::to_string(code));
    while (process.running() && lines_of(run / "results.csv") < 3) wait_milliseconds(2);
    process.signal(number);
    CHECK_EQ(process.wait().code, code);
    REQUIRE(check_last(run));
    const TrainState state = *load_weights(run / "weights/last.safetensors").state;
    CHECK_EQ(lines_of(run / "results.csv") - 1, state.epoch);
    // It goes on to what a run without a stop comes to.
    const std::string epochs = "train.epochs=" + std::to_string(state.epoch + 2);
    const Outcome resumed =
        task.lathe({"train", "--resume", run.string(), "--set", epochs, "--quiet"});
    REQUIRE_MESSAGE(resumed.code == 0, resumed.err);
    task.train("straight" + std::to_string(code), {"--set", epochs});
    CHECK(task.weights(std::to_string(code)) == task.weights("straight" + std::to_string(code)));
  }
}

TEST_CASE("SIGHUP saves at once, and the run goes on") {
  const Task task;
  make_landmarks(task.scratch / "data", {.train = 400, .valid = 4, .test = 4});
  // One long epoch, so that nothing else writes.
  tests::Process process(
      {"train", "small.toml", "--quiet", "--name", "a", "--set", "train.epochs=1", "--set",
       "train.batch_size=1", "--set", "model.hidden=[512]"},
      {.folder = task.scratch.path()});
  while (process.running() && !fs::exists(task.file("a", "last"))) wait_milliseconds(1);
  CHECK_EQ(task.state("a").steps, 0);  // what every run writes after its first step
  process.signal(SIGHUP);
  while (process.running() && task.state("a").steps == 0) wait_milliseconds(1);
  const TrainState saved = task.state("a");
  CHECK_GT(saved.steps, 0);
  CHECK_EQ(saved.batches, saved.steps);
  CHECK_EQ(saved.epoch, 0);
  process.signal(SIGHUP);
  while (process.running() && task.state("a").steps == saved.steps) wait_milliseconds(1);
  CHECK(process.running());
  CHECK_GT(task.state("a").steps, saved.steps);
  process.signal(SIGINT);
  CHECK_EQ(process.wait().code, 130);
}

TEST_CASE("killed at any moment, a run goes on to the same bytes") {
  const Task task;
  const std::string setting = "train.epochs=240";
  task.train("straight", {"--set", setting});
  // Moments are drawn below this; it grows until slow builds and busy machines reach checkpoints.
  double latest = 120;
  const RandomStream random(1, Purpose::test);
  int kills = 0, finished = 0, with_weights = 0;
  for (uint64_t i = 0; i < 50; ++i) {
    const bool begun = fs::exists(task.run("killed") / "recipe.toml");
    const Words words = begun ? Words{"train", "--resume", "runs/train/killed", "--quiet"}
                              : Words{"train",  "small.toml", "--quiet", "--name",
                                      "killed", "--exist-ok", "--set",   setting};
    tests::Process process(words, {.folder = task.scratch.path()});
    wait_milliseconds(int64_t(latest * random.uniform53(i)));
    if (!process.running()) {
      ++finished;
      latest *= 0.8;
      fs::remove_all(task.run("killed"));  // done too soon: once more from the start
      continue;
    }
    process.signal(SIGKILL);
    process.wait();
    ++kills;
    const bool resumable = check_last(task.run("killed"));
    with_weights += resumable;
    if (!resumable) latest *= 1.25;
  }
  if (!fs::exists(task.run("killed") / "recipe.toml"))
    task.train("killed", {"--exist-ok", "--set", setting});
  const Outcome last = task.lathe({"train", "--resume", "runs/train/killed", "--quiet"});
  REQUIRE_MESSAGE(last.code == 0, last.err);
  task.check_same("killed", "straight");
  CHECK_GT(kills, 0);
  CHECK_GT(with_weights, 0);
  MESSAGE(kills, " kills, ", with_weights, " times with weights to go on from, ", finished,
          " runs ended before, the last moments were below ", latest, " ms");
}

TEST_CASE("numbered checkpoints: every so many epochs, the newest kept") {
  const Task task;
  task.train("a", {"--set", "checkpoint.every=2", "--set", "checkpoint.keep=2"});
  CHECK_FALSE(fs::exists(task.run("a") / "weights/epoch_2.safetensors"));
  CHECK(fs::exists(task.run("a") / "weights/epoch_4.safetensors"));
  CHECK_EQ(load_weights(task.run("a") / "weights/epoch_6.safetensors").info.epoch, 6);
  CHECK_EQ(task.lathe({"eval", "runs/train/a", "--weights", "epoch_4"}).code, 0);
}

TEST_CASE("a full disk while saving: exit 5 with the bytes needed, the old weights as they were") {
  const Task task;
  task.train("a");
  const std::string before = task.weights("a"), best = task.weights("a", "best");
  // Files may not become as large as the weights: what a full disk does to writes.
  const Outcome outcome = task.lathe(
      {"train", "--resume", "runs/train/a", "--set", "train.epochs=8", "--quiet"}, 40'000);
  INFO(outcome.err);
  CHECK_EQ(outcome.code, 5);
  CHECK_NE(outcome.err.find("bytes are needed"), std::string::npos);
  CHECK(task.weights("a") == before);
  CHECK(task.weights("a", "best") == best);
  const Outcome resumed = task.lathe({"train", "--resume", "runs/train/a", "--quiet"});
  CHECK_EQ(resumed.code, 0);
  task.train("straight", {"--set", "train.epochs=8"});
  CHECK(task.weights("a") == task.weights("straight"));
}

TEST_CASE("a disk without room is noticed before training") {
  const Task task;
  const fs::path disk = task.scratch / "disk";
  fs::create_directories(disk);
  if (mount("none", disk.c_str(), "tmpfs", 0, "size=200k") != 0)
    return tests::skip("disk without room", "may not mount a tmpfs here");
  const Outcome outcome = task.lathe({"train", "small.toml", "--project", "disk/runs", "--quiet"});
  const bool empty = fs::is_empty(disk);  // else the next try would be called small2
  umount(disk.c_str());
  INFO(outcome.err);
  CHECK_EQ(outcome.code, 5);
  CHECK_NE(outcome.err.find("are free there"), std::string::npos);
  CHECK(empty);
}
