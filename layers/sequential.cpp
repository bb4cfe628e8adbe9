#include "layers/sequential.h"

namespace lathe {

void Sequential::add(std::unique_ptr<Module> module) {
  LATHE_CHECK(module, "Sequential: expects a module, got none");
  modules_.push_back(std::move(module));
}

Module& Sequential::operator[](int64_t i) const {
  LATHE_CHECK(i >= 0 && i < size(), "Sequential: has modules 0 to ", size() - 1, ", not ", i);
  return *modules_[size_t(i)];
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& module : modules_) y = (*module)(y);
  return y;
}

void Sequential::visit(Visitor& visitor) {
  for (size_t i = 0; i < modules_.size(); ++i) visitor.child(std::to_string(i), *modules_[i]);
}

}  // namespace lathe
