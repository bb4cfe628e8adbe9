// Softmax and its logarithm over the last dimension.
#pragma once

#include "layers/module.h"

namespace lathe {

/// exp(x) over its sum along the last dimension; x (…, C), at least one dimension.
Tensor softmax(const Tensor& x);
/// log(softmax(x)), without the loss of small probabilities.
Tensor log_softmax(const Tensor& x);

/// softmax() as a module; torch.nn.Softmax(dim=-1).
class Softmax final : public Module {
 public:
  Tensor forward(const Tensor& x) override { return softmax(x); }
  void visit(Visitor&) override {}
  std::string kind() const override { return "Softmax"; }
  std::string details() const override { return "dim=-1"; }
};

/// log_softmax() as a module; torch.nn.LogSoftmax(dim=-1).
class LogSoftmax final : public Module {
 public:
  Tensor forward(const Tensor& x) override { return log_softmax(x); }
  void visit(Visitor&) override {}
  std::string kind() const override { return "LogSoftmax"; }
  std::string details() const override { return "dim=-1"; }
};

}  // namespace lathe
