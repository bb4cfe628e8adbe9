// What a named GPU allows: the time that its memory and its arithmetic need for a kernel's bytes
// and operations (a roofline), and how many warps fit on a multiprocessor (occupancy). Figures are
// the vendor's published peaks, so a real kernel takes longer; the least time says by what it is
// bound.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::emulator {

/// Which units do the arithmetic.
enum class Arithmetic { f64, f32, tensor_16bit };

struct Gpu {
  const char* name;
  int compute_capability;  // 80, 90
  double bytes_per_second;
  double f64_flops, f32_flops, tensor_16bit_flops;  // a second; dense, f32 accumulators
  int multiprocessors;
  int shared_bytes;  // of a multiprocessor
};

/// h100, h200 or a100 (the SXM boards of 80, 141 and 80 GB); throws Error(usage) for others.
const Gpu& gpu(std::string_view name);

struct Roofline {
  double memory_seconds, arithmetic_seconds;
  double seconds() const {
    return memory_seconds > arithmetic_seconds ? memory_seconds : arithmetic_seconds;
  }
  bool memory_bound() const { return memory_seconds >= arithmetic_seconds; }
};

/// The least time in which the GPU can move `bytes` and do `flops`.
Roofline roofline(const Gpu& gpu, double bytes, double flops, Arithmetic arithmetic);

/// What the compiler says a kernel uses.
struct KernelResources {
  std::string kernel;  // mangled
  int registers = 0;   // a thread
  int shared_bytes = 0;
  int spill_bytes = 0;  // stores and loads
};

/// Reads the report of `nvcc -Xptxas -v`.
std::vector<KernelResources> read_ptxas_report(const std::string& report);

/// Compiles a kernel file with nvcc for the GPU's architecture and reads the report. Empty where
/// nvcc is absent. `root` is the folder that Lathe's includes start from. Throws Error(data) with
/// nvcc's words where the file does not compile.
std::vector<KernelResources> compile_resources(const std::string& source, const std::string& root,
                                               const Gpu& gpu);

/// The kernel that g++ gives this mangled name, null if there is none: kernels are told apart by
/// their names and template arguments, since nvcc mangles some of the rest differently.
const KernelResources* find_kernel(const std::vector<KernelResources>& kernels,
                                   const std::string& mangled);

struct Occupancy {
  int blocks, warps;  // on one multiprocessor
  double share;       // of the 64 warps that it can hold
  const char*
      limit;  // what there is not enough of: "registers", "shared memory", "warps", "blocks"
};

/// How many blocks of a kernel fit on a multiprocessor at once (compute capability 8.0 and 9.0).
Occupancy occupancy(const Gpu& gpu, int block_threads, int registers, int shared_bytes);

}  // namespace lathe::emulator
