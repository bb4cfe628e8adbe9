#include "train/run_folder.h"

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support.h"
#include "train/plot.h"
#include "train/progress.h"
#include "train/signals.h"

using namespace lathe;

namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

EpochResult result_of(int64_t epoch, double loss) {
  EpochResult r{};
  r.epoch = epoch;
  r.train_loss = loss;
  r.valid_loss = r.valid_accuracy = std::nan("");
  r.lr = 1e-5;
  r.further = {{"valid_f1", 0.5}};
  return r;
}

}  // namespace

TEST_CASE("run folders are numbered; a name that exists can be used again on request") {
  const tests::ScratchFolder scratch;
  CHECK_EQ(RunFolder::create(scratch / "runs", "a", false).path(), scratch / "runs/a");
  CHECK_EQ(RunFolder::create(scratch / "runs", "a", false).path(), scratch / "runs/a2");
  CHECK_EQ(RunFolder::create(scratch / "runs", "a", false).path(), scratch / "runs/a3");
  CHECK_EQ(RunFolder::create(scratch / "runs", "a", true).path(), scratch / "runs/a");
  CHECK_NE(tests::message_of([&] { RunFolder::open(scratch / "runs/a"); }).find("no recipe.toml"),
           std::string::npos);
  CHECK_NE(tests::message_of([&] { RunFolder::open(scratch / "b"); }).find("no such run"),
           std::string::npos);
}

TEST_CASE("results.csv: whole lines, and none behind the epoch from which a run goes on") {
  const tests::ScratchFolder scratch;
  ResultsFile file(scratch / "results.csv", 17);
  file.keep_until(0);
  file.append(result_of(1, 0.1));
  file.append(result_of(2, 0.05));
  CHECK_EQ(content(scratch / "results.csv"),
           "epoch,train_loss,train_accuracy,valid_loss,valid_accuracy,lr,seconds,valid_f1\n"
           "1,0.10000000000000001,0,,,1.0000000000000001e-05,0,0.5\n"
           "2,0.050000000000000003,0,,,1.0000000000000001e-05,0,0.5\n");
  CHECK_EQ(file.column("train_loss"), std::vector<double>{0.1, 0.05});
  std::ofstream(scratch / "results.csv", std::ios::app) << "3,0.0";  // a kill in the middle of it
  file.keep_until(7);
  CHECK_EQ(file.column("epoch"), std::vector<double>{1, 2});
  file.keep_until(1);
  file.append(result_of(2, 0.25));
  CHECK_EQ(file.column("train_loss"), std::vector<double>{0.1, 0.25});
  CHECK(std::isnan(file.column("valid_loss").at(0)));
}

TEST_CASE("the bar looks as tqdm's") {
  CHECK_EQ(bar_text("epoch 3/100", 420, 1000, 12, 33.1, 0.213, 81),
           "epoch 3/100:  42%|████▏     | 420/1000 [00:12<00:18, 33.1 samples/s, loss 0.213]");
  CHECK_EQ(bar_text("e", 0, 10, 0, 0, 0, 10), "e:   0%| | 0/10 [00:00<?, 0 samples/s, loss 0]");
  CHECK_EQ(progress_style("json", false), ProgressStyle::json);
  CHECK_EQ(progress_style("bar", true), ProgressStyle::off);
}

TEST_CASE("curves have labels, and as many columns as epochs") {
  const std::string text =
      draw_curves("loss", {{"train", "*", {3, 2, 1}}, {"valid", "o", {3, std::nan(""), 2}}}, 60, 3);
  CHECK_EQ(text,
           "  loss\n"
           "        3 ┤o\n"
           "        2 ┤ *o\n"
           "        1 ┤  *\n"
           "          └───\n"
           "           1 3 epoch   * train   o valid\n");
  CHECK_EQ(draw_curves("loss", {{"train", "*", {1}}}), "");
  std::vector<double> many(1000, 1.0);
  many.back() = 0;
  CHECK_NE(draw_curves("loss", {{"train", "*", many}}).find("0 ┤" + std::string(59, ' ') + "*"),
           std::string::npos);
}

TEST_CASE("a signal asks the loop to stop or to save") {
  StopSignals signals;
  CHECK_EQ(signals.stop(), 0);
  CHECK_FALSE(signals.take_save());
  std::raise(SIGHUP);
  CHECK(signals.take_save());
  CHECK_FALSE(signals.take_save());
  std::raise(SIGTERM);
  CHECK_EQ(signals.stop(), 143);
}
