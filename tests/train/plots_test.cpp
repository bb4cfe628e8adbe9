#include "train/plots.h"

#include <chrono>

#include "data/image/image.h"
#include "tests/support.h"
#include "train/run_program.h"

using namespace lathe;
using tests::bytes_of;

namespace fs = std::filesystem;

namespace {

Evaluator two_classes() {
  Evaluator samples(2);
  for (auto [score, label] : {std::pair(0.9, 1), {0.8, 0}, {0.7, 1}, {0.2, 0}})
    samples.add({score}, label);
  return samples;
}

/// gnuplot, or a note that it is not there.
bool can_draw(const std::string& test) {
  const tests::ScratchFolder scratch;
  if (run_program({"gnuplot", "--version"}, scratch.path(), "out", 20) == 0) return true;
  tests::skip(test, "there is no gnuplot");
  return false;
}

}  // namespace

TEST_CASE("plots: the data behind them") {
  const tests::ScratchFolder scratch;
  write_plot_data(scratch / "p", two_classes(), {"fake", "real, \"true\"\n"});
  CHECK_EQ(bytes_of(scratch / "p/confusion.csv"),
           "actual,fake,\"real, \"\"true\"\" \"\nfake,1,1\n\"real, \"\"true\"\" \",0,2\n");
  CHECK_EQ(bytes_of(scratch / "p/roc.csv"),
           "threshold,false_positive_rate,true_positive_rate\n"
           "inf,0,0\n0.9,0,0.5\n0.8,0.5,0.5\n0.7,0.5,1\n0.2,1,1\n");
  CHECK_EQ(bytes_of(scratch / "p/precision_recall.csv"),
           "threshold,recall,precision\n"
           "inf,0,1\n0.9,0.5,1\n0.8,0.5,0.5\n0.7,1,0.666666667\n0.2,1,0.5\n");
  // The positive class may be class 0; its thresholds are of its own probability.
  Evaluator fake(2, 0);
  fake.add({0.75}, 1);
  fake.add({0.25}, 0);
  write_plot_data(scratch / "p", fake, {"fake", "real"});
  CHECK_EQ(bytes_of(scratch / "p/roc.csv").substr(49), "inf,0,0\n0.75,0,1\n0.25,1,1\n");
  Evaluator one(2);
  one.add({0.75}, 1);
  write_plot_data(scratch / "p", one, {"fake", "real"});
  CHECK_FALSE(fs::exists(scratch / "p/roc.csv"));
}

TEST_CASE("plots: drawn as PNG and SVG, whatever the classes and folders are called") {
  if (!can_draw("plots")) return;
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "it's a \"run\"; `touch gone`\n" / "plots";
  fs::create_directories(folder);
  tests::write_bytes(folder / "../results.csv",
                     "epoch,train_loss,train_accuracy,valid_loss,valid_accuracy\n"
                     "1,0.7,0.5,,0.5\n2,0.6,0.6,,0.4\n");
  write_plot_data(folder, two_classes(), {"`touch gone`", "'; system('touch gone') _^{x}"});
  const std::string said = draw_plots(folder);
  CHECK_EQ(said, "plots: " + folder.string());
  for (const std::string name : {"loss", "accuracy", "roc", "precision_recall", "confusion"}) {
    INFO(name);
    CHECK_EQ(read_image(folder / (name + ".png")).width, 900);
    CHECK_NE(bytes_of(folder / (name + ".svg")).find("</svg>"), std::string::npos);
  }
  for (const auto& entry : fs::recursive_directory_iterator(scratch.path()))
    CHECK_NE(entry.path().filename(), "gone");
  CHECK_FALSE(fs::exists(folder / "gnuplot.log"));
  tests::write_bytes(folder / "mine.png", "mine");
  remove_plots(folder);
  CHECK_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
  CHECK_NE(draw_plots(scratch / "none").find("nothing to draw"), std::string::npos);
}

TEST_CASE("plots: ten classes and a hundred") {
  if (!can_draw("plots of many classes")) return;
  const tests::ScratchFolder scratch;
  for (int64_t classes : {10, 100}) {
    Evaluator samples(classes);
    std::vector<std::string> names;
    for (int64_t c = 0; c < classes; ++c) {
      std::vector<double> row(size_t(classes), 0);
      row[size_t(c * 7 % classes)] = 1;
      samples.add(row, c);
      names.push_back("c" + std::to_string(c));
    }
    const fs::path folder = scratch / std::to_string(classes) / "plots";
    write_plot_data(folder, samples, names);
    CHECK_EQ(draw_plots(folder), "plots: " + folder.string());
    CHECK(fs::exists(folder / "confusion.png"));
    CHECK_FALSE(fs::exists(folder / "roc.png"));
  }
}

TEST_CASE("programs run without a shell, for a while at most") {
  const tests::ScratchFolder scratch;
  CHECK_EQ(run_program({"no such program"}, scratch.path(), "out", 5), -1);
  CHECK_EQ(run_program({"sh", "-c", "echo \"$0\"; exit 3", "a b"}, scratch.path(), "out", 5), 3);
  CHECK_EQ(bytes_of(scratch / "out"), "a b\n");
  const auto start = std::chrono::steady_clock::now();
  CHECK_EQ(run_program({"sleep", "60"}, scratch.path(), "out", 0.1), -2);
  CHECK_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_CASE("without gnuplot plots say what to install, and the data stand") {
  const tests::ScratchFolder scratch;
  const std::string path = std::getenv("PATH");
  setenv("PATH", scratch.path().c_str(), 1);
  write_plot_data(scratch / "p", two_classes(), {"fake", "real"});
  const std::string said = draw_plots(scratch / "p");
  setenv("PATH", path.c_str(), 1);
  CHECK_NE(said.find("install gnuplot-nox"), std::string::npos);
  CHECK(fs::exists(scratch / "p/plots.gnuplot"));
  CHECK(fs::exists(scratch / "p/roc.csv"));
}
