// Running an op case and seeing which kernel rows it used: shared by the drivers over op cases.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "tensor/kernel.h"
#include "tensor/tape.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {

/// A kernel and the name of one of its rows.
using KernelRow = std::pair<const KernelBase*, std::string>;

/// Runs kernel calls as they come, noting which rows they take.
class UsedRows final : public CallRecorder {
 public:
  UsedRows() : outer_(current) { current = this; }
  ~UsedRows() override { current = outer_; }
  void record(std::unique_ptr<KernelCall> call) override {
    rows.emplace(call->kernel, call->variant);
    current = outer_;
    call->run();
    current = this;
  }
  std::set<KernelRow> rows;

 private:
  CallRecorder* outer_;
};

/// The rows that this processor can run: a name that ends with an instruction set needs it.
std::vector<RowInfo> rows_here(const KernelBase& kernel, Device device);

/// Results of a call, and the gradient of each input that wants one (else an empty handle).
struct CaseResult {
  std::vector<Tensor> outputs, gradients;
  std::set<KernelRow> rows;
};

/// The case forward and, where it is differentiable, backward with a random gradient of its first
/// result.
CaseResult run_case(const OpCase& op_case, const std::vector<Tensor>& inputs);

}  // namespace lathe::tests
