#include "optim/optimizer.h"

#include <cmath>

namespace lathe {

Optimizer::Optimizer(ParameterArena& arena, const OptimizerOptions& options)
    : arena_(arena), options_(options) {
  const OptimizerOptions& o = options;
  LATHE_CHECK(o.lr >= 0, "optimizer: lr is 0 or more, got ", o.lr);
  LATHE_CHECK(o.beta1 >= 0 && o.beta1 < 1 && o.beta2 >= 0 && o.beta2 < 1,
              "optimizer: betas lie in [0, 1), got ", o.beta1, " and ", o.beta2);
  LATHE_CHECK(o.eps >= 0, "optimizer: eps is 0 or more, got ", o.eps);
  LATHE_CHECK(o.weight_decay >= 0, "optimizer: weight_decay is 0 or more, got ", o.weight_decay);
  LATHE_CHECK(o.momentum >= 0, "optimizer: momentum is 0 or more, got ", o.momentum);
  LATHE_CHECK(!o.nesterov || (o.momentum > 0 && o.dampening == 0),
              "optimizer: nesterov needs momentum and no dampening");
  LATHE_CHECK(o.clip_norm >= 0, "optimizer: clip_norm is 0 or more, got ", o.clip_norm);
  const Device device = arena.values().device();
  const bool adam = o.rule != UpdateRule::sgd;
  if (adam || o.momentum > 0) m_ = arena.make_state();
  if (adam) v_ = arena.make_state();
  hyper_ = Tensor::zeros({kernels::Hyper::count}, DType::f64, device);
  if (o.clip_norm > 0) norm_ = Tensor::zeros({1}, DType::f64, device);
}

void Optimizer::advance() {
  ++steps_;
  kernels::Hyper hyper;
  hyper.lr = options_.lr;
  hyper.beta1 = options_.beta1;
  hyper.beta2 = options_.beta2;
  hyper.eps = options_.eps;
  hyper.correction1 = 1 - std::pow(options_.beta1, double(steps_));
  hyper.correction2 = 1 - std::pow(options_.beta2, double(steps_));
  hyper.momentum = options_.momentum;
  hyper.dampening = options_.dampening;
  hyper.nesterov = options_.nesterov;
  hyper.weight_decay = options_.weight_decay;
  hyper.max_norm = options_.clip_norm;
  hyper.step = double(steps_);
  kernels::write_hyper(hyper_, hyper);
}

void Optimizer::watch(const Tensor& loss) {
  Tensor at = hyper_.slice(kernels::Hyper::loss_at, kernels::Hyper::loss_at + 1);
  copy_(at, loss);
}

void Optimizer::apply() {
  const auto& slices = arena_.slices();
  if (norm_) {
    for (const auto& slice : slices)
      if (!slice.parameter.grad()) {
        Tensor missing = ParameterArena::part(arena_.grads(), slice);
        fill_(missing, 0);
      }
    kernels::gradient_norm(norm_, arena_.grads());
  }
  // Neighbours that all have a gradient are one range; without frozen or unused parameters it is
  // the whole array.
  for (size_t i = 0; i < slices.size();) {
    if (!slices[i].parameter.grad()) {
      ++i;
      continue;
    }
    size_t j = i;
    while (j < slices.size() && slices[j].parameter.grad()) ++j;
    const int64_t begin = slices[i].begin,
                  end = j < slices.size() ? slices[j].begin : arena_.numel();
    Tensor values = arena_.values().slice(begin, end);
    Tensor m = m_ ? m_.slice(begin, end) : Tensor(), v = v_ ? v_.slice(begin, end) : Tensor();
    kernels::optimizer_step(values, m, v, arena_.grads().slice(begin, end), hyper_, norm_,
                            options_.rule);
    i = j;
  }
}

void Optimizer::zero_grad() {
  for (auto slice : arena_.slices()) slice.parameter.zero_grad();
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> all;
  const auto add = [&](const char* name, const Tensor& flat) {
    if (!flat) return;
    for (const auto& slice : arena_.slices())
      all.push_back({concat(name, ".", slice.name), ParameterArena::part(flat, slice), slice.layout});
  };
  add(options_.rule == UpdateRule::sgd ? "momentum_buffer" : "exp_avg", m_);
  add("exp_avg_sq", v_);
  return all;
}

}  // namespace lathe
