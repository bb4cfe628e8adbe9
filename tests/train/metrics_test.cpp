#include "train/metrics.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "layers/loss.h"
#include "tensor/random.h"
#include "tests/support.h"
#include "train/classification_report.h"
#include "train/ranking.h"

using namespace lathe;
using nlohmann::json;

namespace {

/// A file of tests/goldens; LATHE_GOLDENS is set by CMake.
json golden(const std::string& name) {
  std::ifstream in(std::string(LATHE_GOLDENS) + "/" + name);
  return json::parse(in);
}

Evaluator evaluator_of(const json& c, int64_t classes) {
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
  return evaluator;
}
Evaluation evaluate(const json& c, int64_t classes) { return evaluator_of(c, classes).result(); }

/// Equal to 1e-12; null is NaN.
void check_measure(double measure, const json& wanted) {
  if (wanted.is_null())
    CHECK(std::isnan(measure));
  else
    CHECK_EQ(measure, doctest::Approx(double(wanted)).epsilon(1e-12));
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
    check_measure(e.roc_auc, c["roc_auc"]);
    check_measure(e.average_precision, c["average_precision"]);
    check_measure(e.equal_error_rate, c["eer"]);
    CHECK_EQ(e.confusion, c["confusion"].get<Confusion>());
    if (!c["report"].is_null())
      CHECK_EQ(classification_report(e.confusion, {"fake", "real"}),
               c["report"].get<std::string>());
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
    std::vector<std::string> names;
    for (int i = 0; i < c["classes"]; ++i) {
      names.push_back("class " + std::to_string(i));
      for (int k = 0; k < 6 * i % 31; ++k) names.back() += "é";
    }
    CHECK_EQ(classification_report(e.confusion, names), c["report"].get<std::string>());
    for (auto [name, m] : {std::pair("macro", e.macro), {"weighted", e.weighted}}) {
      CHECK_EQ(m.precision, doctest::Approx(double(c[name][0])).epsilon(1e-12));
      CHECK_EQ(m.recall, doctest::Approx(double(c[name][1])).epsilon(1e-12));
      CHECK_EQ(m.f1, doctest::Approx(double(c[name][2])).epsilon(1e-12));
    }
  }
}

TEST_CASE("the curves are scikit-learn's, and short for many samples") {
  const json cases = golden("metrics.json")["binary"];
  for (const json& c : cases) {
    if (c["fpr"].empty()) continue;  // one class
    const auto [scores, positive] = evaluator_of(c, 2).ranked();
    const std::vector<CurvePoint> curve = ranking_curve(scores, positive);
    REQUIRE_EQ(curve.size(), c["fpr"].size());
    CHECK_EQ(curve[0].threshold, HUGE_VAL);
    for (size_t i = 0; i < curve.size(); ++i) {
      check_measure(curve[i].false_positive_rate, c["fpr"][i]);
      check_measure(curve[i].true_positive_rate, c["tpr"][i]);
      check_measure(curve[i].true_positive_rate, c["curve_recall"][i]);
      check_measure(curve[i].precision, c["curve_precision"][i]);
      if (i > 0) check_measure(curve[i].threshold, c["thresholds"][i - 1]);
    }
  }
  std::vector<double> scores;
  std::vector<bool> positive;
  const RandomStream random(4, Purpose::test);
  for (uint64_t i = 0; i < 100'000; ++i) {
    scores.push_back(random.uniform53(2 * i));
    positive.push_back(random.uniform53(2 * i + 1) < scores.back());
  }
  const std::vector<CurvePoint> curve = ranking_curve(scores, positive);
  CHECK_LT(curve.size(), 8000);
  CHECK_EQ(curve.back().true_positive_rate, 1);
  for (size_t i = 1; i < curve.size(); ++i) {
    CHECK_LE(curve[i].true_positive_rate - curve[i - 1].true_positive_rate, 1.0 / 2000 + 1e-4);
    CHECK_LE(curve[i].false_positive_rate - curve[i - 1].false_positive_rate, 1.0 / 2000 + 1e-4);
  }
  const std::vector<CurvePoint> one_class = ranking_curve({0.1, 0.2}, {true, true});
  REQUIRE_EQ(one_class.size(), 3);
  CHECK(std::isnan(one_class[1].false_positive_rate));
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

TEST_CASE(
    "the best threshold is best, for ties, scores that are NaN, and where one class says all") {
  CHECK_GE(best_threshold({0.6, 0.7, 0.8}, {true, false, false}), 0.8);
  CHECK_LT(best_threshold({0.2, 0.3, 0.4}, {true, true, false}), 0.2);
  CHECK_EQ(best_threshold({}, {}), 0.5);
  const double none = std::nan("");
  CHECK_EQ(best_threshold({none, 0.4, 0.3, none}, {true, true, false, false}),
           doctest::Approx(0.35));
  const double next = std::nextafter(0.7, 1);
  CHECK_EQ(best_threshold({0.7, next}, {false, true}), 0.7);
  const RandomStream random(2, Purpose::test);
  for (uint64_t round = 0; round < 300; ++round) {
    const uint64_t count = 1 + round % 12;
    std::vector<double> scores, tried = {-0.5, 0.5};
    std::vector<bool> positive;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t draw = random.below(3 * (round * 12 + i), 9);
      scores.push_back(draw == 8 ? none : double(draw) / 7);
      positive.push_back(random.below(3 * (round * 12 + i) + 1, 2) == 1);
      tried.push_back(double(i) / 7 - 0.5 / 7);
      tried.push_back(scores.back());
    }
    auto correct = [&](double threshold) {
      int64_t count_of = 0;
      for (size_t i = 0; i < scores.size(); ++i) count_of += (scores[i] > threshold) == positive[i];
      return count_of;
    };
    int64_t most = 0;
    for (double threshold : tried) most = std::max(most, correct(threshold));
    CHECK_EQ(correct(best_threshold(scores, positive)), most);
  }
}

TEST_CASE("the best threshold of many scores takes no longer than sorting them") {
  std::vector<double> scores;
  std::vector<bool> positive;
  const RandomStream random(3, Purpose::test);
  for (uint64_t i = 0; i < 300'000; ++i) {
    scores.push_back(random.uniform53(i));
    positive.push_back(scores.back() > 0.62);
  }
  CHECK_EQ(best_threshold(scores, positive), doctest::Approx(0.62).epsilon(1e-3));
}

TEST_CASE("with class weights an epoch's loss is the same for any size of batch") {
  const Tensor logits = Tensor::from<double>({1, -2, 0.5, 0.25, -1, 3, 2, 2, 0, -1}, {5, 2});
  const Tensor labels = Tensor::from<int64_t>({0, 0, 1, 0, 1}, {5});
  const std::vector<double> weights = {0.2, 3};
  const CrossEntropyOptions options{.class_weights = Tensor::from(weights, {2})};
  const double whole = cross_entropy(logits, labels, options).item();
  for (int64_t size : {1, 2, 3, 5}) {
    RunningSums sums;
    Evaluator evaluator(2, 1, weights);
    for (int64_t i = 0; i < 5; i += size) {
      const int64_t end = std::min<int64_t>(i + size, 5);
      const Tensor x = logits.slice(i, end), y = labels.slice(i, end);
      const double loss = cross_entropy(x, y, options).item();
      sums.add(loss, x, y, weights);
      evaluator.add(loss, x, y);
    }
    CHECK_EQ(sums.mean_loss(), doctest::Approx(whole).epsilon(1e-14));
    CHECK_EQ(evaluator.result().loss, doctest::Approx(whole).epsilon(1e-14));
  }
  // Samples of a class that weighs nothing: their own mean is 0 / 0, in the whole they do not
  // count.
  Evaluator evaluator(2, 1, {0, 1});
  evaluator.add(0.5, logits.slice(2, 3), labels.slice(2, 3));
  evaluator.add(std::nan(""), logits.slice(0, 2), labels.slice(0, 2));
  CHECK_EQ(evaluator.result().loss, 0.5);
}

TEST_CASE("pos_weight leaves an epoch's loss a mean over samples, as it is in a batch") {
  const Tensor logits = Tensor::from<double>({1, -2, 0.5, 0.25, -1}, {5, 1});
  const Tensor labels = Tensor::from<int64_t>({0, 1, 1, 0, 1}, {5});
  const double whole = bce_with_logits(logits, labels, 3).item();
  RunningSums sums;
  for (auto [begin, end] : {std::pair(0, 2), {2, 5}}) {
    const Tensor x = logits.slice(begin, end), y = labels.slice(begin, end);
    sums.add(bce_with_logits(x, y, 3).item(), x, y);
  }
  CHECK_EQ(sums.mean_loss(), doctest::Approx(whole).epsilon(1e-14));
}
