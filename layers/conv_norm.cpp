#include "layers/conv_norm.h"

#include <cmath>

#include "tensor/plan.h"
#include "tensor/tape.h"

namespace lathe {

Tensor conv_norm(Conv2d& conv, BatchNorm2d& norm, const Tensor& x, kernels::Nonlinearity f,
                 const Tensor& residual) {
  if (!conv.weights_are_constant() || Tape::current()) return norm.forward(conv(x), f, residual);
  const ErrorScope scope(conv.path());
  return conv.constant_forward(x, f, residual,
                               [&] { return fold_batch_norm(conv.weight, conv.bias, norm); });
}

ConstantWeights fold_batch_norm(const Tensor& weight, const Tensor& bias, const BatchNorm2d& norm) {
  const int64_t filters = norm.channels();
  LATHE_CHECK(weight.rank() >= 2 && weight.dim(0) == filters,
              "fold_batch_norm: expects a weight of ", filters, " filters, got ", weight.shape());
  LATHE_CHECK(!bias || bias.numel() == filters, "fold_batch_norm: expects a bias (", filters,
              ",), got ", bias.shape());
  auto w = weight.to_vector<double>();
  auto b = bias ? bias.to_vector<double>() : std::vector<double>(size_t(filters));
  const auto gamma = norm.weight.to_vector<double>(), beta = norm.bias.to_vector<double>(),
             mean = norm.running.mean.to_vector<double>(),
             var = norm.running.var.to_vector<double>();
  const size_t taps = w.size() / size_t(filters);
  for (size_t o = 0; o < size_t(filters); ++o) {
    const double scale = gamma[o] / std::sqrt(var[o] + norm.options().eps);
    for (size_t i = 0; i < taps; ++i) w[o * taps + i] *= scale;
    b[o] = (b[o] - mean[o]) * scale + beta[o];
  }
  const auto like_weight = [&](const std::vector<double>& values, const Shape& shape) {
    return Tensor::from(values, shape).to(weight.dtype()).to(weight.device());
  };
  return {like_weight(w, weight.shape()), like_weight(b, {filters})};
}

}  // namespace lathe
