// Convolution by oneDNN, in f32, and in bf16 where the processor has products of it. Images stay
// (N, H, W, C), as everything around them wants them; the weight is brought into the order that the
// primitive asks for, and its gradient back, by a reorder of oneDNN's. A primitive is compiled for
// one shape, which takes a while, so each thread keeps those that it used, with their memory
// objects; a call sets pointers. Scratch memory is ours. A weight that is marked constant is
// brought into its order once. In f32 the residual and the activation are applied by the primitive
// where it can do so in its inner loop. oneDNN's ReLU turns NaN into 0, which would hide a failure;
// its leaky ReLU does not, so that one is used, with a slope of 1e-20.
#include <array>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "kernels/conv2d_rows.h"
#include "tensor/constant.h"
#include "tensor/plan.h"

namespace lathe::kernels {
namespace {

using dnnl::memory;

enum class Pass : int64_t { forward, backward_input, backward_weight };

/// What a primitive is compiled for.
struct Key {
  Pass pass;
  DType dtype;
  bool bias, residual;  ///< residual and f: those of the forward
  Nonlinearity f;
  Conv2dExtents e;
  Conv2dShape k;

  auto numbers() const {
    return std::array<int64_t, 24>{int64_t(pass), int64_t(dtype),
                                   int64_t(bias), int64_t(residual),
                                   int64_t(f),    e.n,
                                   e.h,           e.w,
                                   e.c,           e.p,
                                   e.q,           e.o,
                                   e.r,           e.s,
                                   e.groups,      k.stride_h,
                                   k.stride_w,    k.pad_top,
                                   k.pad_bottom,  k.pad_left,
                                   k.pad_right,   k.dilation_h,
                                   k.dilation_w,  k.groups};
  }
  bool operator<(const Key& other) const { return numbers() < other.numbers(); }
};

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

const dnnl::stream& stream() {
  static thread_local const dnnl::stream own(engine());
  return own;
}

/// The tensors of a convolution as oneDNN names them: dimensions (N, C, H, W) and (G, O, C, R, S)
/// whatever lies where.
struct Descriptions {
  memory::desc x, w, w_any, bias, y;
  memory::dims strides, dilates, before, after;

  explicit Descriptions(const Key& key) {
    const auto type = key.dtype == DType::f32 ? memory::data_type::f32 : memory::data_type::bf16;
    const Conv2dExtents& e = key.e;
    const Conv2dShape& k = key.k;
    x = {{e.n, e.channels(), e.h, e.w}, type, memory::format_tag::nhwc};
    y = {{e.n, e.filters(), e.p, e.q}, type, memory::format_tag::nhwc};
    const int64_t tap = e.c, row = e.s * tap, filter = e.r * row, group = e.o * filter;
    memory::dims extents = {e.groups, e.o, e.c, e.r, e.s}, steps = {group, filter, 1, row, tap};
    if (e.groups == 1) {
      extents.erase(extents.begin());
      steps.erase(steps.begin());
    }
    w = {extents, type, steps};
    w_any = {extents, type, memory::format_tag::any};
    if (key.bias) bias = {{e.filters()}, type, memory::format_tag::x};
    strides = {k.stride_h, k.stride_w};
    dilates = {k.dilation_h - 1, k.dilation_w - 1};
    before = {k.pad_top, k.pad_left};
    after = {k.pad_bottom, k.pad_right};
  }
};

dnnl::primitive_attr attributes(const dnnl::post_ops& after = {}) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_post_ops(after);
  return attr;
}

/// Whether oneDNN has f such that NaN stays NaN.
bool has_function(Nonlinearity f) { return f == Nonlinearity::relu || f == Nonlinearity::silu; }

/// y + residual, then f.
dnnl::post_ops epilogue(const Key& key, const Descriptions& d) {
  dnnl::post_ops after;
  if (key.residual) after.append_binary(dnnl::algorithm::binary_add, d.y);
  if (!has_function(key.f)) return after;
  const bool relu = key.f == Nonlinearity::relu;
  const auto function = relu ? dnnl::algorithm::eltwise_relu : dnnl::algorithm::eltwise_swish;
  const float alpha = relu ? 1e-20F : 1;
#if DNNL_VERSION_MAJOR >= 3
  after.append_eltwise(function, alpha, 0);
#else
  after.append_eltwise(1, function, alpha, 0);
#endif
  return after;
}

constexpr auto direct = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc forward_of(const Descriptions& d,
                                                     const dnnl::post_ops& after = {}) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),  dnnl::prop_kind::forward_training,
          direct,    d.x,
          d.w_any,   d.bias,
          d.y,       d.strides,
          d.dilates, d.before,
          d.after,   attributes(after)};
#else
  return {{dnnl::prop_kind::forward_training, direct, d.x, d.w_any, d.bias, d.y, d.strides,
           d.dilates, d.before, d.after},
          attributes(after),
          engine()};
#endif
}

dnnl::convolution_backward_data::primitive_desc input_of(const Descriptions& d) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),  direct,   d.x,     d.w_any,       d.y,         d.strides,
          d.dilates, d.before, d.after, forward_of(d), attributes()};
#else
  return {{direct, d.x, d.w_any, d.y, d.strides, d.dilates, d.before, d.after},
          attributes(),
          engine(),
          forward_of(d)};
#endif
}

dnnl::convolution_backward_weights::primitive_desc weight_of(const Descriptions& d) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),  direct,    d.x,      d.w_any, d.bias,        d.y,
          d.strides, d.dilates, d.before, d.after, forward_of(d), attributes()};
#else
  return {{direct, d.x, d.w_any, d.bias, d.y, d.strides, d.dilates, d.before, d.after},
          attributes(),
          engine(),
          forward_of(d)};
#endif
}

void check(dnnl_status_t status) {
  if (status != dnnl_success)
    fail(ErrorKind::device, "conv2d: oneDNN refused the call with status ", int(status));
}

bool starts_with(const char* text, const char* start) {
  return std::string_view(text).starts_with(start);
}

/// A compiled primitive and the memory objects with which it is called; no primitive when oneDNN
/// has none for this processor but plain loops, which we have ourselves.
struct Compiled {
  dnnl::primitive primitive;
  dnnl::reorder reorder;  ///< of the weight; none when it is as the primitive wants it
  memory x, w, packed, bias, y, residual, scratch;
  bool finishes = false;  ///< adds the residual and applies f

  explicit Compiled(const Key& key) {
    try {
      const Descriptions d(key);
      if (key.pass == Pass::forward)
        prepare_forward(key, d);
      else if (key.pass == Pass::backward_input)
        prepare<dnnl::convolution_backward_data>(key, d, input_of(d));
      else
        prepare<dnnl::convolution_backward_weights>(key, d, weight_of(d));
    } catch (const dnnl::error&) {
      primitive = dnnl::primitive();
    }
  }

  void prepare_forward(const Key& key, const Descriptions& d) {
    const dnnl::post_ops after = epilogue(key, d);
    if (after.len() > 0) {
      const auto pd = forward_of(d, after);
      // Its products of matrices (gemm) go over the result again, more slowly than we do.
      finishes = !starts_with(pd.impl_info_str(), "ref") && !strstr(pd.impl_info_str(), "gemm:jit");
      if (finishes) return prepare<dnnl::convolution_forward>(key, d, pd);
    }
    prepare<dnnl::convolution_forward>(key, d, forward_of(d));
  }

  template <class Primitive, class Description>
  void prepare(const Key& key, const Descriptions& d, const Description& pd) {
    if (starts_with(pd.impl_info_str(), "ref")) return;
    const auto object = [](const memory::desc& desc) { return memory(desc, engine(), nullptr); };
    const bool gradient = key.pass == Pass::backward_weight;
    memory::desc packed_desc;
    if constexpr (std::is_same_v<Primitive, dnnl::convolution_backward_weights>)
      packed_desc = pd.diff_weights_desc();
    else
      packed_desc = pd.weights_desc();
    x = object(d.x);
    y = object(d.y);
    w = object(d.w);
    packed = object(packed_desc);
    scratch = object(pd.scratchpad_desc());
    if (key.bias) bias = object(d.bias);
    if (key.residual) residual = object(d.y);
    if (packed_desc != d.w)
      reorder = gradient ? dnnl::reorder(packed, w) : dnnl::reorder(w, packed);
    primitive = Primitive(pd);
  }
};

Compiled& compiled(const Key& key) {
  static thread_local std::map<Key, std::unique_ptr<Compiled>> all;
  std::unique_ptr<Compiled>& one = all[key];
  if (!one) one = std::make_unique<Compiled>(key);
  return *one;
}

/// Memory for an object of oneDNN's, which must live until the call has run.
Tensor bytes_for(memory& object) {
  const auto size = int64_t(object.get_desc().get_size());
  Tensor bytes = Tensor::empty({size}, DType::u8);
  object.set_data_handle(bytes.raw());
  return bytes;
}

void move_weight(Compiled& c, memory& from, memory& to) {
  const std::array<dnnl_exec_arg_t, 2> arguments = {
      {{DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}}};
  check(dnnl_primitive_execute(c.reorder.get(), stream().get(), 2, arguments.data()));
}

/// What is kept with a constant weight: its elements in the orders that were asked for.
struct PackedWeights {
  std::mutex mutex;
  std::vector<std::pair<memory::desc, Tensor>> all;

  Tensor find_or_make(Compiled& c) {
    const std::lock_guard lock(mutex);
    const memory::desc order = c.packed.get_desc();
    for (const auto& [known, bytes] : all)
      if (known == order) return bytes;
    const OutsidePlan outlives;
    all.emplace_back(order, bytes_for(c.packed));
    move_weight(c, c.w, c.packed);
    return all.back().second;
  }
};

/// The weight as the primitive wants it; `memory` holds it until the call has run.
dnnl_memory_t packed_weight(Compiled& c, const Tensor& w, Tensor& memory) {
  c.w.set_data_handle(w.raw());
  if (!c.reorder) return c.w.get();
  if (auto* const kept = derived_from<PackedWeights>(w)) {
    memory = kept->find_or_make(c);
    c.packed.set_data_handle(memory.raw());
  } else {
    memory = bytes_for(c.packed);
    move_weight(c, c.w, c.packed);
  }
  return c.packed.get();
}

/// Calls the primitive with those of the arguments that are there.
void execute(Compiled& c, std::initializer_list<dnnl_exec_arg_t> arguments) {
  std::array<dnnl_exec_arg_t, 6> present;
  int count = 0;
  for (const dnnl_exec_arg_t& argument : arguments)
    if (argument.memory) present[size_t(count++)] = argument;
  check(dnnl_primitive_execute(c.primitive.get(), stream().get(), count, present.data()));
}

Key forward_key(const Tensor& y, const Tensor& x, const Tensor& w, bool bias, bool residual,
                Nonlinearity f, const Conv2dShape& k) {
  const bool ours = y.dtype() != DType::f32;
  return {Pass::forward,
          y.dtype(),
          bias,
          residual && !ours,
          ours ? Nonlinearity::none : f,
          conv2d_extents(y, x, w, k),
          k};
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  Compiled& c = compiled(forward_key(y, x, w, bool(bias), bool(residual), f, k));
  Tensor added = kept_residual(y, residual), packed;
  c.x.set_data_handle(x.raw());
  c.y.set_data_handle(y.raw());
  if (bias) c.bias.set_data_handle(bias.raw());
  if (residual && c.finishes) c.residual.set_data_handle(added.raw());
  const Tensor scratch = bytes_for(c.scratch);
  execute(c, {{DNNL_ARG_SRC, c.x.get()},
              {DNNL_ARG_WEIGHTS, packed_weight(c, w, packed)},
              {DNNL_ARG_DST, c.y.get()},
              {DNNL_ARG_SCRATCHPAD, c.scratch.get()},
              {DNNL_ARG_BIAS, bias ? c.bias.get() : nullptr},
              {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
               residual && c.finishes ? c.residual.get() : nullptr}});
  if (c.finishes) added = Tensor();
  if (c.finishes && has_function(f)) f = Nonlinearity::none;
  y.dtype() == DType::f32 ? add_and_apply<float>(y, added, f) : add_and_apply<bf16>(y, added, f);
}

Key backward_key(Pass pass, const Tensor& y, const Tensor& x, const Tensor& w, bool bias,
                 const Conv2dShape& k) {
  return {pass, y.dtype(), bias, false, Nonlinearity::none, conv2d_extents(y, x, w, k), k};
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  Compiled& c = compiled(backward_key(Pass::backward_input, dy, dx, w, false, k));
  c.x.set_data_handle(dx.raw());
  c.y.set_data_handle(dy.raw());
  const Tensor scratch = bytes_for(c.scratch);
  Tensor packed;
  execute(c, {{DNNL_ARG_DIFF_SRC, c.x.get()},
              {DNNL_ARG_WEIGHTS, packed_weight(c, w, packed)},
              {DNNL_ARG_DIFF_DST, c.y.get()},
              {DNNL_ARG_SCRATCHPAD, c.scratch.get()}});
}

void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  Compiled& c = compiled(backward_key(Pass::backward_weight, dy, x, dw, bool(dbias), k));
  c.x.set_data_handle(x.raw());
  c.y.set_data_handle(dy.raw());
  c.w.set_data_handle(dw.raw());
  if (dbias) c.bias.set_data_handle(dbias.raw());
  const Tensor scratch = bytes_for(c.scratch);
  Tensor packed;
  if (c.reorder) packed = bytes_for(c.packed);
  execute(c, {{DNNL_ARG_SRC, c.x.get()},
              {DNNL_ARG_DIFF_WEIGHTS, (c.reorder ? c.packed : c.w).get()},
              {DNNL_ARG_DIFF_DST, c.y.get()},
              {DNNL_ARG_SCRATCHPAD, c.scratch.get()},
              {DNNL_ARG_DIFF_BIAS, dbias ? c.bias.get() : nullptr}});
  if (c.reorder) move_weight(c, c.packed, c.w);
}

Fit fits_types(const Tensor& y, const Tensor& x) {
  if (y.dtype() != DType::f32 && y.dtype() != DType::bf16) return "needs f32 or bf16";
  return y.numel() > 0 && x.numel() > 0 ? Fit() : "needs at least one element everywhere";
}
Fit fits(const Key& key) {
  return compiled(key).primitive
             ? Fit()
             : "needs a shape and a type for which oneDNN has more than plain loops here";
}

Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                 const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  const Fit types = fits_types(y, x);
  return types ? fits(forward_key(y, x, w, bool(bias), bool(residual), f, k)) : types;
}
Fit fits_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Fit types = fits_types(dx, dy);
  return types ? fits(backward_key(Pass::backward_input, dy, dx, w, false, k)) : types;
}
Fit fits_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  const Fit types = fits_types(dy, x);
  return types ? fits(backward_key(Pass::backward_weight, dy, x, dw, bool(dbias), k)) : types;
}

}  // namespace

REGISTER_KERNELS(conv2d_forward, cpu, vendor, {"onednn", forward, fits_forward});
REGISTER_KERNELS(conv2d_backward_input, cpu, vendor, {"onednn", backward_input, fits_input});
REGISTER_KERNELS(conv2d_backward_weight, cpu, vendor, {"onednn", backward_weight, fits_weight});

}  // namespace lathe::kernels
