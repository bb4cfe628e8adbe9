#include "layers/init.h"

#include <cmath>

#include "layers/random_state.h"
#include "tensor/random.h"

namespace lathe {
namespace {

thread_local int without_values = 0;

/// Calls fill(stream) with the next stream of this thread, which is taken in any case.
template <class Fill>
void draw(const Fill& fill) {
  const RandomStream stream(random_seed(), Purpose::initialise, 0, next_random_index());
  if (without_values == 0) fill(stream);
}

}  // namespace

void init_uniform_(Tensor& x, double bound) {
  draw([&](const RandomStream& stream) { uniform_(x, -bound, bound, stream); });
}

void init_normal_(Tensor& x, double deviation) {
  draw([&](const RandomStream& stream) { normal_(x, 0, deviation, stream); });
}

void kaiming_uniform_(Tensor& weight, int64_t fan_in, double a) {
  init_uniform_(weight, std::sqrt(6 / ((1 + a * a) * double(fan_in))));
}

NoInitialValues::NoInitialValues() { ++without_values; }
NoInitialValues::~NoInitialValues() { --without_values; }

}  // namespace lathe
