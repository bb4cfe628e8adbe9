#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace lathe {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// Labels of any type as class numbers, without an allocation.
int64_t label_at(const Tensor& labels, int64_t i) {
  switch (labels.dtype()) {
    case DType::i64:
      return labels.data<int64_t>()[i];
    case DType::f64:
      return std::llround(labels.data<double>()[i]);
    case DType::f32:
      return std::llround(labels.data<float>()[i]);
    default:
      fail(ErrorKind::usage, "metrics: expects labels of i64, f32 or f64, got ", labels.dtype());
  }
}

int64_t columns_of(const Tensor& outputs, const Tensor& labels) {
  LATHE_CHECK(outputs.rank() == 1 || outputs.rank() == 2,
              "metrics: expects outputs (batch) or (batch, classes), got ", outputs.shape());
  LATHE_CHECK(outputs.dim(0) == labels.numel(), "metrics: ", outputs.dim(0), " outputs, but ",
              labels.numel(), " labels");
  return outputs.rank() == 1 ? 1 : outputs.dim(1);
}

/// The class that a row of logits says. One logit: class 1 above 0, as round(sigmoid) has it.
template <class T>
int64_t predicted(const T* row, int64_t columns) {
  if (columns == 1) return row[0] > 0;
  return std::max_element(row, row + columns) - row;
}

/// The ROC curve in counts: a point for each distinct score, from the highest down.
struct RankPoint {
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
    (positive[order[k]] ? points.back().true_positives : points.back().false_positives) += 1;
  }
  return points;
}

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

int64_t support_of(const Confusion& confusion, size_t c) {
  return std::accumulate(confusion[c].begin(), confusion[c].end(), int64_t{0});
}

/// Means over classes, weighted by 1 or by support.
ClassMeasures mean_over_classes(const Confusion& confusion, bool by_support) {
  ClassMeasures mean;
  double total = 0;
  for (size_t c = 0; c < confusion.size(); ++c) {
    const ClassMeasures m = measures_of(confusion, int64_t(c));
    const double weight = by_support ? double(m.support) : 1;
    mean.precision += weight * m.precision;
    mean.recall += weight * m.recall;
    mean.f1 += weight * m.f1;
    mean.support += m.support;
    total += weight;
  }
  mean.precision = ratio(mean.precision, total);
  mean.recall = ratio(mean.recall, total);
  mean.f1 = ratio(mean.f1, total);
  return mean;
}

}  // namespace

double weight_of(const Tensor& labels, const std::vector<double>& class_weights) {
  if (class_weights.empty()) return double(labels.numel());
  const Tensor host = labels.to(Device::cpu);
  double sum = 0;
  for (int64_t i = 0; i < host.numel(); ++i) sum += class_weights.at(size_t(label_at(host, i)));
  return sum;
}

void RunningSums::add(double batch_loss, const Tensor& outputs, const Tensor& labels,
                      const std::vector<double>& class_weights) {
  const int64_t columns = columns_of(outputs, labels), rows = labels.numel();
  const Tensor host = outputs.to(Device::cpu), host_labels = labels.to(Device::cpu);
  const double batch_weight = weight_of(host_labels, class_weights);
  loss += batch_loss * batch_weight;
  weight += batch_weight;
  samples += rows;
  dispatch_float("metrics", host.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < rows; ++i)
      correct += predicted(host.data<T>() + i * columns, columns) == label_at(host_labels, i);
  });
}

std::vector<std::vector<double>> probabilities(const Tensor& outputs) {
  const int64_t rows = outputs.dim(0), columns = outputs.rank() == 1 ? 1 : outputs.dim(1);
  const std::vector<double> logits = outputs.to_vector<double>();
  std::vector<std::vector<double>> all;
  for (int64_t i = 0; i < rows; ++i) {
    std::vector<double> row(logits.begin() + i * columns, logits.begin() + (i + 1) * columns);
    if (columns == 1) {
      row[0] = 1 / (1 + std::exp(-row[0]));
    } else {
      const double largest = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (double& p : row) sum += p = std::exp(p - largest);
      for (double& p : row) p /= sum;
    }
    all.push_back(std::move(row));
  }
  return all;
}

int64_t class_of(const std::vector<double>& row, double threshold) {
  if (row.size() == 1) return row[0] > threshold;
  if (row.size() == 2 && threshold != 0.5) return row[1] > threshold;
  return std::max_element(row.begin(), row.end()) - row.begin();
}

ClassMeasures measures_of(const Confusion& confusion, int64_t positive) {
  const size_t p = size_t(positive);
  double said = 0;
  for (const auto& row : confusion) said += double(row[p]);
  ClassMeasures m;
  m.support = support_of(confusion, p);
  const double right = double(confusion[p][p]);
  m.precision = ratio(right, said);
  m.recall = ratio(right, double(m.support));
  m.f1 = ratio(2 * right, said + double(m.support));
  return m;
}

ClassMeasures macro_mean(const Confusion& confusion) { return mean_over_classes(confusion, false); }
ClassMeasures weighted_mean(const Confusion& confusion) {
  return mean_over_classes(confusion, true);
}

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

void Evaluator::add(double batch_loss, const Tensor& outputs, const Tensor& labels) {
  columns_of(outputs, labels);
  const Tensor host = labels.to(Device::cpu);
  // The mean over labels that all weigh nothing is NaN, but counts for nothing.
  if (const double weight = weight_of(host, class_weights_); weight > 0) {
    loss_ += batch_loss * weight;
    weight_ += weight;
  }
  for (int64_t i = 0; i < host.numel(); ++i) {
    const int64_t label = label_at(host, i);
    LATHE_CHECK(label >= 0 && label < classes_, "metrics: label ", label, " is none of ", classes_,
                " classes");
    labels_.push_back(label);
  }
  for (auto& row : probabilities(outputs)) rows_.push_back(std::move(row));
}

std::vector<double> Evaluator::scores() const {
  std::vector<double> all;
  for (const auto& row : rows_) all.push_back(row.back());
  return all;
}

std::vector<bool> Evaluator::ones() const {
  std::vector<bool> all;
  for (int64_t label : labels_) all.push_back(label == 1);
  return all;
}

Evaluation Evaluator::result(double threshold) const {
  Evaluation e;
  e.samples = int64_t(labels_.size());
  e.loss = e.samples > 0 ? loss_ / weight_ : 0;
  e.confusion.assign(size_t(classes_), std::vector<int64_t>(size_t(classes_)));
  int64_t correct = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const int64_t guess = std::min(class_of(rows_[i], threshold), classes_ - 1);
    ++e.confusion[size_t(labels_[i])][size_t(guess)];
    correct += guess == labels_[i];
  }
  e.accuracy = ratio(double(correct), double(e.samples));
  e.macro = macro_mean(e.confusion);
  e.weighted = weighted_mean(e.confusion);
  if (!e.two_classes()) return e;
  e.positive = measures_of(e.confusion, positive_);
  std::vector<double> score = scores();
  std::vector<bool> positive = ones();
  if (positive_ == 0) {
    for (double& s : score) s = -s;
    positive.flip();
  }
  e.roc_auc = roc_auc(score, positive);
  e.average_precision = average_precision(score, positive);
  e.equal_error_rate = equal_error_rate(score, positive);
  return e;
}

}  // namespace lathe
