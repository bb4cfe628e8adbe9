#include "layers/init.h"

#include <cmath>

namespace lathe {
namespace {
thread_local uint64_t seed = 0;
thread_local uint32_t next_index = 0;
}  // namespace

void manual_seed(uint64_t new_seed) {
  seed = new_seed;
  next_index = 0;
}

RandomStream next_init_stream() { return RandomStream(seed, Purpose::initialise, 0, next_index++); }

void kaiming_uniform_(Tensor& weight, int64_t fan_in, double a) {
  const double bound = std::sqrt(6 / ((1 + a * a) * double(fan_in)));
  uniform_(weight, -bound, bound, next_init_stream());
}

}  // namespace lathe
