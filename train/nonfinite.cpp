#include "train/nonfinite.h"

#include <cmath>
#include <utility>

#include "tensor/check.h"
#include "tensor/kernel.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

/// "nan" or "inf" when an element is; empty otherwise.
std::string nonfinite_in(const Tensor& x) {
  if (!x || !is_floating(x.dtype())) return "";
  bool inf = false;
  for (double value : x.to_vector<double>()) {
    if (std::isnan(value)) return "nan";
    inf |= std::isinf(value);
  }
  return inf ? "inf" : "";
}

/// Runs each kernel call and looks at its result, which by convention is the first tensor.
class Finder final : public CallRecorder {
 public:
  Finder() : outer_(current) { current = this; }
  ~Finder() override { current = outer_; }

  void record(std::unique_ptr<KernelCall> call) override {
    CallRecorder* const self = std::exchange(current, nullptr);  // looking makes calls too
    call->run();
    if (found_.empty()) look(*call);
    current = self;
  }
  const std::string& found() const { return found_; }

 private:
  void look(KernelCall& call) {
    bool first = true;
    call.for_each_tensor([&](Tensor& x) {
      if (!std::exchange(first, false)) return;
      const std::string kind = nonfinite_in(x);
      if (kind.empty()) return;
      std::string layer = ErrorScope::prefix();  // "fc1: "
      layer = layer.empty() ? "the loss" : layer.substr(0, layer.find(": "));
      found_ = concat("the first ", kind, " is in ", layer, " (", call.kernel->name(), ", row ",
                      call.variant, ")");
    });
  }
  CallRecorder* outer_;
  std::string found_;
};

}  // namespace

std::string find_nonfinite(Module& model, const LossFunction& loss, const Tensor& inputs,
                           const Tensor& labels) {
  if (const std::string kind = nonfinite_in(inputs); !kind.empty())
    return "the batch itself holds " + kind;
  for (const NamedTensor& parameter : model.named_parameters())
    if (const std::string kind = nonfinite_in(parameter.tensor); !kind.empty())
      return concat("the parameter ", parameter.name, " is ", kind, " already");
  const Finder finder;
  Tape tape;
  tape.backward(loss(model(inputs), labels));
  return finder.found().empty() ? "all of it is finite when run kernel by kernel" : finder.found();
}

}  // namespace lathe
