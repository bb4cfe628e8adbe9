#include "optim/arena.h"

#include <algorithm>

namespace lathe {

ParameterArena::ParameterArena(const std::vector<NamedTensor>& parameters,
                               const std::vector<int>& groups) {
  LATHE_CHECK(groups.empty() || groups.size() == parameters.size(), "arena: expects a group for ",
              parameters.size(), " parameters, got ", groups.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const NamedTensor& p = parameters[i];
    if (p.tensor.requires_grad())
      slices_.push_back({p.name, p.tensor, 0, 0, p.layout, groups.empty() ? 0 : groups[i]});
  }
  std::stable_sort(slices_.begin(), slices_.end(),
                   [](const Slice& a, const Slice& b) { return a.group < b.group; });
  int64_t total = 0;
  for (Slice& slice : slices_) {
    const Tensor &p = slice.parameter, &first = slices_[0].parameter;
    LATHE_CHECK(p.dtype() == first.dtype() && p.device() == first.device(),
                "arena: expects all parameters ", first.dtype(), " on ", first.device(), ", but ",
                slice.name, " is ", p.dtype(), " on ", p.device());
    slice.begin = total;
    slice.end = total + p.numel();
    const int64_t unit = 64 / size_of(p.dtype());
    total = (slice.end + unit - 1) / unit * unit;
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
