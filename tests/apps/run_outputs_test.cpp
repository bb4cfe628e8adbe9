// What a run leaves for people beside its weights: TensorBoard's events, lines in the log, plots.
#include <csignal>

#include "tests/apps/training_task.h"
#include "tests/train/event_reader.h"
#include "train/event_file.h"
#include "train/run_program.h"

using namespace lathe;
using tests::bytes_of;
using tests::Outcome;
using tests::TrainingTask;

namespace fs = std::filesystem;

namespace {

/// The event files of a run have each value of its results.csv, once, and the loss of each step.
void check_events(const TrainingTask& task, const std::string& run, int64_t steps) {
  auto scalars = tests::read_scalars(task.run(run) / "tb");
  const fs::path csv = task.run(run) / "results.csv";
  std::string header = bytes_of(csv);
  std::istringstream columns(header.substr(0, header.find('\n')));
  int64_t count = 0;
  for (std::string column; std::getline(columns, column, ','); ++count) {
    if (column == "epoch") continue;
    INFO(run, ": ", column);
    const std::vector<double> values = ResultsFile(csv, 9).column(column);
    const auto& events = scalars[scalar_tag(column)];
    REQUIRE_EQ(events.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK_EQ(events[i].first, int64_t(i) + 1);
      CHECK_EQ(events[i].second, double(float(values[i])));
    }
  }
  CHECK_EQ(int64_t(scalars.size()), count);  // without the epoch, with the steps
  const auto& losses = scalars["loss/step"];
  REQUIRE_EQ(int64_t(losses.size()), steps);
  for (int64_t i = 0; i < steps; ++i) CHECK_EQ(losses[size_t(i)].first, i + 1);
}

}  // namespace

TEST_CASE("TensorBoard's events have every value of results.csv, after any stop") {
  const TrainingTask task;
  task.train("straight");
  check_events(task, "straight", 18);
  for (const char* steps : {"4", "6"}) {
    task.train(steps, {"--set", std::string("train.max_steps=") + steps});
    const Outcome more = task.resume(steps, {"--set", "train.max_steps=0"});
    REQUIRE_MESSAGE(more.code == 0, more.err);
    CHECK_EQ(tests::files_of(task.run(steps) / "tb").size(), 2);
    check_events(task, steps, 18);
    CHECK_EQ(tests::read_scalars(task.run(steps) / "tb")["loss/step"],
             tests::read_scalars(task.run("straight") / "tb")["loss/step"]);
  }
  // A kill leaves events behind the state that was saved; they are cut off.
  tests::Process process(
      {"train", "small.toml", "--quiet", "--name", "killed", "--set", "train.epochs=100000"},
      {.folder = task.scratch.path()});
  while (process.running() && tests::lines_of(task.run("killed") / "results.csv") < 20)
    tests::wait_milliseconds(2);
  process.signal(SIGKILL);
  process.wait();
  const int64_t epochs = task.state("killed").epoch + 2;
  const Outcome more = task.resume("killed", {"--set", "train.epochs=" + std::to_string(epochs)});
  REQUIRE_MESSAGE(more.code == 0, more.err);
  check_events(task, "killed", 3 * epochs);
  task.train("straight", {"--exist-ok", "--set", "train.epochs=2"});
  CHECK_EQ(tests::files_of(task.run("straight") / "tb").size(), 1);
  check_events(task, "straight", 6);
}

TEST_CASE("plots: the curves of the best weights' outputs, drawn at the end and after a stop") {
  if (run_program({"gnuplot", "--version"}, ".", "/dev/null", 20) != 0)
    return tests::skip("plots of runs", "there is no gnuplot");
  const TrainingTask task;
  task.train("a", {"--set", "log.plots=true", "--set", "train.max_steps=4"});
  const fs::path plots = task.run("a") / "plots";
  for (const char* file : {"loss.svg", "accuracy.svg", "roc.png", "precision_recall.svg",
                           "confusion.png", "confusion.csv", "roc.csv", "precision_recall.csv"})
    CHECK_MESSAGE(fs::exists(plots / file), file);
  const auto before = fs::last_write_time(plots / "loss.svg");
  CHECK_EQ(task.resume("a", {"--set", "train.max_steps=0"}).code, 0);
  CHECK_GT(fs::last_write_time(plots / "loss.svg"), before);
  CHECK_NE(bytes_of(task.run("a") / "train.log").find("plots: "), std::string::npos);
  // A report of the same weights draws the same curves.
  const Outcome report =
      task.lathe({"eval", "runs/train/a", "--split", "valid", "--report", "r", "--quiet"});
  REQUIRE_MESSAGE(report.code == 0, report.err);
  for (const char* file : {"roc.csv", "precision_recall.csv", "confusion.csv"})
    CHECK_EQ(bytes_of(task.scratch / "r/plots/valid" / file), bytes_of(plots / file));
  CHECK(fs::exists(task.scratch / "r/plots/valid/roc.svg"));

  task.train("a", {"--exist-ok"});
  CHECK(fs::is_empty(plots));
}

TEST_CASE("recipes choose what TensorBoard gets and how often the log has a loss") {
  const TrainingTask task;
  task.train("a", {"--set", "log.histograms=true", "--set", "log.every_steps=5"});
  int64_t images = 0, histograms = 0;
  for (const auto& event : tests::read_events(tests::files_of(task.run("a") / "tb").at(0))) {
    images += event.tag == "confusion/valid" && !event.image.empty();
    histograms += event.tag == "weights/fc1.weight" && !event.histogram.empty();
  }
  CHECK_EQ(images, 6);
  CHECK_EQ(histograms, 6);
  const std::string log = bytes_of(task.run("a") / "train.log");
  for (const char* part : {"parameters, f32, on cpu", "epoch 6: learning rate 0.001\n",
                           "step 5: loss ", "step 15: loss ", "  TP ", ", FN "})
    CHECK_MESSAGE(log.find(part) != log.npos, part);
  CHECK_EQ(log.find("step 4: loss"), log.npos);

  task.train("b", {"--set", "log.tensorboard=false"});
  CHECK_FALSE(fs::exists(task.run("b") / "tb"));
  task.check_same("a", "b");
}
