#include "tests/op_cases/op_case.h"

#include <cmath>
#include <utility>

#include "tensor/plan.h"
#include "tensor/random.h"

namespace lathe::tests {
namespace {

struct Family {
  std::vector<OpCase> (*cases)();
  std::vector<ErrorCase> (*errors)();
};
std::vector<Family>& families() {
  static std::vector<Family> all;
  return all;
}

std::vector<OpCase> select(bool bench) {
  std::vector<OpCase> all;
  for (const Family& family : families())
    for (OpCase& op_case : family.cases())
      if (op_case.bench == bench) all.push_back(std::move(op_case));
  return all;
}

/// FNV-1a: the seed of a case is its name, so that cases may be added anywhere.
uint64_t seed_of(const std::string& name) {
  uint64_t hash = 14695981039346656037u;
  for (char c : name) hash = (hash ^ uint8_t(c)) * 1099511628211u;
  return hash;
}

Tensor make_input(const Input& input, const RandomStream& random) {
  const uint64_t count = uint64_t(input.shape.numel());
  if (input.classes > 0) {
    std::vector<int64_t> labels(count);
    for (uint64_t i = 0; i < count; ++i)
      labels[i] = int64_t(random.below(i, uint64_t(input.classes)));
    return Tensor::from(labels, input.shape);
  }
  std::vector<double> values(count);
  for (uint64_t i = 0; i < count; ++i) {
    double& x = values[i];
    x = input.low + (input.high - input.low) * random.uniform53(i);
    if (std::abs(x - input.kink) < input.margin)
      x = input.kink + (x < input.kink ? -input.margin : input.margin);
  }
  return Tensor::from(values, input.shape);
}

}  // namespace

Registered::Registered(std::vector<OpCase> (*cases)(), std::vector<ErrorCase> (*errors)()) {
  families().push_back({cases, errors});
}

std::vector<OpCase> op_cases() { return select(false); }
std::vector<OpCase> bench_cases() { return select(true); }

std::vector<ErrorCase> error_cases() {
  std::vector<ErrorCase> all;
  for (const Family& family : families())
    if (family.errors)
      for (ErrorCase& error_case : family.errors()) all.push_back(std::move(error_case));
  return all;
}

std::vector<Tensor> make_inputs(const OpCase& op_case) {
  std::vector<Tensor> inputs;
  for (const Input& input : op_case.inputs)
    inputs.push_back(make_input(
        input, RandomStream(seed_of(op_case.name), Purpose::test, 0, uint32_t(inputs.size()))));
  return inputs;
}

std::vector<Tensor> convert(const std::vector<Tensor>& inputs, DType dtype, Device device) {
  std::vector<Tensor> converted;
  for (const Tensor& x : inputs)
    converted.push_back((is_floating(x.dtype()) ? x.to(dtype) : x).clone().to(device));
  return converted;
}

Tensor constant_on(Device device, const Tensor& host) {
  const OutsidePlan outside;
  return host.to(device);
}

Tensor random_like(const Tensor& x, uint32_t number) {
  const RandomStream random(5, Purpose::test, uint32_t(x.rank()), number);
  std::vector<double> values(static_cast<size_t>(x.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = 2 * random.uniform53(i) - 1;
  return Tensor::from(values, x.shape()).to(x.dtype()).to(x.device());
}

}  // namespace lathe::tests
