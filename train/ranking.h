// How well scores rank samples of two classes: ROC-AUC, average precision, EER, and the curves that
// they are read off. Formulas and conventions are scikit-learn's; the tests compare with it.
#pragma once

#include <vector>

namespace lathe {

/// The share of (positive, negative) pairs in which the positive scores higher, ties counting half.
/// NaN unless both classes occur. A NaN score ranks lowest.
double roc_auc(const std::vector<double>& scores, const std::vector<bool>& positive);
/// Sum over thresholds of precision times the step in recall. NaN without positives.
double average_precision(const std::vector<double>& scores, const std::vector<bool>& positive);
/// Where the false positive rate equals the false negative rate on the ROC curve, interpolated
/// linearly between its points. NaN unless both classes occur.
double equal_error_rate(const std::vector<double>& scores, const std::vector<bool>& positive);
/// The threshold of best accuracy, above which a score is positive: 0.5, or half-way between
/// neighbouring scores, or below or above them all; the nearest to 0.5 of equally good ones. A NaN
/// score is above no threshold.
double best_threshold(const std::vector<double>& scores, const std::vector<bool>& positive);

/// What it comes to when scores from `threshold` up are called positive.
struct CurvePoint {
  double threshold, false_positive_rate, true_positive_rate, precision;
};
/// The ROC and the precision-recall curve (recall is the true positive rate): no score called
/// positive (the threshold infinity, precision 1), then a point for each distinct score, from the
/// highest down; of points nearer to each other than 1/2000 in both rates, the last. The rate of a
/// class that does not occur is NaN.
std::vector<CurvePoint> ranking_curve(const std::vector<double>& scores,
                                      const std::vector<bool>& positive);

}  // namespace lathe
