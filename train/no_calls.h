// Code run for its shapes alone: no kernel does anything.
#pragma once

#include "tensor/kernel.h"

namespace lathe {

/// Drops the kernel calls made on this thread while it lives.
class NoCalls final : public CallRecorder {
 public:
  NoCalls() : outer_(current) { current = this; }
  ~NoCalls() override { current = outer_; }
  void record(std::unique_ptr<KernelCall>) override {}

 private:
  CallRecorder* outer_;
};

}  // namespace lathe
