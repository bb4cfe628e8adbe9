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

Device Plan::device() const {
  Device device = Device::cpu;
  if (!calls_.empty())
    calls_[0]->for_each_tensor([&](Tensor& x) {
      if (x) device = x.device();
    });
  return device;
}

void Plan::replay() {
  if (graph_) return graph_->launch();
  // Scratch that a graph will use again is nobody else's, and least of all freed memory of the
  // plan's pool, which the calls still use. A capture cannot ask the system for memory: it finds in
  // this pool what the first replay took.
  const MemoryPool::Scope scope(scratch_);
  if (replays_++ == 0 || !device_api(device()).capture) return run_calls();
  graph_ = device_api(device()).capture([this] { run_calls(); });
  graph_->launch();
}

}  // namespace lathe
