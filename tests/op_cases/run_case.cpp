#include "tests/op_cases/run_case.h"

#include "kernels/cpu_features.h"

namespace lathe::tests {

std::vector<RowInfo> rows_here(const KernelBase& kernel, Device device) {
  std::vector<RowInfo> rows = kernel.rows(device);
#if defined(__x86_64__)
  std::erase_if(rows, [](const RowInfo& row) {
    const std::string_view name = row.name;
    return (name.ends_with("avx512") && !kernels::has_avx512()) ||
           (name.ends_with("avx2") && !kernels::has_avx2());
  });
#endif
  return rows;
}

CaseResult run_case(const OpCase& op_case, const std::vector<Tensor>& inputs) {
  CaseResult result;
  std::vector<Tensor> leaves;
  for (size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(inputs[i].clone());
    if (op_case.differentiable && op_case.inputs[i].gradient && is_floating(inputs[i].dtype()))
      leaves.back().requires_grad_();
  }
  Tape tape;
  {
    UsedRows used;
    result.outputs = op_case.call(leaves);
    result.rows.merge(used.rows);
  }
  if (op_case.differentiable) {
    const Tensor& y = result.outputs.at(0);
    const Tensor dy = random_like(y, 0);
    UsedRows used;
    tape.backward(y, dy);
    result.rows.merge(used.rows);
  }
  for (const Tensor& leaf : leaves)
    result.gradients.push_back(leaf.requires_grad() ? leaf.grad() : Tensor());
  return result;
}

}  // namespace lathe::tests
