// What a model's outputs are worth: loss and accuracy as means over samples, the confusion counts
// and what follows from them. Formulas and conventions are scikit-learn's; the tests compare with
// it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lathe {

/// What a batch's mean loss weighs in an epoch's: the class weights of its labels together, or, as
/// `class_weights` is empty, their number. So the epoch's loss is that of all its samples at once.
double weight_of(const Tensor& labels, const std::vector<double>& class_weights);

/// Sums of an epoch, exact to resume from. Means are over samples, never over batches.
struct RunningSums {
  double loss = 0, weight = 0;  ///< each batch's mean loss times weight_of, and these weights
  int64_t correct = 0, samples = 0;
  void add(double batch_loss, const Tensor& outputs, const Tensor& labels,
           const std::vector<double>& class_weights = {});
  double mean_loss() const { return weight > 0 ? loss / weight : 0; }
  double accuracy() const { return samples ? double(correct) / double(samples) : 0; }
};

/// The class probabilities of outputs, a row a sample: (B) or (B, 1) logits give P(class 1) alone,
/// (B, C) the softmax. f32 or f64, any device.
std::vector<std::vector<double>> probabilities(const Tensor& outputs);
/// The class of a row of probabilities: the largest, or whether P(class 1) is above the threshold.
int64_t class_of(const std::vector<double>& probabilities, double threshold = 0.5);

struct ClassMeasures {
  double precision = 0, recall = 0, f1 = 0;
  int64_t support = 0;  ///< samples of the class; 1 at least for a mean over classes to have weight
};

/// confusion[actual][predicted].
using Confusion = std::vector<std::vector<int64_t>>;
/// Precision, recall and F1 of one class against the others; 0 where a denominator is 0.
ClassMeasures measures_of(const Confusion& confusion, int64_t positive);
/// The mean over classes, each weighing the same.
ClassMeasures macro_mean(const Confusion& confusion);
/// The mean over classes, each weighing as many samples as it has.
ClassMeasures weighted_mean(const Confusion& confusion);

/// Everything about an evaluated split.
struct Evaluation {
  int64_t samples = 0;
  double loss = 0, accuracy = 0;
  Confusion confusion;
  ClassMeasures positive, macro, weighted;                          ///< positive: two classes only
  double roc_auc = 0, average_precision = 0, equal_error_rate = 0;  ///< two classes only
  bool two_classes() const { return confusion.size() == 2; }
};

/// Gathers batches and evaluates them.
class Evaluator {
 public:
  /// `positive` is the class that precision, recall and the ranking are about, of two;
  /// `class_weights` are those of the loss.
  Evaluator(int64_t classes, int64_t positive = 1, std::vector<double> class_weights = {})
      : classes_(classes), positive_(positive), class_weights_(std::move(class_weights)) {}
  void add(double batch_loss, const Tensor& outputs, const Tensor& labels);
  /// A sample by its class probabilities, without a loss.
  void add(std::vector<double> row, int64_t label);
  Evaluation result(double threshold = 0.5) const;
  /// Of each sample: its probabilities, and its class.
  const std::vector<std::vector<double>>& rows() const { return rows_; }
  const std::vector<int64_t>& labels() const { return labels_; }
  /// P(class 1) of each sample, and whether it is one: for thresholds. Two classes only.
  std::vector<double> scores() const;
  std::vector<bool> ones() const;
  /// What the ranking is of: a score that rises with P(positive), and whether a sample is positive.
  std::pair<std::vector<double>, std::vector<bool>> ranked() const;
  int64_t classes() const { return classes_; }
  int64_t positive() const { return positive_; }

 private:
  int64_t classes_, positive_;
  std::vector<double> class_weights_;
  double loss_ = 0, weight_ = 0;
  std::vector<std::vector<double>> rows_;
  std::vector<int64_t> labels_;
};

}  // namespace lathe
