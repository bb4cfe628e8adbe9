#include "layers/init.h"

#include <cmath>

namespace lathe {

RandomStream next_init_stream() {
  return RandomStream(random_seed(), Purpose::initialise, 0, next_random_index());
}

void kaiming_uniform_(Tensor& weight, int64_t fan_in, double a) {
  const double bound = std::sqrt(6 / ((1 + a * a) * double(fan_in)));
  uniform_(weight, -bound, bound, next_init_stream());
}

void kaiming_normal_(Tensor& weight, int64_t fan) {
  normal_(weight, 0, std::sqrt(2 / double(fan)), next_init_stream());
}

}  // namespace lathe
