#include "tensor/plan.h"

namespace lathe {

/// Handles to the pool's own memory must not keep it from being reused while recording, so they
/// become plain views; the pool keeps that memory for as long as the plan lives. All other tensors
/// are kept alive by the call.
void Plan::record(std::unique_ptr<KernelCall> call) {
  call->for_each_tensor([this](Tensor& x) {
    if (!x || x.storage()->pool() != pool_.id()) return;
    auto view = std::make_shared<Storage>(x.raw(), x.bytes(), x.device(), nullptr);
    x = Tensor::view(std::move(view), 0, x.shape(), x.dtype());
  });
  calls_.push_back(std::move(call));
}

}  // namespace lathe
