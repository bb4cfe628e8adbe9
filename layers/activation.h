// Activations: the differentiable functions, and modules that print as PyTorch's do. All take any
// shape of f32, f64, bf16 or f16 and give the same shape; formulas and sources are in
// kernels/elementwise.h.
#pragma once

#include "layers/module.h"

namespace lathe {

/// PyTorch's `approximate` of GELU: 'none' or 'tanh'.
enum class GeluForm { exact, tanh };

Tensor relu(const Tensor& x);
Tensor relu6(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
Tensor hardswish(const Tensor& x);
Tensor gelu(const Tensor& x, GeluForm form = GeluForm::exact);

/// A module without tensors.
class Activation : public Module {
 public:
  void visit(Visitor&) override {}
};

class ReLU final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return relu(x); }
  std::string kind() const override { return "ReLU"; }
};

class ReLU6 final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return relu6(x); }
  std::string kind() const override { return "ReLU6"; }
};

class LeakyReLU final : public Activation {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  Tensor forward(const Tensor& x) override { return leaky_relu(x, negative_slope_); }
  std::string kind() const override { return "LeakyReLU"; }
  std::string details() const override;

 private:
  double negative_slope_;
};

class Sigmoid final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return sigmoid(x); }
  std::string kind() const override { return "Sigmoid"; }
};

class Tanh final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return tanh(x); }
  std::string kind() const override { return "Tanh"; }
};

class SiLU final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return silu(x); }
  std::string kind() const override { return "SiLU"; }
};

class Hardsigmoid final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return hardsigmoid(x); }
  std::string kind() const override { return "Hardsigmoid"; }
};

class Hardswish final : public Activation {
 public:
  Tensor forward(const Tensor& x) override { return hardswish(x); }
  std::string kind() const override { return "Hardswish"; }
};

class GELU final : public Activation {
 public:
  explicit GELU(GeluForm form = GeluForm::exact) : form_(form) {}
  Tensor forward(const Tensor& x) override { return gelu(x, form_); }
  std::string kind() const override { return "GELU"; }
  std::string details() const override {
    return form_ == GeluForm::exact ? "approximate='none'" : "approximate='tanh'";
  }

 private:
  GeluForm form_;
};

}  // namespace lathe
