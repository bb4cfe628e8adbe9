// One list of op cases drives four things: every row of every kernel against the f64 reference
// (variants_test.cpp), gradients against central differences (gradients_test.cpp), the text of
// errors (errors_test.cpp) and the benchmarks (bench/ops.cpp). A family of ops writes a file
// `<family>_cases.cpp` here that fills both lists and ends with
//   const Registered registered{softmax_cases, softmax_errors};
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lathe::tests {

/// How one input is filled, by Philox: floats uniform in [low, high), or integers.
struct Input {
  Shape shape;
  double low = -1, high = 1;
  /// Values within `margin` of this one are moved out to it, so that no difference quotient steps
  /// over a kink. A negative margin: there is no kink.
  double kink = 0, margin = -1;
  /// When positive: i64 labels in [0, classes) instead of floats.
  int64_t classes = 0;
  /// Whether the gradient of this input is compared.
  bool gradient = true;
};

using Call = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;

struct OpCase {
  std::string name;  ///< "softmax/31x33"
  std::vector<Input> inputs;
  /// Calls a public op, or kernels directly. Results follow the inputs' dtype and device. Inputs
  /// are fresh copies, so a call may change them and return them. The gradient is that of the first
  /// result.
  Call call;
  bool differentiable = true;
  /// Largest error allowed, as tests::error defines it. A case with larger ones says why.
  double f32 = 1e-5, f64 = 1e-12, bf16 = 2e-2, f16 = 2e-2;
  /// Small enough for the slow runs: races, mutations of barriers.
  bool tiny = false;
  /// Too large for everything but f32 on the CPU: for rows that take nothing smaller.
  bool large = false;
  /// For the benchmarks only: the forward call's arithmetic, and the elements that it must read and
  /// write at least.
  bool bench = false;
  double flops = 0, elements = 0;

  double tolerance(DType dtype) const {
    return dtype == DType::f32    ? f32
           : dtype == DType::f64  ? f64
           : dtype == DType::bf16 ? bf16
                                  : f16;
  }
};

struct ErrorCase {
  std::string name;
  std::function<void()> call;
  std::string message;
};

/// All cases, or all that are meant for the benchmarks.
std::vector<OpCase> op_cases();
std::vector<OpCase> bench_cases();
std::vector<ErrorCase> error_cases();

/// Adds a family's lists; they are built when first asked for.
struct Registered {
  explicit Registered(std::vector<OpCase> (*cases)(), std::vector<ErrorCase> (*errors)() = nullptr);
};

/// The inputs in f64 on the CPU, labels in i64; the same values for the same case everywhere.
std::vector<Tensor> make_inputs(const OpCase& op_case);
/// Copies in another dtype (integers stay) and on another device.
std::vector<Tensor> convert(const std::vector<Tensor>& inputs, DType dtype, Device device);
/// For calls: a constant of the host brought to a device, behind the recorder's back.
Tensor constant_on(Device device, const Tensor& host);
/// A tensor of numbers in [-1, 1) that depend on its shape and a number.
Tensor random_like(const Tensor& x, uint32_t number);

}  // namespace lathe::tests
