#include "kernels/emulator/gpu_model.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "tensor/check.h"

namespace lathe::emulator {
namespace {

// NVIDIA's data sheets of the A100 80GB SXM, H100 SXM and H200 SXM; tensor figures without
// sparsity. Shared memory: CUDA C++ Programming Guide, "Compute Capabilities".
constexpr Gpu known_gpus[] = {
    {"a100", 80, 2.039e12, 9.7e12, 19.5e12, 312e12, 108, 164 * 1024},
    {"h100", 90, 3.35e12, 34e12, 67e12, 989.4e12, 132, 228 * 1024},
    {"h200", 90, 4.8e12, 34e12, 67e12, 989.4e12, 132, 228 * 1024},
};

// The same for both architectures (CUDA C++ Programming Guide, "Compute Capabilities").
constexpr int registers_of_multiprocessor = 65536, register_unit = 256, most_warps = 64,
              most_blocks = 32, partitions = 4, shared_reserved = 1024;

constexpr int round_up(int value, int unit) { return (value + unit - 1) / unit * unit; }

// A kernel's name with its template arguments, as g++ and nvcc agree on it. Anonymous namespaces
// ("_GLOBAL__N__<hash>_softmax_cu" and "_GLOBAL__N_1") read alike once demangled; parameters are
// left out, because the two spell alias templates differently.
std::string common_name(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  const std::string name = status == 0 ? text : symbol, anonymous = "(anonymous namespace)";
  std::free(text);
  int depth = 0;
  for (size_t i = 0; i < name.size(); i++) {
    if (name[i] == '<') depth++;
    if (name[i] == '>') depth--;
    if (name.compare(i, anonymous.size(), anonymous) == 0) {
      i += anonymous.size() - 1;
    } else if (depth == 0 && name[i] == '(') {
      return name.substr(0, i);
    }
  }
  return name;
}

int number_before(const std::string& line, const std::string& what) {
  const size_t at = line.find(what);
  if (at == std::string::npos) return 0;
  size_t begin = at;
  while (begin > 0 && (line[begin - 1] == ' ')) begin--;
  const size_t end = begin;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9') begin--;
  return begin == end ? 0 : std::stoi(line.substr(begin, end - begin));
}

}  // namespace

const Gpu& gpu(std::string_view name) {
  std::string known;
  for (const Gpu& candidate : known_gpus) {
    if (name == candidate.name) return candidate;
    known += (known.empty() ? "" : ", ") + std::string(candidate.name);
  }
  fail(ErrorKind::usage, "gpu: knows the figures of ", known, ", not of '", name, "'");
}

Roofline roofline(const Gpu& gpu, double bytes, double flops, Arithmetic arithmetic) {
  const double peak = arithmetic == Arithmetic::f64   ? gpu.f64_flops
                      : arithmetic == Arithmetic::f32 ? gpu.f32_flops
                                                      : gpu.tensor_16bit_flops;
  return {bytes / gpu.bytes_per_second, flops / peak};
}

std::vector<KernelResources> read_ptxas_report(const std::string& report) {
  std::vector<KernelResources> kernels;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) {
    const size_t entry = line.find("Compiling entry function '");
    if (entry != std::string::npos) {
      const size_t begin = line.find('\'', entry) + 1;
      kernels.push_back({line.substr(begin, line.find('\'', begin) - begin), 0, 0, 0});
    } else if (kernels.empty()) {
      continue;
    } else if (line.find("bytes spill stores") != std::string::npos) {
      kernels.back().spill_bytes =
          number_before(line, "bytes spill stores") + number_before(line, "bytes spill loads");
    } else if (line.find("registers") != std::string::npos) {
      kernels.back().registers = number_before(line, "registers");
      kernels.back().shared_bytes = number_before(line, "bytes smem");
    }
  }
  return kernels;
}

std::vector<KernelResources> compile_resources(const std::string& source, const std::string& root,
                                               const Gpu& gpu) {
  if (std::system("command -v nvcc >/dev/null 2>&1") != 0) return {};
  const std::string command =
      "nvcc -std=c++20 --extended-lambda --expt-relaxed-constexpr -cubin -o /dev/null -Xptxas -v "
      "-arch=sm_" +
      std::to_string(gpu.compute_capability) + " -I'" + root + "' '" + source + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return {};
  std::string report;
  char text[4096];
  while (std::fgets(text, sizeof text, pipe)) report += text;
  if (pclose(pipe) != 0) fail(ErrorKind::data, source, ": nvcc does not compile it:\n", report);
  return read_ptxas_report(report);
}

const KernelResources* find_kernel(const std::vector<KernelResources>& kernels,
                                   const std::string& mangled) {
  const std::string wanted = common_name(mangled);
  for (const KernelResources& candidate : kernels) {
    if (common_name(candidate.kernel) == wanted) return &candidate;
  }
  return nullptr;
}

Occupancy occupancy(const Gpu& gpu, int block_threads, int registers, int shared_bytes) {
  LATHE_CHECK(block_threads >= 1 && block_threads <= 1024 && registers >= 1 && registers <= 255,
              "occupancy: expects 1 to 1024 threads and 1 to 255 registers, got ", block_threads,
              " and ", registers);
  const int block_warps = (block_threads + 31) / 32;
  // Each of the four partitions of a multiprocessor gives registers to whole warps.
  const int warp_registers = round_up(registers * 32, register_unit);
  const int warps = registers_of_multiprocessor / partitions / warp_registers * partitions;
  const int block_shared = round_up(shared_bytes, 128) + shared_reserved;
  const std::pair<int, const char*> limits[] = {{most_warps / block_warps, "warps"},
                                                {most_blocks, "blocks"},
                                                {warps / block_warps, "registers"},
                                                {gpu.shared_bytes / block_shared, "shared memory"}};
  const auto least = *std::min_element(std::begin(limits), std::end(limits),
                                       [](auto& a, auto& b) { return a.first < b.first; });
  const int resident = least.first * block_warps;
  return {least.first, resident, double(resident) / most_warps, least.second};
}

}  // namespace lathe::emulator
