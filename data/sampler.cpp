#include "data/sampler.h"

#include <numeric>

#include "tensor/random.h"

namespace lathe {

void Sampler::order(uint32_t epoch, std::vector<int64_t>& order) const {
  order.resize(size_t(size_));
  std::iota(order.begin(), order.end(), 0);
  if (shuffle_) shuffle_in_place(order, RandomStream(seed_, Purpose::shuffle, epoch));
}

}  // namespace lathe
