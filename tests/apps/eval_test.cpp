// lathe eval: several weights and splits, and what a report leaves.
#include <nlohmann/json.hpp>

#include "tests/apps/training_task.h"

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
