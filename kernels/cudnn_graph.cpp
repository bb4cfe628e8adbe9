#include "kernels/cudnn_graph.h"

#include <algorithm>
#include <string_view>

namespace lathe::kernels::cudnn {
namespace {

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::string reason = concat(what, ": ", cudnnGetErrorString(status));
  char words[512] = "";
  cudnnGetLastErrorString(words, sizeof words);
  if (words[0]) reason += concat(" (", words, ")");
  throw Declined(reason);
}

/// Bytes at whose multiples all tensors begin.
constexpr int64_t alignment = 16;
/// An engine that wants more scratch memory is passed over.
constexpr int64_t most_workspace_bytes = int64_t(1) << 30;

constexpr auto results = CUDNN_ATTR_ENGINEHEUR_RESULTS;

std::vector<Descriptor> recommended(const Descriptor& graph, const DeviceProperties& device,
                                    cudnnBackendHeurMode_t mode) {
  Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device.descriptor());
  heuristic.finalize();
  int64_t count = 0;
  check(cudnnBackendGetAttribute(heuristic.raw, results, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count,
                                 nullptr),
        "heuristic");
  std::vector<Descriptor> configs;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int64_t i = 0; i < count; ++i)
    raw.push_back(configs.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).raw);
  if (count > 0)
    check(cudnnBackendGetAttribute(heuristic.raw, results, CUDNN_TYPE_BACKEND_DESCRIPTOR, count,
                                   &count, raw.data()),
          "heuristic");
  configs.erase(configs.begin() + count, configs.end());
  return configs;
}

/// The engine of a configuration, made by cuDNN in a descriptor of ours.
Descriptor engine_of(const Descriptor& config) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  int64_t count = 0;
  check(cudnnBackendGetAttribute(config.raw, CUDNN_ATTR_ENGINECFG_ENGINE,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine.raw),
        "engine");
  return engine;
}

/// Why an engine may not be used; null if it may. In f32 a tensor core, a transform or a Winograd
/// tile larger than 4x4 means fewer correct digits than a sum of products.
const char* forbidden(const Descriptor& config, Allowed allowed, bool f32) {
  const Descriptor engine = engine_of(config);
  cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
  int64_t count = 0;
  check(cudnnBackendGetAttribute(engine.raw, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                 CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count,
                                 notes),
        "numerical notes");
  const auto has = [&](cudnnBackendNumericalNote_t note) {
    return std::find(notes, notes + count, note) != notes + count;
  };
  if (has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return "sums in no fixed order";
  if (has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return "sums in 16 bits";
  if (!f32) return nullptr;
  if (!allowed.tf32 &&
      (has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)))
    return "TF32, which LATHE_TF32=1 allows";
  if (has(CUDNN_NUMERICAL_NOTE_FFT) || has(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6) ||
      has(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13))
    return "a transform that loses digits";
  return nullptr;
}

/// A reason among those found so far, once.
void note(std::string& reasons, std::string_view reason) {
  if (reasons.find(reason) == std::string::npos)
    reasons += concat(reasons.empty() ? "" : "; ", reason);
}

}  // namespace

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  check(cudnnBackendCreateDescriptor(type, &raw), "descriptor");
}
Descriptor::~Descriptor() {
  if (raw) cudnnBackendDestroyDescriptor(raw);
}
void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     int64_t count, const void* values) {
  check(cudnnBackendSetAttribute(raw, name, type, count, values), "attribute");
}
void Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.raw);
}
void Descriptor::set(cudnnBackendAttributeName_t name, int64_t value) {
  set(name, CUDNN_TYPE_INT64, 1, &value);
}
void Descriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}
void Descriptor::set(cudnnBackendAttributeName_t name, float value) {
  set(name, CUDNN_TYPE_FLOAT, 1, &value);
}
void Descriptor::finalize() { check(cudnnBackendFinalize(raw), "graph"); }

DeviceProperties::DeviceProperties(cudnnHandle_t handle)
    : descriptor_(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR) {
  descriptor_.set(CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  descriptor_.finalize();
}
DeviceProperties::DeviceProperties(const std::string& json)
    : descriptor_(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR) {
  descriptor_.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, int64_t(json.size()),
                  json.data());
  descriptor_.finalize();
}

// cuDNN names the extents of an image in the order N, C, H, W; strides say where they lie.
int64_t Graph::add(const Extents& e, cudnnDataType_t type, bool intermediate) {
  const int64_t id = int64_t(tensors_.size());
  const int64_t extents[] = {e[0], e[3], e[1], e[2]},
                strides[] = {e[1] * e[2] * e[3], 1, e[2] * e[3], e[3]};
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, extents);
  tensor.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
  tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &intermediate);
  tensor.finalize();
  tensors_.push_back(std::move(tensor));
  return id;
}

void Graph::convolution(Direction direction, int64_t x, int64_t w, int64_t y,
                        const Conv2dShape& shape) {
  const int64_t before[] = {shape.pad_top, shape.pad_left},
                after[] = {shape.pad_bottom, shape.pad_right},
                strides[] = {shape.stride_h, shape.stride_w},
                dilations[] = {shape.dilation_h, shape.dilation_w};
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  Descriptor window(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  window.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t(2));
  window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  window.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  window.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before);
  window.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after);
  window.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
  window.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations);
  window.finalize();

  struct Names {
    cudnnBackendDescriptorType_t operation;
    cudnnBackendAttributeName_t x, w, y, window, alpha, beta;
  };
  static constexpr Names names[] = {
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
  };
  const Names& n = names[int(direction)];
  Descriptor operation(n.operation);
  operation.set(n.x, at(x));
  operation.set(n.w, at(w));
  operation.set(n.y, at(y));
  operation.set(n.window, window);
  operation.set(n.alpha, 1.0F);
  operation.set(n.beta, 0.0F);
  operation.finalize();
  parts_.push_back(std::move(window));
  operations_.push_back(std::move(operation));
}

void Graph::pointwise(Descriptor mode, int64_t x, const int64_t* b, int64_t y) {
  mode.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  mode.finalize();
  Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, mode);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(x));
  if (b) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, at(*b));
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, at(y));
  operation.finalize();
  parts_.push_back(std::move(mode));
  operations_.push_back(std::move(operation));
}

void Graph::add(int64_t a, int64_t b, int64_t y) {
  const cudnnPointwiseMode_t kind = CUDNN_POINTWISE_ADD;
  Descriptor mode(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  mode.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &kind);
  pointwise(std::move(mode), a, &b, y);
}

void Graph::apply(Nonlinearity f, int64_t x, int64_t y) {
  const cudnnPointwiseMode_t kind =
      f == Nonlinearity::silu ? CUDNN_POINTWISE_SWISH_FWD : CUDNN_POINTWISE_RELU_FWD;
  Descriptor mode(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  mode.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &kind);
  if (f == Nonlinearity::relu6) {
    const double clip = 6;
    mode.set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1, &clip);
  }
  if (f != Nonlinearity::silu) {  // NaN is kept: 0 would hide a failed training
    const cudnnNanPropagation_t keep = CUDNN_PROPAGATE_NAN;
    constexpr auto nan = cudnnBackendAttributeName_t(2);  // CUDNN_ATTR_POINTWISE_NAN_PROPAGATION
    mode.set(nan, CUDNN_TYPE_NAN_PROPOGATION, 1, &keep);
  }
  pointwise(std::move(mode), x, nullptr, y);
}

Descriptor Graph::finish() {
  std::vector<cudnnBackendDescriptor_t> raw;
  for (const Descriptor& operation : operations_) raw.push_back(operation.raw);
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(raw.size()),
            raw.data());
  graph.finalize();
  return graph;
}

Plan::Plan(const Descriptor& engine_config) : descriptor_(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
  descriptor_.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engine_config);
  descriptor_.finalize();
  check(cudnnBackendGetAttribute(descriptor_.raw, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                 CUDNN_TYPE_INT64, 1, nullptr, &workspace_bytes),
        "workspace");
  const Descriptor used = engine_of(engine_config);
  check(cudnnBackendGetAttribute(used.raw, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1,
                                 nullptr, &engine),
        "engine");
}

void Plan::run(cudnnHandle_t handle, const std::vector<void*>& pointers, void* workspace) const {
  std::vector<int64_t> ids;
  std::vector<void*> bound;
  for (size_t i = 0; i < pointers.size(); ++i)
    if (pointers[i]) {
      ids.push_back(int64_t(i));
      bound.push_back(pointers[i]);
    }
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, int64_t(ids.size()), ids.data());
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, int64_t(bound.size()),
           bound.data());
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  pack.finalize();
  check(cudnnBackendExecute(handle, descriptor_.raw, pack.raw), "cudnnBackendExecute");
}

std::vector<Plan> plans(Graph& graph, const DeviceProperties& device, Allowed allowed, bool f32,
                        int most) {
  const Descriptor finished = graph.finish();
  std::vector<Plan> found;
  std::string reasons;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    std::vector<Descriptor> configs;
    try {
      configs = recommended(finished, device, mode);
    } catch (const Declined& declined) {
      note(reasons, declined.what());
    }
    for (const Descriptor& config : configs) {
      if (const char* why = forbidden(config, allowed, f32)) {
        note(reasons, why);
        continue;
      }
      try {
        Plan plan(config);
        if (plan.workspace_bytes > most_workspace_bytes) {
          note(reasons, "a workspace of more than 1 GiB");
          continue;
        }
        found.push_back(std::move(plan));
      } catch (const Declined& declined) {
        note(reasons, declined.what());
        continue;
      }
      if (int(found.size()) == most) return found;
    }
    if (!found.empty()) return found;
  }
  throw Declined(reasons.empty()
                     ? "no engine (CUDNN_LOGLEVEL_DBG=2 CUDNN_LOGDEST_DBG=stderr says why)"
                     : "only engines with " + reasons);
}

}  // namespace lathe::kernels::cudnn
