#include "train/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/check.h"

namespace lathe {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// The ROC curve in counts: a point for each distinct score, from the highest down.
struct RankPoint {
  double score = HUGE_VAL;  // the lowest of those called positive
  double true_positives = 0, false_positives = 0;
};
std::vector<RankPoint> ranking(const std::vector<double>& scores,
                               const std::vector<bool>& positive) {
  LATHE_CHECK(scores.size() == positive.size(), "metrics: ", scores.size(), " scores, but ",
              positive.size(), " labels");
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  auto value = [&](size_t i) { return std::isnan(scores[i]) ? -HUGE_VAL : scores[i]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return value(a) > value(b); });
  std::vector<RankPoint> points = {{}};
  for (size_t k = 0; k < order.size(); ++k) {
    if (k == 0 || value(order[k]) != value(order[k - 1])) points.push_back(points.back());
    points.back().score = value(order[k]);
    (positive[order[k]] ? points.back().true_positives : points.back().false_positives) += 1;
  }
  return points;
}

}  // namespace

double roc_auc(const std::vector<double>& scores, const std::vector<bool>& positive) {
  const std::vector<RankPoint> points = ranking(scores, positive);
  const RankPoint& all = points.back();
  if (all.true_positives == 0 || all.false_positives == 0) return undefined;
  double pairs = 0;  // whole numbers and halves: exact
  for (size_t i = 1; i < points.size(); ++i)
    pairs += (points[i].false_positives - points[i - 1].false_positives) *
             (points[i].true_positives + points[i - 1].true_positives) / 2;
  return pairs / (all.true_positives * all.false_positives);
}

double average_precision(const std::vector<double>& scores, const std::vector<bool>& positive) {
  const std::vector<RankPoint> points = ranking(scores, positive);
  const double total = points.back().true_positives;
  if (total == 0) return undefined;
  double sum = 0;
  for (size_t i = 1; i < points.size(); ++i)
    sum += (points[i].true_positives - points[i - 1].true_positives) / total *
           (points[i].true_positives / (points[i].true_positives + points[i].false_positives));
  return sum;
}

double equal_error_rate(const std::vector<double>& scores, const std::vector<bool>& positive) {
  const std::vector<RankPoint> points = ranking(scores, positive);
  const RankPoint& all = points.back();
  if (all.true_positives == 0 || all.false_positives == 0) return undefined;
  double rate = 0,
         gap = -1;  // the false positive rate, and how far it is above the false negatives'
  for (size_t i = 1; i < points.size(); ++i) {
    const double next_rate = points[i].false_positives / all.false_positives;
    const double next_gap = next_rate - (1 - points[i].true_positives / all.true_positives);
    if (next_gap >= 0) return rate + (next_rate - rate) * (-gap / (next_gap - gap));
    rate = next_rate;
    gap = next_gap;
  }
  return rate;
}

double best_threshold(const std::vector<double>& scores, const std::vector<bool>& positive) {
  LATHE_CHECK(scores.size() == positive.size(), "metrics: ", scores.size(), " scores, but ",
              positive.size(), " labels");
  std::vector<std::pair<double, bool>> sorted;
  for (size_t i = 0; i < scores.size(); ++i)
    if (!std::isnan(scores[i])) sorted.emplace_back(scores[i], positive[i]);
  std::sort(sorted.begin(), sorted.end());
  int64_t correct = std::count_if(sorted.begin(), sorted.end(), [](auto& s) { return s.second; });
  int64_t most = -1;
  double best = 0.5;
  // `correct` is that of all thresholds from `low` to before `high`.
  auto consider = [&](double low, double high) {
    double threshold = low + (high - low) / 2;
    if (!(threshold < high)) threshold = low;  // neighbouring numbers
    if (low <= 0.5 && 0.5 < high) threshold = 0.5;
    const bool nearer = std::abs(threshold - 0.5) < std::abs(best - 0.5);
    if (correct < most || (correct == most && !nearer)) return;
    most = correct;
    best = threshold;
  };
  if (sorted.empty()) return best;
  const double least = sorted.front().first;
  consider(least > 0 ? 0 : least - 1, least);
  for (size_t i = 0; i < sorted.size(); ++i) {
    correct += sorted[i].second ? -1 : 1;
    const bool last = i + 1 == sorted.size();
    const double score = sorted[i].first, high = last ? std::max(1.0, score) : sorted[i + 1].first;
    if (last || score < high) consider(score, high);
  }
  return best;
}

std::vector<CurvePoint> ranking_curve(const std::vector<double>& scores,
                                      const std::vector<bool>& positive) {
  constexpr double parts = 2000;
  const std::vector<RankPoint> points = ranking(scores, positive);
  const RankPoint& all = points.back();
  const auto near = [&](const RankPoint& a, const RankPoint& b) {
    return (b.true_positives - a.true_positives) * parts < all.true_positives &&
           (b.false_positives - a.false_positives) * parts < all.false_positives;
  };
  std::vector<RankPoint> kept;
  for (const RankPoint& point : points) {
    if (kept.size() > 1 && near(kept[kept.size() - 2], point)) kept.pop_back();
    kept.push_back(point);
  }
  const auto rate = [](double part, double whole) { return whole > 0 ? part / whole : undefined; };
  std::vector<CurvePoint> curve;
  for (const RankPoint& p : kept) {
    const double called = p.true_positives + p.false_positives;
    curve.push_back({p.score, rate(p.false_positives, all.false_positives),
                     rate(p.true_positives, all.true_positives),
                     called > 0 ? p.true_positives / called : 1});
  }
  return curve;
}

}  // namespace lathe
