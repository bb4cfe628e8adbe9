// The calls that `lathe kernels OP --profile` counts: every kernel with CUDA rows, at shapes of a
// small network and where its rungs differ. A test insists that each such row takes one of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/kernel.h"

namespace lathe::apps {

struct Sample {
  const KernelBase* kernel;
  std::string arguments;  ///< "64x256 f32"
  /// The call, by the row that is forced (ForceVariant) or fits best. Throws Error(usage) where a
  /// forced row declines the arguments. May be bound and run many times.
  std::function<std::unique_ptr<KernelCall>()> bind;
};

/// All samples; their tensors are on Device::cuda.
std::vector<Sample> profile_samples();

}  // namespace lathe::apps
