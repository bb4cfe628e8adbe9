#include <cstdlib>
#include <cstring>

#include "kernels/conv2d_cudnn.h"

namespace lathe::kernels::cudnn {
namespace {

cudnnDataType_t data_type(DType dtype) {
  return dtype == DType::f32    ? CUDNN_DATA_FLOAT
         : dtype == DType::bf16 ? CUDNN_DATA_BFLOAT16
                                : CUDNN_DATA_HALF;
}

/// What differs between GPUs. Names and clocks are NVIDIA's data sheets', sizes those of the
/// "Compute Capabilities" tables in the CUDA C++ Programming Guide.
struct Specification {
  const char *name, *device_name;
  int capability, multiprocessors, shared_bytes;
  int64_t memory_bytes;
  int clock_khz, memory_clock_khz, cache_bytes;
};
constexpr Specification specifications[] = {
    {"h100", "NVIDIA H100 80GB HBM3", 900, 132, 232448, 85024112640, 1980000, 2619000, 50 << 20},
    {"h200", "NVIDIA H200", 900, 132, 232448, 150754820096, 1980000, 3201000, 50 << 20},
    {"a100", "NVIDIA A100-SXM4-80GB", 800, 108, 166912, 84987740160, 1410000, 1593000, 40 << 20},
};

}  // namespace

Graph graph_of(const Convolution& c) {
  const cudnnDataType_t type = data_type(c.dtype);
  const bool plain = !c.bias && !c.residual && c.f == Nonlinearity::none;
  Graph graph;
  graph.tensor(c.x, type);
  graph.tensor(c.w, type);
  graph.tensor(c.y, type);
  graph.tensor({1, 1, 1, c.y[3]}, type);
  graph.tensor(c.y, type);
  int64_t y = plain ? int64_t(result) : graph.intermediate(c.y);
  graph.convolution(c.direction, image, weight, y, c.shape);
  // The order in which cuDNN has the whole chain as one engine; the last step writes the result.
  int steps = int(c.residual) + int(c.bias) + int(c.f != Nonlinearity::none);
  const auto next = [&] { return --steps == 0 ? int64_t(result) : graph.intermediate(c.y); };
  const auto step = [&](bool wanted, const auto& operation) {
    if (!wanted) return;
    const int64_t to = next();
    operation(to);
    y = to;
  };
  step(c.residual, [&](int64_t to) { graph.add(y, residual_image, to); });
  step(c.bias, [&](int64_t to) { graph.add(y, bias_vector, to); });
  step(c.f != Nonlinearity::none, [&](int64_t to) { graph.apply(c.f, y, to); });
  return graph;
}

std::vector<Plan> plans(const Convolution& c, const DeviceProperties& device, int most) {
  Graph graph = graph_of(c);
  return plans(graph, device, {.tf32 = c.tf32}, c.dtype == DType::f32, most);
}

bool tf32_allowed() {
  const char* const value = std::getenv("LATHE_TF32");
  return value && std::strcmp(value, "1") == 0;
}

std::string device_json(const std::string& gpu) {
  for (const Specification& s : specifications) {
    if (gpu != s.name) continue;
    return concat(
        R"({"deviceVer":)", s.capability, R"(,"multiProcessorCount":)", s.multiprocessors,
        R"(,"warpSize":32,"maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":)",
        s.shared_bytes,
        R"(,"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"maxCtasPerSM":32,)"
        R"("maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"regsPerBlock":65536,)"
        R"("totalGlobalMem":)",
        s.memory_bytes, R"(,"smClockRateKHz":)", s.clock_khz, R"(,"l2CacheSize":)", s.cache_bytes,
        R"(,"maxBlockSize":[1024,1024,64],"memClockRateKHz":)", s.memory_clock_khz,
        R"(,"maxGridSize":[2147483647,65535,65535],"supportCoopLaunch":1,"pciDeviceId":0,)"
        R"("isTccDriver":0,"cudaDeviceId":0,"driverVer":13000,"deviceName":")",
        s.device_name, R"("})");
  }
  fail(ErrorKind::usage, "gpu: cuDNN plans are told for h100, h200 and a100, not for '", gpu, "'");
}

}  // namespace lathe::kernels::cudnn
