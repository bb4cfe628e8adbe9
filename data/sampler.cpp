#include "data/sampler.h"

#include <numeric>
#include <utility>

#include "tensor/random.h"

namespace lathe {

Sampler::Sampler(std::vector<std::vector<int64_t>> classes, uint64_t seed)
    : size_(0), seed_(seed), shuffle_(true) {
  for (std::vector<int64_t>& members : classes) {
    size_ += int64_t(members.size());
    if (!members.empty()) classes_.push_back(std::move(members));
  }
}

void Sampler::order(uint32_t epoch, std::vector<int64_t>& order) const {
  order.resize(size_t(size_));
  std::iota(order.begin(), order.end(), 0);
  if (shuffle_) shuffle_in_place(order, RandomStream(seed_, Purpose::shuffle, epoch));
  if (classes_.empty()) return;
  // Each place of the shuffled order belongs to a class in turn. A class fills its places with its
  // samples in a shuffled order, and again in the same when it has no more.
  const std::vector<int64_t> places = order;
  for (size_t c = 0; c < classes_.size(); ++c) {
    std::vector<int64_t> members = classes_[c];
    shuffle_in_place(members, RandomStream(seed_, Purpose::shuffle, epoch, uint32_t(c + 1)));
    for (size_t turn = 0, i = c; i < places.size(); ++turn, i += classes_.size())
      order[size_t(places[i])] = members[turn % members.size()];
  }
}

}  // namespace lathe
