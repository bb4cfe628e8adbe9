#include "tensor/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "tensor/parallel.h"

namespace lathe {
namespace {

/// Random fills happen at initialisation only: they are computed on the CPU, in f64, and copied
/// where they belong.
template <class Value>
void fill_random(Tensor& x, const Value& value) {
  Tensor host = x.device() == Device::cpu ? x : Tensor::empty(x.shape(), x.dtype());
  dispatch_floating("random fill", x.dtype(), [&]<class T>() {
    T* elements = host.data<T>();
    parallel_for(0, host.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) elements[i] = T(acc_t<T>(value(uint64_t(i))));
    });
  });
  if (x.device() != Device::cpu) copy_(x, host);
}

}  // namespace

double RandomStream::normal(uint64_t i) const {
  const double radius = std::sqrt(-2 * std::log1p(-uniform53(2 * i)));  // 1 - u is never 0
  return radius * std::cos(2 * std::numbers::pi * uniform53(2 * i + 1));
}

void uniform_(Tensor& x, double low, double high, const RandomStream& random) {
  fill_random(x, [&](uint64_t i) { return low + (high - low) * random.uniform53(i); });
}

void normal_(Tensor& x, double mean, double deviation, const RandomStream& random) {
  fill_random(x, [&](uint64_t i) { return mean + deviation * random.normal(i); });
}

void shuffle_in_place(std::span<int64_t> values, const RandomStream& random) {
  for (size_t i = values.size(); i-- > 1;) std::swap(values[i], values[random.below(i, i + 1)]);
}

std::vector<int64_t> permutation(int64_t count, const RandomStream& random) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  shuffle_in_place(order, random);
  return order;
}

}  // namespace lathe
