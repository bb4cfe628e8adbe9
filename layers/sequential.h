// Modules one after another, named 0, 1, 2, … as PyTorch names them.
#pragma once

#include "layers/module.h"

namespace lathe {

class Sequential : public Module {
 public:
  Sequential() = default;
  /// Sequential(std::make_unique<Linear>(2, 3), std::make_unique<ReLU>()).
  template <class... Modules>
  explicit Sequential(std::unique_ptr<Modules>... modules) {
    (add(std::move(modules)), ...);
  }

  /// Appends a module made from its constructor's arguments, and returns it.
  template <class M, class... Args>
  M& add(Args&&... args) {
    auto module = std::make_unique<M>(std::forward<Args>(args)...);
    M& added = *module;
    add(std::move(module));
    return added;
  }
  void add(std::unique_ptr<Module> module);

  int64_t size() const { return int64_t(modules_.size()); }
  Module& operator[](int64_t i) const;

  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Sequential"; }

 private:
  std::vector<std::unique_ptr<Module>> modules_;
};

}  // namespace lathe
