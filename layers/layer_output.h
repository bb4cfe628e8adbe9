// What a layer inside a model gives for an input, for those who want features instead of logits.
#pragma once

#include <string>

#include "layers/module.h"

namespace lathe {

/// The output of the module at a path ("layer3"), or with ".input" behind it what the module is
/// given ("fc.input": the pooled features), for x. The forward ends there. The model's paths must
/// be named (create_model does). Throws Error(usage) for a path that is none, and for a module that
/// the model does not call as a step of its own, such as a convolution fused with its batch norm.
Tensor layer_output(Module& model, const std::string& layer, const Tensor& x);

namespace detail {
/// What layer_output() waits for on this thread; null at all other times.
struct LayerTap;
extern thread_local LayerTap* layer_tap;
/// A module's forward while somebody waits.
Tensor tapped_forward(Module& module, const Tensor& x);
}  // namespace detail

}  // namespace lathe
