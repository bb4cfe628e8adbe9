// lathe eval: several weights and splits, and what a report leaves.
#include <map>
#include <nlohmann/json.hpp>

#include "tests/apps/training_task.h"
#include "tests/data/picture.h"

using namespace lathe;
using nlohmann::json;
using tests::bytes_of;
using tests::Outcome;
using tests::TrainingTask;

namespace fs = std::filesystem;

namespace {

json answer(const Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  return json::parse(outcome.out);
}

/// Small images in three folders, of three photos each of six videos, and a recipe for them.
void write_videos(const fs::path& folder) {
  std::string all = "path,label,group\n";
  for (int i = 0; i < 18; ++i) {
    const int video = i / 3;
    const std::string label = video < 3 ? "fake" : "real";
    const std::string path =
        (video == 2 || video == 3 ? "mixed/" : label + "/") + std::to_string(i) + ".png";
    tests::write_picture(folder / path, tests::picture(16, 16, i));
    all += path + "," + label + ",video" + std::to_string(video) + "\n";
  }
  tests::write_bytes(folder / "test.csv", all);
  for (const char* label : {"fake", "real"})
    tests::write_picture(folder / "train" / label / "one.png", tests::picture(16, 16, label[0]));
  tests::write_bytes(folder / "videos.toml", R"([data]
kind = "images"
train = "train"
test = "test.csv"
[model]
name = "small_cnn"
[loss]
name = "cross_entropy"
[train]
epochs = 1
[log]
plots = false
)");
}

}  // namespace

TEST_CASE("eval: best and last on valid and test, at once") {
  const TrainingTask task;
  task.train("a");
  const json best = answer(task.lathe({"eval", "runs/train/a", "--json"}));
  const json last = answer(task.lathe({"eval", "runs/train/a", "--weights", "last", "--json"}));
  CHECK_EQ(best["valid"]["samples"], 4);
  const json both = answer(
      task.lathe({"eval", "runs/train/a", "--weights", "best", "--weights", "last", "--json"}));
  CHECK_EQ(both, json({{"best", best}, {"last", last}}));
  CHECK_EQ(answer(task.lathe({"eval", "runs/train/a", "--weights", "best,last", "--json"})), both);

  const Outcome twice = task.lathe({"eval", "runs/train/a", "--weights", "best,best"});
  CHECK_EQ(twice.code, 2);
  CHECK_NE(twice.err.find("stands there twice"), std::string::npos);
  const Outcome wrong = task.lathe({"eval", "runs/train/a", "--weights", "best,lst"});
  CHECK_EQ(wrong.code, 3);
  CHECK_NE(wrong.err.find("did you mean 'last'?"), std::string::npos);

  const std::string text = task.lathe({"eval", "runs/train/a", "--weights", "best,last"}).out;
  CHECK_NE(text.find("weights/best.safetensors"), std::string::npos);
  CHECK_NE(text.find("weights/last.safetensors"), std::string::npos);
}

TEST_CASE("eval: a report of several weights has a folder for each") {
  const TrainingTask task;
  task.train("a");
  const Outcome outcome = task.lathe({"eval", "runs/train/a", "--weights", "best,last", "--split",
                                      "test", "--report", "r", "--quiet"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  for (const char* name : {"best", "last"}) {
    const fs::path folder = task.scratch / "r" / name;
    for (const char* file : {"metrics.json", "metrics.txt", "report.txt", "predictions.csv",
                             "plots/test/confusion.csv"})
      CHECK_MESSAGE(fs::exists(folder / file), file);
    // A table as scikit-learn's, and nothing else, where there is one split.
    const std::string report = bytes_of(folder / "report.txt");
    CHECK_EQ(report.substr(0, 54), "              precision    recall  f1-score   support\n");
    CHECK_NE(outcome.out.find(report), std::string::npos);
  }
}

TEST_CASE("eval: by group and by folder, which can be worked out from predictions.csv") {
  const tests::ScratchFolder scratch;
  write_videos(scratch.path());
  const tests::RunOptions here = {.folder = scratch.path()};
  const Outcome trained =
      tests::run_lathe({"train", "videos.toml", "--name", "v", "--quiet"}, here);
  REQUIRE_MESSAGE(trained.code == 0, trained.err);
  const json e = answer(tests::run_lathe(
      {"eval", "runs/train/v", "--split", "test", "--report", "r", "--json", "--quiet"}, here));

  std::istringstream lines(bytes_of(scratch / "r/predictions.csv"));
  std::string line, cell;
  REQUIRE(std::getline(lines, line));
  CHECK_EQ(line, "split,index,label,class,p(fake),p(real),path,group");
  std::map<std::string, double> video_score, folder_score;
  while (std::getline(lines, line)) {
    std::istringstream row(line);
    std::vector<std::string> cells;
    while (std::getline(row, cell, ',')) cells.push_back(cell);
    REQUIRE_EQ(cells.size(), 8);
    video_score[cells[7]] += std::stod(cells[5]) / 3;
    folder_score[fs::path(cells[6]).parent_path().filename()] += std::stod(cells[5]) / 6;
  }
  REQUIRE_EQ(video_score.size(), 6);
  int correct = 0;
  for (const auto& [video, score] : video_score) correct += (score > 0.5) == (video >= "video3");
  CHECK_EQ(e["groups"]["samples"], 6);
  CHECK_EQ(e["groups"]["accuracy"], doctest::Approx(correct / 6.0));
  CHECK_EQ(e["groups"]["confusion"][0][0].get<int>() + e["groups"]["confusion"][1][1].get<int>(),
           correct);
  for (const char* key : {"precision", "recall", "f1", "roc_auc", "average_precision", "eer"})
    CHECK_MESSAGE(e["groups"].contains(key), key);

  REQUIRE_EQ(e["folders"].size(), 3);
  for (const auto& [path, folder] : e["folders"].items()) {
    const std::string name = fs::path(path).filename();
    CHECK_EQ(folder["samples"], 6);
    CHECK_EQ(folder.contains("roc_auc"), name == "mixed");
    if (name != "mixed")
      CHECK_EQ(folder["mean_score"], doctest::Approx(folder_score.at(name)).epsilon(1e-6));
  }
  const std::string text = tests::run_lathe({"eval", "runs/train/v", "--split", "test"}, here).out;
  for (const char* part : {"by group: 6 groups\n", "by folder\n", "mean score"})
    CHECK_MESSAGE(text.find(part) != text.npos, part);
}
