#include "layers/conv_norm.h"

#include <cmath>

#include "tensor/parallel.h"
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
  auto b = bias ? bias.to_vector<double>() : std::vector<double>(size_t(filters));
  const auto gamma = norm.weight.to_vector<double>(), beta = norm.bias.to_vector<double>(),
             mean = norm.running.mean.to_vector<double>(),
             var = norm.running.var.to_vector<double>();
  std::vector<double> scale(b.size());
  for (size_t o = 0; o < b.size(); ++o) {
    scale[o] = gamma[o] / std::sqrt(var[o] + norm.options().eps);
    b[o] = (b[o] - mean[o]) * scale[o] + beta[o];
  }
  const Tensor from = weight.to(Device::cpu);
  Tensor w = Tensor::empty(weight.shape(), weight.dtype());
  const int64_t taps = weight.numel() / filters;
  dispatch_floating("fold_batch_norm", weight.dtype(), [&]<class T>() {
    const T* const in = from.data<T>();
    T* const out = w.data<T>();
    parallel_for(0, filters, 1 + 16384 / (taps + 1), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        for (int64_t i = o * taps; i < (o + 1) * taps; ++i)
          out[i] = T(acc_t<T>(double(acc_t<T>(in[i])) * scale[size_t(o)]));
    });
  });
  return {w.to(weight.device()), Tensor::from(b, {filters}).to(weight.dtype()).to(weight.device())};
}

}  // namespace lathe
