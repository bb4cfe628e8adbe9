// The samples of an evaluated split taken together: by what Dataset::group() says, by the folder
// that Dataset::source() is in.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "train/metrics.h"

namespace lathe {

/// One row for each group, the mean of its members' probabilities; a group whose members are of
/// several classes counts once for each of them, a sample that names no group is one by itself.
/// `samples` are those of `data` in its order. Empty where the data have no groups.
Evaluator by_group(const Evaluator& samples, const Dataset& data);

/// The samples of each folder, in alphabetical order. Empty unless the data are files of several.
std::vector<std::pair<std::string, Evaluator>> by_folder(const Evaluator& samples,
                                                         const Dataset& data);

/// The mean of the positive class's probability, of two classes.
double mean_score(const Evaluator& samples);

}  // namespace lathe
