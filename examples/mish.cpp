// The reference rows and the op. With s = tanh(ln(1 + eˣ)):  y = x s,  dy/dx = s + x (1 - s²) / (1
// + e⁻ˣ).
#include "mish.h"

#include <cmath>
#include <iostream>

#include "tensor/tape.h"

namespace mish_example {
namespace {

using namespace lathe;

void forward(Tensor& y, const Tensor& x) {
  dispatch_float("mish", x.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < x.numel(); ++i) {
      const T v = x.data<T>()[i];
      y.data<T>()[i] = v * std::tanh(std::log1p(std::exp(v)));
    }
  });
}

void backward(Tensor& dx, const Tensor& dy, const Tensor& x) {
  dispatch_float("mish", x.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < x.numel(); ++i) {
      const T v = x.data<T>()[i], s = std::tanh(std::log1p(std::exp(v)));
      dx.data<T>()[i] = dy.data<T>()[i] * (s + v * (1 - s * s) / (1 + std::exp(-v)));
    }
  });
}

}  // namespace

REGISTER_KERNELS(mish_forward, cpu, reference, {"reference", forward});
REGISTER_KERNELS(mish_backward, cpu, reference, {"reference", backward});

lathe::Tensor mish(const lathe::Tensor& x) {
  Tensor y = empty_like(x);
  mish_forward(y, x);
  return record("mish", y, {x}, [x = x.detach()](const Tensor& dy, const Needs& needs) -> Grads {
    Tensor dx = needs.out(0);
    mish_backward(dx, dy, x);
    return {dx};
  });
}

}  // namespace mish_example

/// The larger magnitude; NaN stays, where std::max would drop it.
double larger(double worst, double difference) {
  return std::isnan(worst) || std::abs(difference) <= worst ? worst : std::abs(difference);
}

/// Compares the gradient with a central difference, on the CPU and, where there is CUDA, the value
/// with the CPU's.
int main() {
  using namespace lathe;
  Tensor x = Tensor::from<double>({-2, -0.5, 0, 0.7, 3}, {5});
  x.requires_grad_();
  Tape tape;
  tape.backward(mish_example::mish(x), Tensor::full({5}, 1, DType::f64));
  double worst = 0;
  for (int64_t i = 0; i < 5; ++i) {
    const double at = x.to_vector<double>()[size_t(i)], h = 1e-5;
    const auto value = [](double v) {
      return mish_example::mish(Tensor::from<double>({v}, {1})).item();
    };
    worst = larger(
        worst, x.grad().to_vector<double>()[size_t(i)] - (value(at + h) - value(at - h)) / (2 * h));
  }
  std::cout << "mish on the cpu: gradient within " << worst << " of central differences\n";
  if (!mish_example::mish_forward.rows(Device::cuda).empty() && unavailable(Device::cuda).empty()) {
    const Tensor host = x.to(DType::f32).detach();
    const auto on_device = mish_example::mish(host.to(Device::cuda)).to_vector<double>();
    const auto on_host = mish_example::mish(host).to_vector<double>();
    for (size_t i = 0; i < on_host.size(); ++i)
      worst = larger(worst, (on_device[i] - on_host[i]) * 1e-3);
    std::cout << "mish on cuda: " << device_api(Device::cuda).description() << "\n";
  }
  return worst < 1e-8 ? 0 : 1;
}
