#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/ranking.h"

namespace lathe {
namespace {

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

void Evaluator::add(double batch_loss, const Tensor& outputs, const Tensor& labels) {
  columns_of(outputs, labels);
  const Tensor host = labels.to(Device::cpu);
  // The mean over labels that all weigh nothing is NaN, but counts for nothing.
  if (const double weight = weight_of(host, class_weights_); weight > 0) {
    loss_ += batch_loss * weight;
    weight_ += weight;
  }
  std::vector<std::vector<double>> rows = probabilities(outputs);
  for (int64_t i = 0; i < host.numel(); ++i) add(std::move(rows[size_t(i)]), label_at(host, i));
}

void Evaluator::add(std::vector<double> row, int64_t label) {
  LATHE_CHECK(label >= 0 && label < classes_, "metrics: label ", label, " is none of ", classes_,
              " classes");
  labels_.push_back(label);
  rows_.push_back(std::move(row));
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

std::pair<std::vector<double>, std::vector<bool>> Evaluator::ranked() const {
  std::vector<double> score = scores();
  std::vector<bool> positive = ones();
  if (positive_ == 0) {
    for (double& s : score) s = -s;
    positive.flip();
  }
  return {score, positive};
}

Evaluation Evaluator::result(double threshold) const {
  Evaluation e;
  e.samples = int64_t(labels_.size());
  e.loss = weight_ > 0 ? loss_ / weight_ : 0;
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
  const auto [score, positive] = ranked();
  e.roc_auc = roc_auc(score, positive);
  e.average_precision = average_precision(score, positive);
  e.equal_error_rate = equal_error_rate(score, positive);
  return e;
}

}  // namespace lathe
