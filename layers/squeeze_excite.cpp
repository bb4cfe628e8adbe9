#include "layers/squeeze_excite.h"

#include <cmath>

#include "layers/channels.h"
#include "layers/flatten.h"
#include "layers/pool2d.h"

namespace lathe {

SqueezeExcite::SqueezeExcite(int64_t channels, int64_t reduced)
    : conv_reduce({.in_channels = channels,
                   .out_channels = reduced,
                   .init_deviation = std::sqrt(2 / double(reduced))}),
      conv_expand({.in_channels = reduced,
                   .out_channels = channels,
                   .init_deviation = std::sqrt(2 / double(channels))}) {
  for (Tensor* bias : {&conv_reduce.bias, &conv_expand.bias})
    *bias = Tensor::zeros(bias->shape()).requires_grad_();
}

Tensor SqueezeExcite::forward(const Tensor& x) {
  const Tensor means = adaptive_avg_pool2d(x, 1);
  const Tensor factors = gate(conv_expand(act1(conv_reduce(means))));
  return scale_channels(x, reshape(factors, {x.dim(0), x.dim(3)}));
}

void SqueezeExcite::visit(Visitor& visitor) {
  visitor.child("conv_reduce", conv_reduce);
  visitor.child("act1", act1);
  visitor.child("conv_expand", conv_expand);
  visitor.child("gate", gate);
}

}  // namespace lathe
