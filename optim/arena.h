// All trainable parameters in one flat piece of memory, their gradients in another. An optimiser's
// update is then one pass over flat arrays, whatever the model; each parameter and gradient stays
// usable as a tensor, a slice of the whole.
#pragma once

#include <vector>

#include "layers/module.h"

namespace lathe {

class ParameterArena {
 public:
  /// Where a parameter lies in the flat arrays, in elements.
  struct Slice {
    std::string name;
    Tensor parameter;
    int64_t begin, end;
    Layout layout = Layout::plain;
    int group = 0;
  };

  /// Moves the parameters that require a gradient into flat memory, in order, each at a multiple of
  /// 64 bytes. They must be of one dtype and on one device. `groups` has the number of each
  /// parameter's group, 0 and up; those of a group then lie together, in order of the groups.
  /// Empty: all are of group 0.
  explicit ParameterArena(const std::vector<NamedTensor>& parameters,
                          const std::vector<int>& groups = {});

  const std::vector<Slice>& slices() const { return slices_; }
  const Tensor& values() const { return values_; }
  const Tensor& grads() const { return grads_; }
  int64_t numel() const { return values_.numel(); }
  /// A flat array of zeros as long as the parameters: an optimiser's state.
  Tensor make_state() const { return zeros_like(values_); }
  /// The part of a flat array (values, gradients or state) that belongs to a slice, in the
  /// parameter's shape.
  static Tensor part(const Tensor& flat, const Slice& slice);

 private:
  std::vector<Slice> slices_;
  Tensor values_, grads_;
};

}  // namespace lathe
