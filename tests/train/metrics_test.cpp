#include "train/metrics.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support.h"

using namespace lathe;
using nlohmann::json;

namespace {

/// A file of tests/goldens; LATHE_GOLDENS is set by CMake.
json golden(const std::string& name) {
  std::ifstream in(std::string(LATHE_GOLDENS) + "/" + name);
  return json::parse(in);
}

Evaluation evaluate(const json& c, int64_t classes) {
  std::vector<double> logits;
  for (const json& row : c["logits"])
    if (row.is_array())
      logits.insert(logits.end(), row.begin(), row.end());
    else
      logits.push_back(row);
  const auto labels = c["labels"].get<std::vector<int64_t>>();
  const int64_t rows = int64_t(labels.size()), columns = int64_t(logits.size()) / rows;
  const Tensor x = Tensor::from(logits, {rows, columns}), y = Tensor::from(labels, {rows});
  Evaluator evaluator(classes);
  const int64_t half = rows / 2;  // in two batches of different size
  evaluator.add(1, x.slice(0, half), y.slice(0, half));
  evaluator.add(2, x.slice(half, rows), y.slice(half, rows));
  return evaluator.result();
}

}  // namespace

TEST_CASE("metrics of two classes are scikit-learn's") {
  const json cases = golden("metrics.json")["binary"];
  for (const json& c : cases) {
    const Evaluation e = evaluate(c, 2);
    CHECK_EQ(e.accuracy, doctest::Approx(double(c["accuracy"])).epsilon(1e-12));
    CHECK_EQ(e.positive.precision, doctest::Approx(double(c["precision"])).epsilon(1e-12));
    CHECK_EQ(e.positive.recall, doctest::Approx(double(c["recall"])).epsilon(1e-12));
    CHECK_EQ(e.positive.f1, doctest::Approx(double(c["f1"])).epsilon(1e-12));
    CHECK_EQ(e.roc_auc, doctest::Approx(double(c["roc_auc"])).epsilon(1e-12));
    CHECK_EQ(e.average_precision, doctest::Approx(double(c["average_precision"])).epsilon(1e-12));
    CHECK_EQ(e.equal_error_rate, doctest::Approx(double(c["eer"])).epsilon(1e-12));
    CHECK_EQ(e.confusion, c["confusion"].get<Confusion>());
    const int64_t half = e.samples / 2;
    CHECK_EQ(e.loss, doctest::Approx(double(half + 2 * (e.samples - half)) / double(e.samples)));
  }
}

TEST_CASE("metrics of several classes are scikit-learn's") {
  const json cases = golden("metrics.json")["several"];
  for (const json& c : cases) {
    const Evaluation e = evaluate(c, c["classes"]);
    CHECK_EQ(e.accuracy, doctest::Approx(double(c["accuracy"])).epsilon(1e-12));
    CHECK_EQ(e.confusion, c["confusion"].get<Confusion>());
    for (auto [name, m] : {std::pair("macro", e.macro), {"weighted", e.weighted}}) {
      CHECK_EQ(m.precision, doctest::Approx(double(c[name][0])).epsilon(1e-12));
      CHECK_EQ(m.recall, doctest::Approx(double(c[name][1])).epsilon(1e-12));
      CHECK_EQ(m.f1, doctest::Approx(double(c[name][2])).epsilon(1e-12));
    }
  }
}

TEST_CASE("a ranking of one class has no ROC") {
  CHECK(std::isnan(roc_auc({0.1, 0.2}, {true, true})));
  CHECK(std::isnan(equal_error_rate({0.1, 0.2}, {false, false})));
  CHECK(std::isnan(average_precision({0.1}, {false})));
}

TEST_CASE("the best threshold separates what can be separated") {
  CHECK_EQ(best_threshold({0.1, 0.2, 0.3, 0.35}, {false, false, true, true}), 0.25);
  CHECK_EQ(best_threshold({0.1, 0.9}, {false, true}), 0.5);
}

TEST_CASE("sums of an epoch weigh samples, not batches") {
  RunningSums sums;
  sums.add(1, Tensor::from<float>({1, -1, 1}, {3}), Tensor::from<float>({1, 0, 0}, {3}));
  sums.add(5, Tensor::from<float>({0}, {1, 1}), Tensor::from<int64_t>({0}, {1}));
  CHECK_EQ(sums.mean_loss(), 2);
  CHECK_EQ(sums.accuracy(), 0.75);
}
