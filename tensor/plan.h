// A recorded step. The step's code runs once without running its kernels: each call is kept with
// its row chosen and its tensors bound. replay() then runs these calls: no tape, no allocation, no
// look-up. Everything that touches elements must be a kernel call on tensors that live as long as
// the plan, or were allocated while tracing; what changes from step to step (the batch, the
// learning rate) is written into such tensors.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tensor/allocator.h"
#include "tensor/kernel.h"

namespace lathe {

class Plan final : private CallRecorder {
 public:
  /// Runs the step's code, keeping its kernel calls instead of running them. Tensors allocated
  /// meanwhile belong to the plan's pool; memory freed and taken again is shared at replay too.
  template <class Step>
  void trace(const Step& step) {
    const Recording recording(*this);
    step();
  }
  bool empty() const { return calls_.empty(); }
  /// Runs the calls. On a device that can, the second replay becomes a graph that later ones
  /// launch.
  void replay();
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
  void run_calls() {
    for (const auto& call : calls_) call->run();
  }
  Device device() const;

  MemoryPool pool_, scratch_;  // outlive the calls
  std::vector<std::unique_ptr<KernelCall>> calls_;
  std::unique_ptr<DeviceGraph> graph_;
  int replays_ = 0;
};

/// While alive, this thread's kernel calls run at once, and its memory belongs to no plan: for what
/// is made while a step is traced and outlives it.
class OutsidePlan {
 public:
  OutsidePlan() : outer_(std::exchange(CallRecorder::current, nullptr)) {}
  ~OutsidePlan() { CallRecorder::current = outer_; }
  OutsidePlan(const OutsidePlan&) = delete;
  OutsidePlan& operator=(const OutsidePlan&) = delete;

 private:
  MemoryPool::Scope scope_;
  CallRecorder* outer_;
};

}  // namespace lathe
