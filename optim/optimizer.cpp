#include "optim/optimizer.h"

#include <cmath>

#include "kernels/weight_passes.h"

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
  LATHE_CHECK(o.l1 >= 0, "optimizer: l1 is 0 or more, got ", o.l1);
  for (const OptimizerOptions::Group& group : o.groups)
    LATHE_CHECK(group.lr >= 0 && group.weight_decay >= 0,
                "optimizer: a group's lr and weight_decay are 0 or more, got ", group.lr, " and ",
                group.weight_decay);
  LATHE_CHECK(arena.slices().back().group <= int(o.groups.size()), "optimizer: the arena has ",
              arena.slices().back().group + 1, " groups, but there are options for ",
              o.groups.size() + 1);
  for (size_t i = 0; i <= o.groups.size(); ++i)
    hyper_.push_back(Tensor::zeros({kernels::Hyper::count}, DType::f64, device));
  if (o.clip_norm > 0) norm_ = Tensor::zeros({1}, DType::f64, device);
}

void Optimizer::advance(double batches) {
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
  hyper.inverse_loss_scale = 1 / batches;
  hyper.l1 = options_.l1 * batches;
  for (size_t i = 0; i < hyper_.size(); ++i) {
    if (i > 0) {
      hyper.lr = options_.groups[i - 1].lr;
      hyper.weight_decay = options_.groups[i - 1].weight_decay;
    }
    kernels::write_hyper(hyper_[i], hyper);
  }
}

void Optimizer::watch(const Tensor& loss) {
  for (const Tensor& hyper : hyper_) {
    Tensor at = hyper.slice(kernels::Hyper::loss_at, kernels::Hyper::loss_at + 1);
    copy_(at, loss);
  }
}

void Optimizer::apply() {
  const auto& slices = arena_.slices();
  if (norm_ || options_.l1 > 0)
    for (const auto& slice : slices)
      if (!slice.parameter.grad()) {
        Tensor missing = ParameterArena::part(arena_.grads(), slice);
        fill_(missing, 0);
      }
  if (options_.l1 > 0) {
    Tensor grads = arena_.grads();
    kernels::add_l1_gradient(grads, arena_.values(), hyper_[0]);
  }
  if (norm_) kernels::gradient_norm(norm_, arena_.grads());
  // Neighbours of a group that all have a gradient are one range; without unused parameters it is
  // the whole group. A penalty gives all of them one.
  const auto has_gradient = [&](size_t i) { return options_.l1 > 0 || slices[i].parameter.grad(); };
  for (size_t i = 0; i < slices.size();) {
    if (!has_gradient(i)) {
      ++i;
      continue;
    }
    size_t j = i;
    while (j < slices.size() && has_gradient(j) && slices[j].group == slices[i].group) ++j;
    const int64_t begin = slices[i].begin,
                  end = j < slices.size() ? slices[j].begin : arena_.numel();
    Tensor values = arena_.values().slice(begin, end);
    Tensor m = m_ ? m_.slice(begin, end) : Tensor(), v = v_ ? v_.slice(begin, end) : Tensor();
    kernels::optimizer_step(values, m, v, arena_.grads().slice(begin, end), hyper(slices[i].group),
                            norm_, options_.rule);
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
      all.push_back(
          {concat(name, ".", slice.name), ParameterArena::part(flat, slice), slice.layout});
  };
  add(options_.rule == UpdateRule::sgd ? "momentum_buffer" : "exp_avg", m_);
  add("exp_avg_sq", v_);
  return all;
}

}  // namespace lathe
