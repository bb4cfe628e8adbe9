// Samples to parts: train, valid, test. Groups (a person, a source video) stay whole, so that none
// is seen in training and asked for in the test; classes keep their shares in each part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lathe {

/// The part, 0 to ratios.size() - 1, of each sample. `labels` count from 0; samples with the same
/// group come into the same part, one with the group "" is a group of its own, named by `names`.
/// Groups are brought into an order that the seed decides (not the order of the samples), the
/// larger ones first, and each is given to the part that lacks its classes most; with groups of one
/// sample a class's counts are then its shares, rounded. No part with a ratio above 0 stays empty.
/// Throws Error(usage) for ratios that are negative or whose sum is not 1, Error(data) for less
/// than two classes and for fewer groups than parts.
std::vector<int> split_samples(const std::vector<int64_t>& labels,
                               const std::vector<std::string>& groups,
                               const std::vector<std::string>& names,
                               const std::vector<double>& ratios, uint64_t seed);

}  // namespace lathe
