#include "layers/recompute.h"

#include <algorithm>
#include <utility>

#include "tensor/tape.h"

namespace lathe {
namespace {

thread_local bool again = false;

struct Again {
  Again() : outer(std::exchange(again, true)) {}
  ~Again() { again = outer; }
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;
  bool outer;
};

bool trains(Module& module) {
  const auto parameters = module.named_parameters();
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const NamedTensor& p) { return p.tensor.requires_grad(); });
}

}  // namespace

bool recomputing() { return again; }

Tensor recomputed(Module& module, const Tensor& x) {
  Tensor y;
  {
    const NoTape nothing_is_kept;
    y = module.forward(x);
  }
  return record_block("recomputed", y, x, trains(module),
                      [&module, x = x.detach()](const Tensor& dy, const Needs& needs) -> Grads {
                        const Again guard;
                        Tensor input = x.detach();
                        input.requires_grad_(needs[0]);
                        Tape tape;
                        tape.backward(module.forward(input), dy);
                        return {needs[0] ? input.grad() : Tensor()};
                      });
}

int64_t recompute_blocks(Module& model) {
  int64_t count = 0;
  for_each_module(model, [&](const std::string&, Module& module) {
    if (!module.is_block()) return;
    module.recompute();
    ++count;
  });
  return count;
}

}  // namespace lathe
