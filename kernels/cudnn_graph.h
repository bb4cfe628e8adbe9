// cuDNN's graph interface behind a few classes: a graph of operations on images (N, H, W, C), and
// the plans that cuDNN has for it on a GPU. The GPU is that of a handle, or one described in JSON:
// then plans are chosen and compiled, not run, and no GPU is needed ("deviceless"). Nothing here is
// kept between calls. Only in builds with nvcc that found cuDNN.
#pragma once

#include <cudnn_graph.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/conv2d.h"

namespace lathe::kernels::cudnn {

/// What cuDNN answers to a graph that it does not take, in its words.
class Declined : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One of cuDNN's descriptors. Calls that it refuses throw Declined.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : raw(std::exchange(other.raw, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(raw, other.raw);
    return *this;
  }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
           const void* values);
  void set(cudnnBackendAttributeName_t name, const Descriptor& value);
  void set(cudnnBackendAttributeName_t name, int64_t value);
  void set(cudnnBackendAttributeName_t name, cudnnDataType_t value);
  void set(cudnnBackendAttributeName_t name, float value);
  void finalize();

  cudnnBackendDescriptor_t raw = nullptr;
};

/// The GPU that plans are for.
class DeviceProperties {
 public:
  explicit DeviceProperties(cudnnHandle_t handle);
  /// As cuDNN describes a GPU (kernels/cudnn_devices.h).
  explicit DeviceProperties(const std::string& json);
  const Descriptor& descriptor() const { return descriptor_; }

 private:
  Descriptor descriptor_;
};

/// Extents of an image (N, H, W, C) or a weight (O, R, S, C), dense in memory.
using Extents = std::array<int64_t, 4>;
enum class Direction : uint8_t { forward, backward_input, backward_weight };

/// Operations in their order. Tensors are named by the numbers under which they are bound when a
/// plan runs.
class Graph {
 public:
  int64_t tensor(const Extents& extents, cudnnDataType_t type) { return add(extents, type, false); }
  /// A tensor of f32 that is never written to memory.
  int64_t intermediate(const Extents& extents) { return add(extents, CUDNN_DATA_FLOAT, true); }
  /// Sums in f32. The result is y, x or w by the direction.
  void convolution(Direction direction, int64_t x, int64_t w, int64_t y, const Conv2dShape& shape);
  /// y = a + b, b with extents of 1 where it is repeated.
  void add(int64_t a, int64_t b, int64_t y);
  void apply(Nonlinearity f, int64_t x, int64_t y);
  /// The finished graph; throws Declined.
  Descriptor finish();

 private:
  int64_t add(const Extents& extents, cudnnDataType_t type, bool intermediate);
  void pointwise(Descriptor mode, int64_t x, const int64_t* b, int64_t y);
  const Descriptor& at(int64_t tensor) const { return tensors_[size_t(tensor)]; }

  std::vector<Descriptor> tensors_, parts_, operations_;
};

/// Compiled for one GPU.
class Plan {
 public:
  /// Throws Declined.
  explicit Plan(const Descriptor& engine_config);
  /// Puts the work on the handle's stream: `pointers[i]` are the elements of tensor i.
  void run(cudnnHandle_t handle, const std::vector<void*>& pointers, void* workspace) const;
  int64_t workspace_bytes = 0;
  /// cuDNN's number of the engine, which is the name of its method.
  int64_t engine = 0;

 private:
  Descriptor descriptor_;
};

/// Which engines may be chosen. Those whose sums are not in a fixed order never are.
struct Allowed {
  bool tf32 = false;  ///< f32 operands rounded to 10 bits, for tensor cores
};

/// The plans that cuDNN recommends, best first, at most `most`: by its heuristics, or its fallback
/// where they have none. Throws Declined with the reason where there is none.
std::vector<Plan> plans(Graph& graph, const DeviceProperties& device, Allowed allowed, bool f32,
                        int most);

}  // namespace lathe::kernels::cudnn
