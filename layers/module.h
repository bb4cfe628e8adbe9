// A module owns parameters, buffers and other modules, and computes with them. It shows them
// through one function, visit(); counting, moving, freezing, saving, loading and printing are all
// visitors. Names are PyTorch's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layers/layout.h"
#include "tensor/tensor.h"

namespace lathe {

class Module;

/// What visit() shows a module's parts to.
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// A tensor that training changes; an absent one (no bias) is not shown.
  virtual void parameter(const std::string& name, Tensor& tensor,
                         Layout layout = Layout::plain) = 0;
  /// A tensor that is saved but not trained (running statistics).
  virtual void buffer(const std::string& name, Tensor& tensor) = 0;
  virtual void child(const std::string& name, Module& module) = 0;
};

struct NamedTensor {
  std::string name;               ///< "layer1.0.conv1.weight"
  Tensor tensor;                  ///< the module's own handle
  Layout layout = Layout::plain;  ///< how the tensor differs from what files have
};

/// What load_state_dict found; all lists hold names (mismatched: with both shapes).
struct LoadReport {
  std::vector<std::string> missing, unexpected, mismatched;
  bool fits() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  std::string text() const;  ///< a line a list, for messages
};

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// The module's result; shapes are told by each module.
  virtual Tensor forward(const Tensor& x) = 0;
  /// forward(), with errors inside it beginning with this module's path.
  Tensor operator()(const Tensor& x) const;
  virtual void visit(Visitor& visitor) = 0;
  /// "Linear", and what stands in its parentheses when printed: "in_features=4, out_features=2,
  /// bias=True".
  virtual std::string kind() const = 0;
  virtual std::string details() const { return ""; }
  /// Whether this is one of a model's blocks, the parts that recompute when memory is short
  /// (layers/recompute.h): what forward changes beside running statistics must not count.
  virtual bool is_block() const { return false; }
  /// What a second classifier gave in the last forward in training mode, for its share of the loss
  /// (train/step.h); absent in all but a few models. Hands it over: the next call has nothing.
  virtual Tensor take_auxiliary_outputs() { return {}; }

  std::vector<NamedTensor> named_parameters();
  std::vector<NamedTensor> named_buffers();
  /// Parameters and buffers in the order of PyTorch's state_dict.
  std::vector<NamedTensor> state_dict();
  /// Copies tensors into the module by name, converting the type and, where a tensor has the layout
  /// of files (Layout::plain) and the module's has not, the layout. With strict, anything missing,
  /// unexpected or of another shape throws Error(data) listing all of them, and nothing is copied;
  /// without, what fits is copied. A num_batches_tracked that is not given stays as it is, as in
  /// PyTorch, whose older files lack them. Returns what was found.
  LoadReport load_state_dict(const std::vector<NamedTensor>& tensors, bool strict = true);
  int64_t parameter_count();

  Module& train(bool on = true);
  Module& eval() { return train(false); }
  /// From now on train() leaves this module in evaluation: a batch norm that is frozen.
  void stay_in_evaluation() {
    never_trains_ = true;
    training_ = false;
  }
  bool training() const { return training_; }
  /// From now on a tape keeps only this module's input (layers/recompute.h).
  void recompute() { recomputes_ = true; }
  /// Evaluation with weights that nothing will change any more: layers may derive others from them
  /// at their first forward and keep those (layers/conv_norm.h). train() and eval() end it;
  /// load_state_dict() and to() too, leaving the model in evaluation.
  Module& inference();
  /// Not 0 after inference(): a number that no earlier call of it gave.
  uint64_t weights_are_constant() const { return constant_since_; }
  Module& to(Device device);
  Module& to(DType dtype);
  void zero_grad();
  /// "fc1" or "layer3.4.conv2" once name_paths() of the root was called; empty before.
  const std::string& path() const { return path_; }
  /// Gives every module below this one its path, for error messages.
  void name_paths();
  /// The tree as PyTorch prints it.
  std::string print();

 private:
  void end_inference();

  std::string path_;
  bool training_ = true, never_trains_ = false, recomputes_ = false;
  uint64_t constant_since_ = 0;
};

/// Calls f(path, module) for a module (path "") and all below it, parents first, in the order of
/// visit().
void for_each_module(Module& root,
                     const std::function<void(const std::string& path, Module& module)>& f);

}  // namespace lathe
