#include "optim/arena.h"

namespace lathe {

ParameterArena::ParameterArena(const std::vector<NamedTensor>& parameters) {
  int64_t total = 0;
  for (const NamedTensor& p : parameters) {
    if (!p.tensor.requires_grad()) continue;
    if (!slices_.empty()) {
      const Tensor& first = slices_[0].parameter;
      LATHE_CHECK(p.tensor.dtype() == first.dtype() && p.tensor.device() == first.device(),
                  "arena: expects all parameters ", first.dtype(), " on ", first.device(), ", but ",
                  p.name, " is ", p.tensor.dtype(), " on ", p.tensor.device());
    }
    slices_.push_back({p.name, p.tensor, total, total + p.tensor.numel(), p.layout});
    const int64_t unit = 64 / size_of(p.tensor.dtype());
    total = (slices_.back().end + unit - 1) / unit * unit;
  }
  LATHE_CHECK(!slices_.empty(), "arena: the model has no parameter that requires a gradient");
  const Tensor& first = slices_[0].parameter;
  values_ = Tensor::zeros({total}, first.dtype(), first.device());
  grads_ = Tensor::empty({total}, first.dtype(), first.device());
  for (size_t i = 0; i < slices_.size(); ++i) {
    Slice& slice = slices_[i];
    Tensor values = part(values_, slice);
    copy_(values, slice.parameter);
    slice.parameter.rebind(values);
    slice.parameter.bind_grad(part(grads_, slice));
    // The gaps between slices stay zero, so that a pass over the whole array may include them.
    Tensor gap = grads_.slice(slice.end, i + 1 < slices_.size() ? slices_[i + 1].begin : total);
    if (gap.numel() > 0) fill_(gap, 0);
  }
}

Tensor ParameterArena::part(const Tensor& flat, const Slice& slice) {
  return flat.slice(slice.begin, slice.end).reshape(slice.parameter.shape());
}

}  // namespace lathe
