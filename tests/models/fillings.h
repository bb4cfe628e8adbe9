// Weights and inputs that tests/goldens/make_models.py makes too, from the same Philox streams.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "layers/init.h"
#include "layers/module.h"
#include "tensor/random.h"

namespace lathe::tests {

inline Tensor random(const Shape& shape, double low, double high, int index, int op = 0) {
  Tensor x = Tensor::empty(shape, DType::f64);
  uniform_(x, low, high, RandomStream(0, Purpose::test, 0, uint32_t(index), uint32_t(op)));
  return x;
}

/// As make_models.py fills a tensor of that name in a file.
inline Tensor filled(const std::string& name, const Shape& shape, int index) {
  if (shape.rank() > 1) {
    const double bound = std::sqrt(6 / double(shape.numel() / shape[0]));
    return random(shape, -bound, bound, index);
  }
  if (name.ends_with("running_var")) return random(shape, 0.5, 1.5, index);
  if (name.ends_with("weight")) return random(shape, 0.25, 0.75, index);
  return random(shape, -0.2, 0.2, index);
}

/// What the model is filled with on both sides.
inline std::vector<NamedTensor> fillings(Module& model) {
  std::vector<NamedTensor> tensors;
  for (const NamedTensor& own : model.state_dict()) {
    const Shape shape = file_shape(own.tensor.shape(), own.layout);
    const int index = int(tensors.size());
    tensors.push_back({own.name, is_floating(own.tensor.dtype())
                                     ? filled(own.name, shape, index)
                                     : Tensor::zeros(shape, own.tensor.dtype())});
  }
  return tensors;
}

}  // namespace lathe::tests
