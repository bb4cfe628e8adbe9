#include "layers/module.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "layers/layer_output.h"
#include "layers/recompute.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// Calls f(full name, tensor, is_parameter, layout) for all tensors below a module, its own before
/// its children's.
struct TensorWalk final : Visitor {
  using F = std::function<void(const std::string&, Tensor&, bool, Layout)>;
  TensorWalk(std::string path, const F& f) : path(std::move(path)), f(f) {}
  void parameter(const std::string& name, Tensor& tensor, Layout layout) override {
    if (tensor) f(join(path, name), tensor, true, layout);
  }
  void buffer(const std::string& name, Tensor& tensor) override {
    if (tensor) f(join(path, name), tensor, false, Layout::plain);
  }
  void child(const std::string& name, Module& module) override {
    TensorWalk below(join(path, name), f);
    module.visit(below);
  }
  std::string path;
  const F& f;
};

void walk_tensors(Module& module, const TensorWalk::F& f) {
  TensorWalk walk("", f);
  module.visit(walk);
}

struct ModuleWalk final : Visitor {
  using F = std::function<void(const std::string&, Module&)>;
  ModuleWalk(std::string path, const F& f) : path(std::move(path)), f(f) {}
  void parameter(const std::string&, Tensor&, Layout) override {}
  void buffer(const std::string&, Tensor&) override {}
  void child(const std::string& name, Module& module) override {
    f(join(path, name), module);
    ModuleWalk below(join(path, name), f);
    module.visit(below);
  }
  std::string path;
  const F& f;
};

/// Prints as torch.nn.Module.__repr__ does: children indented by two spaces, "(name):
/// Kind(details)".
struct Printer final : Visitor {
  explicit Printer(std::string indent) : indent(std::move(indent)) {}
  void parameter(const std::string&, Tensor&, Layout) override {}
  void buffer(const std::string&, Tensor&) override {}
  void child(const std::string& name, Module& module) override {
    text += indent + "(" + name + "): " + print_module(module, indent) + "\n";
  }
  static std::string print_module(Module& module, const std::string& indent) {
    Printer inside(indent + "  ");
    module.visit(inside);
    if (inside.text.empty()) return module.kind() + "(" + module.details() + ")";
    return module.kind() + "(\n" + inside.text + indent + ")";
  }
  std::string indent, text;
};

void add_list(std::string& text, const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text += concat("\n  ", what, " (", names.size(), "):");
  for (const std::string& name : names) text += " " + name;
}

}  // namespace

std::string LoadReport::text() const {
  std::string lines;
  add_list(lines, "missing", missing);
  add_list(lines, "unexpected", unexpected);
  add_list(lines, "mismatched", mismatched);
  return lines;
}

Tensor Module::operator()(const Tensor& x) const {
  const ErrorScope scope(path_);
  Module& self = const_cast<Module&>(*this);  // a module is called; what forward changes is its own
  if (detail::layer_tap) return detail::tapped_forward(self, x);
  return recomputes_ && Tape::current() ? recomputed(self, x) : self.forward(x);
}

std::vector<NamedTensor> Module::named_parameters() {
  std::vector<NamedTensor> all;
  walk_tensors(*this, [&](const std::string& name, Tensor& tensor, bool parameter, Layout layout) {
    if (parameter) all.push_back({name, tensor, layout});
  });
  return all;
}

std::vector<NamedTensor> Module::named_buffers() {
  std::vector<NamedTensor> all;
  walk_tensors(*this, [&](const std::string& name, Tensor& tensor, bool parameter, Layout) {
    if (!parameter) all.push_back({name, tensor});
  });
  return all;
}

std::vector<NamedTensor> Module::state_dict() {
  std::vector<NamedTensor> all;
  walk_tensors(*this, [&](const std::string& name, Tensor& tensor, bool, Layout layout) {
    all.push_back({name, tensor, layout});
  });
  return all;
}

LoadReport Module::load_state_dict(const std::vector<NamedTensor>& tensors, bool strict) {
  end_inference();
  std::map<std::string, const NamedTensor*> given;
  for (const NamedTensor& t : tensors) given[t.name] = &t;
  LoadReport report;
  std::vector<std::pair<NamedTensor, const NamedTensor*>> fitting;
  for (NamedTensor& own : state_dict()) {
    const auto found = given.find(own.name);
    if (found == given.end()) {
      // PyTorch before 0.4.1 did not count batches, and takes such weights still.
      if (!own.name.ends_with("num_batches_tracked")) report.missing.push_back(own.name);
      continue;
    }
    const NamedTensor& from = *found->second;
    const Shape expected = file_shape(own.tensor.shape(), own.layout),
                got = file_shape(from.tensor.shape(), from.layout);
    if (expected == got)
      fitting.emplace_back(own, &from);
    else
      report.mismatched.push_back(concat(own.name, " (expects ", expected, ", got ", got, ")"));
    given.erase(found);
  }
  for (const NamedTensor& t : tensors)
    if (given.count(t.name)) report.unexpected.push_back(t.name);
  if (strict && !report.fits())
    fail(ErrorKind::data, "load_state_dict: the weights do not fit the model", report.text());
  for (auto& [own, from] : fitting)
    copy_(own.tensor,
          from->layout == own.layout ? from->tensor : from_file_layout(from->tensor, own.layout));
  return report;
}

int64_t Module::parameter_count() {
  int64_t count = 0;
  for (const NamedTensor& p : named_parameters()) count += p.tensor.numel();
  return count;
}

Module& Module::train(bool on) {
  for_each_module(*this, [on](const std::string&, Module& module) {
    module.training_ = on && !module.never_trains_;
    module.constant_since_ = 0;
  });
  return *this;
}

Module& Module::inference() {
  static std::atomic<uint64_t> calls{0};
  const uint64_t now = ++calls;
  eval();
  for_each_module(*this,
                  [now](const std::string&, Module& module) { module.constant_since_ = now; });
  return *this;
}

void Module::end_inference() {
  if (constant_since_) eval();
}

namespace {
/// Replaces a module's tensor by a converted copy, which keeps its wish for a gradient.
template <class Target>
void convert(Tensor& tensor, Target target) {
  const bool wanted = tensor.requires_grad();
  tensor = tensor.to(target).detach();
  tensor.requires_grad_(wanted);
}
}  // namespace

Module& Module::to(Device device) {
  end_inference();
  walk_tensors(*this,
               [&](const std::string&, Tensor& tensor, bool, Layout) { convert(tensor, device); });
  return *this;
}

Module& Module::to(DType dtype) {
  end_inference();
  walk_tensors(*this, [&](const std::string&, Tensor& tensor, bool, Layout) {
    if (is_floating(tensor.dtype())) convert(tensor, dtype);
  });
  return *this;
}

void Module::zero_grad() {
  walk_tensors(*this, [](const std::string&, Tensor& tensor, bool, Layout) { tensor.zero_grad(); });
}

void Module::name_paths() {
  for_each_module(*this, [](const std::string& path, Module& module) { module.path_ = path; });
}

std::string Module::print() { return Printer::print_module(*this, ""); }

void for_each_module(Module& root, const std::function<void(const std::string&, Module&)>& f) {
  f("", root);
  ModuleWalk walk("", f);
  root.visit(walk);
}

}  // namespace lathe
