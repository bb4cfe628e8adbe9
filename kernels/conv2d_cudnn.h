// A convolution as a graph of cuDNN, and what a described GPU would do with it.
#pragma once

#include "kernels/cudnn_graph.h"

namespace lathe::kernels::cudnn {

/// What a plan is made for.
struct Convolution {
  Direction direction = Direction::forward;
  DType dtype = DType::f32;
  Extents x, w, y;  ///< (N, H, W, C), (O, R, S, C / groups), (N, P, Q, O)
  Conv2dShape shape;
  bool bias = false, residual = false;
  Nonlinearity f = Nonlinearity::none;
  bool tf32 = false;
  friend bool operator==(const Convolution&, const Convolution&) = default;
};

/// The tensors' numbers in the graph.
enum Operand : uint8_t { image, weight, result, bias_vector, residual_image, operands };

/// f(convolution + residual + bias) or a gradient; throws Declined.
Graph graph_of(const Convolution& convolution);

/// The plans for a convolution, best first, at most `most`; throws Declined.
std::vector<Plan> plans(const Convolution& convolution, const DeviceProperties& device, int most);

/// True with LATHE_TF32=1: convolutions in f32 may round their operands to TF32.
bool tf32_allowed();

/// "h100", "h200" or "a100" as cuDNN wants a GPU described; throws Error(usage) for others. Figures
/// of the published specifications.
std::string device_json(const std::string& gpu);

}  // namespace lathe::kernels::cudnn
