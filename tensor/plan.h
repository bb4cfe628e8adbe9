// A recorded step. The first time, a training step runs op by op and the plan keeps its kernel
// calls, each with its row chosen and its tensors bound; afterwards replay() runs the same calls:
// no tape, no allocation, no look-up. Everything that touches elements must be a kernel call on
// tensors that live as long as the plan, or were allocated while recording; what changes from step
// to step (the batch, the learning rate) is written into such tensors.
#pragma once

#include <memory>
#include <vector>

#include "tensor/allocator.h"
#include "tensor/kernel.h"

namespace lathe {

class Plan final : private CallRecorder {
 public:
  /// Runs the step once, recording it. Tensors allocated meanwhile belong to the plan's pool, and
  /// their memory is reused within the plan as it was during this run.
  template <class Step>
  void record_step(const Step& step) {
    const Recording recording(*this);
    step();
  }
  bool empty() const { return calls_.empty(); }
  void replay() const {
    for (const auto& call : calls_) call->run();
  }
  /// The calls in order, for passes that fuse some of them.
  std::vector<std::unique_ptr<KernelCall>>& calls() { return calls_; }
  const std::vector<std::unique_ptr<KernelCall>>& calls() const { return calls_; }

 private:
  class Recording {
   public:
    explicit Recording(Plan& plan) : scope_(plan.pool_), outer_(current) { current = &plan; }
    ~Recording() { current = outer_; }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

   private:
    MemoryPool::Scope scope_;
    CallRecorder* outer_;
  };

  void record(std::unique_ptr<KernelCall> call) override;

  MemoryPool pool_;  // outlives the calls
  std::vector<std::unique_ptr<KernelCall>> calls_;
};

}  // namespace lathe
