#include "tests/op_cases/run_case.h"

namespace lathe::tests {

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
