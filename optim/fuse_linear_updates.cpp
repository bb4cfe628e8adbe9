#include "optim/fuse_linear_updates.h"

#include <algorithm>
#include <optional>

#include "kernels/linear_update.h"
#include "kernels/matmul.h"
#include "kernels/reduce.h"

namespace lathe {
namespace {

using Calls = std::vector<std::unique_ptr<KernelCall>>;
using MatmulCall = decltype(kernels::matmul)::Call;
using SumCall = decltype(kernels::sum_rows)::Call;
using StepCall = decltype(kernels::optimizer_step)::Call;

/// Batches up to this size are fused. Beyond, weights are no longer what takes the time: at 256 the
/// separate products are as fast, at 512 a sixth faster, and the scratch memory grows with the
/// batch.
constexpr int64_t most_samples = 128;

/// The bound call when it is one of the given kernel; null otherwise.
template <class Call, class KernelType>
Call* as(const std::unique_ptr<KernelCall>& call, const KernelType& kernel) {
  return call && call->kernel == &kernel ? static_cast<Call*>(call.get()) : nullptr;
}

bool overlap(const Tensor& a, const Tensor& b) {
  return a && b && a.raw() < b.raw() + b.bytes() && b.raw() < a.raw() + a.bytes();
}

bool touches(KernelCall& call, const Tensor& memory) {
  bool found = false;
  call.for_each_tensor([&](Tensor& x) { found |= overlap(x, memory); });
  return found;
}

/// A parameter's values, gradient and moments, as slices of the optimiser's flat arrays.
struct Parameter {
  Tensor value, grad, m, v;
  int64_t begin, end;
  int group;
};

Parameter parameter_of(const Optimizer& optimizer, const ParameterArena::Slice& slice) {
  const auto part = [&](const Tensor& flat) {
    return flat ? ParameterArena::part(flat, slice) : Tensor();
  };
  return {slice.parameter,     part(optimizer.arena().grads()),
          part(optimizer.m()), part(optimizer.v()),
          slice.begin,         slice.end,
          slice.group};
}

/// One Linear's backward in the plan; indices of calls, -1 when absent.
struct LinearBackward {
  Parameter weight;
  std::optional<Parameter> bias;
  int weight_call = -1, bias_call = -1, input_call = -1;
};

int find_weight_gradient(const Calls& calls, const Parameter& weight) {
  for (size_t i = 0; i < calls.size(); ++i)
    if (auto* call = as<MatmulCall>(calls[i], kernels::matmul)) {
      const auto& [dw, dy, x, bias, options] = call->args;
      if (dw.same_elements(weight.grad) && options.transpose_a && !options.transpose_b &&
          dy.rank() == 2 && dy.dim(0) <= most_samples && !bias)
        return int(i);
    }
  return -1;
}

/// Whether anything but the calls of this Linear's own backward and the optimiser uses what the
/// fused kernel will change early (weight, bias) or no longer write (their gradients).
bool others_interfere(const Calls& calls, const LinearBackward& linear) {
  for (int i = 0; i < int(calls.size()); ++i) {
    KernelCall* call = calls[size_t(i)].get();
    if (!call || i == linear.weight_call || i == linear.bias_call || i == linear.input_call)
      continue;
    if (as<StepCall>(calls[size_t(i)], kernels::optimizer_step)) continue;
    const bool later = i > linear.weight_call;
    if (touches(*call, linear.weight.grad) || (later && touches(*call, linear.weight.value)))
      return true;
    if (linear.bias &&
        (touches(*call, linear.bias->grad) || (later && touches(*call, linear.bias->value))))
      return true;
  }
  return false;
}

std::optional<LinearBackward> find_linear(const Calls& calls, const Optimizer& optimizer,
                                          const Parameter& weight) {
  if (weight.value.rank() != 2) return std::nullopt;
  LinearBackward linear{weight, std::nullopt};
  linear.weight_call = find_weight_gradient(calls, weight);
  if (linear.weight_call < 0) return std::nullopt;
  const Tensor& dy = std::get<1>(static_cast<MatmulCall&>(*calls[size_t(linear.weight_call)]).args);
  // The rest of the layer's backward follows at once, in this order; anything else in between ends
  // the search.
  int next = linear.weight_call + 1;
  if (next < int(calls.size()))
    if (auto* call = as<SumCall>(calls[size_t(next)], kernels::sum_rows))
      for (const auto& slice : optimizer.arena().slices()) {
        const Parameter candidate = parameter_of(optimizer, slice);
        const auto& [db, summed] = call->args;
        if (db.same_elements(candidate.grad) && summed.same_elements(dy)) {
          if (candidate.group == weight.group) {  // else its sum and its update stay as they are
            linear.bias = candidate;
            linear.bias_call = next;
          }
          ++next;
          break;
        }
      }
  if (next < int(calls.size()))
    if (auto* call = as<MatmulCall>(calls[size_t(next)], kernels::matmul)) {
      const auto& [dx, a, b, bias, options] = call->args;
      if (a.same_elements(dy) && b.same_elements(weight.value) && !options.transpose_a &&
          !options.transpose_b && !bias)
        linear.input_call = next;
    }
  if (others_interfere(calls, linear)) return std::nullopt;
  return linear;
}

/// Puts the fused call in the place of the layer's last call; the others become empty.
void replace(Calls& calls, const LinearBackward& linear, const Optimizer& optimizer,
             Tensor& scratch) {
  const auto& [dw, dy, x, bias, options] =
      static_cast<MatmulCall&>(*calls[size_t(linear.weight_call)]).args;
  Tensor dx;
  if (linear.input_call >= 0)
    dx = std::get<0>(static_cast<MatmulCall&>(*calls[size_t(linear.input_call)]).args);
  Tensor w = linear.weight.value.detach(), m = linear.weight.m, v = linear.weight.v;
  Tensor b, b_m, b_v;
  if (linear.bias) b = linear.bias->value.detach(), b_m = linear.bias->m, b_v = linear.bias->v;
  auto fused = kernels::linear_backward_update.bind(w, b, m, v, b_m, b_v, dx, scratch, dy, x,
                                                    optimizer.hyper(linear.weight.group),
                                                    optimizer.options().rule);
  const int last = std::max({linear.weight_call, linear.bias_call, linear.input_call});
  for (int i : {linear.weight_call, linear.bias_call, linear.input_call})
    if (i >= 0) calls[size_t(i)].reset();
  calls[size_t(last)] = std::move(fused);
}

/// Appends the part [begin, end) of an optimiser's pass, in elements of the arena; nothing where
/// only the padding between parameters lies.
void append_part(Calls& calls, const StepCall& step, const Optimizer& optimizer, int64_t first,
                 int64_t begin, int64_t end) {
  const auto& slices = optimizer.arena().slices();
  const bool padding_only = std::none_of(slices.begin(), slices.end(), [&](const auto& slice) {
    return slice.begin < end && slice.end > begin;
  });
  if (begin >= end || padding_only) return;
  const auto cut = [&](const Tensor& x) {
    return x ? x.slice(begin - first, end - first) : Tensor();
  };
  const auto& [values, m, v, grads, hyper, norm, rule] = step.args;
  Tensor part = cut(values), part_m = cut(m), part_v = cut(v);
  calls.push_back(
      kernels::optimizer_step.bind(part, part_m, part_v, cut(grads), hyper, norm, rule));
}

/// Cuts the fused parameters out of the optimiser's passes over flat ranges.
void shorten_steps(Calls& calls, const Optimizer& optimizer,
                   std::vector<std::pair<int64_t, int64_t>> done) {
  std::sort(done.begin(), done.end());
  Calls result;
  for (auto& call : calls) {
    if (const auto* step = as<StepCall>(call, kernels::optimizer_step)) {
      const Tensor& values = std::get<0>(step->args);
      const std::byte* base = optimizer.arena().values().raw();
      const int64_t first = (values.raw() - base) / size_of(values.dtype());
      const int64_t last = first + values.numel();
      int64_t at = first;
      for (const auto& [begin, end] : done) {
        if (begin < first || end > last) continue;
        append_part(result, *step, optimizer, first, at, begin);
        at = end;
      }
      append_part(result, *step, optimizer, first, at, last);
    } else if (call) {
      result.push_back(std::move(call));
    }
  }
  calls = std::move(result);
}

}  // namespace

int fuse_linear_updates(Plan& plan, const Optimizer& optimizer) {
  if (optimizer.options().clip_norm > 0 || optimizer.options().l1 > 0) return 0;
  const auto& fused = kernels::linear_backward_update;
  const Device device = optimizer.arena().values().device();
  if (fused.begin(device) == fused.end(device)) return 0;  // the separate kernels run there
  Calls& calls = plan.calls();
  std::vector<LinearBackward> found;
  int64_t scratch_size = 0;
  for (const auto& slice : optimizer.arena().slices())
    if (auto linear = find_linear(calls, optimizer, parameter_of(optimizer, slice))) {
      const Tensor& x =
          std::get<2>(static_cast<MatmulCall&>(*calls[size_t(linear->weight_call)]).args);
      scratch_size = std::max(
          scratch_size,
          kernels::linear_update_scratch(device, x.dim(0), x.dim(1), slice.parameter.dim(0)));
      found.push_back(std::move(*linear));
    }
  if (found.empty()) return 0;
  const Tensor& values = optimizer.arena().values();
  Tensor scratch = Tensor::empty({scratch_size}, values.dtype(), values.device());
  std::vector<std::pair<int64_t, int64_t>> done;
  for (const LinearBackward& linear : found) {
    replace(calls, linear, optimizer, scratch);
    done.emplace_back(linear.weight.begin, linear.weight.end);
    if (linear.bias) done.emplace_back(linear.bias->begin, linear.bias->end);
  }
  shorten_steps(calls, optimizer, std::move(done));
  return int(found.size());
}

}  // namespace lathe
