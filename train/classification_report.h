// The table of precision, recall and F1 by class, as scikit-learn's classification_report prints
// it.
#pragma once

#include <string>
#include <vector>

#include "train/metrics.h"

namespace lathe {

/// `names` are the classes', one a row of the matrix. The text is scikit-learn's to the byte, with
/// labels for all classes and two digits; but where no guess is right, it writes counts as "2.0".
std::string classification_report(const Confusion& confusion,
                                  const std::vector<std::string>& names);

}  // namespace lathe
