// Convolutions as lines of text, the graphs that a model makes of each, and cuDNN's answers. Only
// in builds with cuDNN.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "kernels/conv2d_cudnn.h"

namespace lathe::apps {

/// A layer of a model. As text: model, how many layers have this shape, x (N, H, W, C), w
/// (O, R, S, C / groups), strides, padding (top, bottom, left, right), dilations, groups,
/// activation.
struct ListedConvolution {
  std::string model;
  int count = 1;
  kernels::cudnn::Convolution convolution;  ///< the plain forward
  kernels::Nonlinearity f = kernels::Nonlinearity::none;
};

/// Throws Error(data) for a line that is none.
std::vector<ListedConvolution> read_convolutions(std::istream& text);
/// A dozen layers of known models, where convolutions differ.
std::vector<ListedConvolution> typical_convolutions();

/// What is asked of cuDNN for a layer: the three kernels; and for inference, with the batch norm
/// folded, the forward with bias and activation, and with the residual too.
constexpr int uses = 5;
/// "forward", "backward_input", "backward_weight", "forward+bias+relu", …
std::string use_name(const ListedConvolution& layer, int use);
kernels::cudnn::Convolution use_of(const ListedConvolution& layer, int use, DType dtype);
/// "x 32x56x56x64 w 64x3x3x64 stride 1 pad 1 groups 1", what is usual left out.
std::string shape_text(const kernels::cudnn::Convolution& convolution);

struct Answer {
  int64_t engine = 0, workspace_bytes = 0;
  std::string declined;  ///< why; empty when there is a plan
};
Answer ask(const kernels::cudnn::Convolution& convolution,
           const kernels::cudnn::DeviceProperties& device);

/// cuDNN compiles most fusions when a plan is made, for which it wants a driver. Where there is
/// none, loads the one of this build that sees no device, under the driver's name, and says so;
/// empty where there is a driver. To be called before anything of cuDNN.
std::string use_stand_in_driver();

}  // namespace lathe::apps
