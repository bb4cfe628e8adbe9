#include "apps/profile_samples.h"

#include <utility>

#include "kernels/batch_norm.h"
#include "kernels/columns.h"
#include "kernels/conv2d.h"
#include "kernels/drop_path.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/linear_update.h"
#include "kernels/loss.h"
#include "kernels/matmul.h"
#include "kernels/optimizer.h"
#include "kernels/pool2d.h"
#include "kernels/reduce.h"
#include "kernels/resample2d.h"
#include "kernels/scale_channels.h"
#include "kernels/softmax.h"
#include "kernels/weight_passes.h"
#include "tensor/basic_kernels.h"
#include "tensor/random.h"

namespace lathe::apps {
namespace {

using kernels::OpList;

/// Numbers of [0.5, 1.5), which every op takes, on the device.
Tensor values(const Shape& shape, DType dtype = DType::f32) {
  Tensor x = Tensor::empty(shape);
  uniform_(x, 0.5, 1.5, RandomStream(0, Purpose::generate));
  return (dtype == DType::f32 ? x : x.to(dtype)).to(Device::cuda);
}

Tensor integers(int64_t count, int64_t below) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < count; ++i) all.push_back(i * 37 % below);
  return Tensor::from(all, {count}).to(Device::cuda);
}

class Samples {
 public:
  template <class... Args>
  void add(const Kernel<void(Args...)>& kernel, std::string arguments, std::decay_t<Args>... args) {
    list.push_back({&kernel, std::move(arguments),
                    [&kernel, args...]() mutable -> std::unique_ptr<KernelCall> {
                      return kernel.bind(args...);
                    }});
  }
  std::vector<Sample> list;

  // The activations of a batch of 64 that most samples work on, and a row of them.
  const Tensor x = values({64, 256}), y = values({64, 256}), dy = values({64, 256}),
               row = values({256}), column = values({64});
};

void add_basic(Samples& s) {
  s.add(kernels::fill, "64x256 f32", s.y, 1.0);
  s.add(kernels::copy, "64x256 f32", s.y, s.x);
  s.add(kernels::cast, "64x256 f32 to bf16", values({64, 256}, DType::bf16), s.x);
  s.add(kernels::accumulate, "64x256 f32", s.y, s.x, s.dy);
  s.add(kernels::relu_mask, "64x256 f32", s.y, s.dy, s.x);
  s.add(kernels::dropout, "64x256 f32", s.y, s.x, integers(1, 1), {.seed = 1, .p = 0.5});
}

template <class Op>
void add_unary(Samples& s) {
  s.add(kernels::unary_forward<Op>, "64x256 f32", s.y, s.x, Op());
  s.add(kernels::unary_backward<Op>, "64x256 f32", s.y, s.dy, s.x, Op());
}
template <class Op>
void add_binary(Samples& s) {
  s.add(kernels::binary_forward<Op>, "64x256 and 64x256 f32", s.y, s.x, s.dy, Op());
  s.add(kernels::binary_forward<Op>, "64x256 and 256 f32", s.y, s.x, s.row, Op());
  s.add(kernels::binary_backward_b<Op>, "64x256 and 256 f32", values({256}), s.dy, s.x, s.row,
        Op());
}
template <class Op>
void add_product(Samples& s) {
  s.add(kernels::binary_backward_a<Op>, "64x256 and 256 f32", s.y, s.dy, s.x, s.row, Op());
}
template <class... Unary, class... Binary, class... Products>
void add_elementwise(Samples& s, OpList<Unary...>, OpList<Binary...>, OpList<Products...>) {
  (add_unary<Unary>(s), ...);
  (add_binary<Binary>(s), ...);
  (add_product<Products>(s), ...);
}

void add_rows(Samples& s) {
  for (const auto& [rows, columns] : {std::pair{64, 256}, {16, 2048}}) {
    const std::string what = concat(rows, "x", columns, " f32");
    const Tensor x = values({rows, columns}), y = values({rows, columns}),
                 dy = values({rows, columns});
    s.add(kernels::softmax_forward, what, y, x);
    s.add(kernels::log_softmax_forward, what, y, x);
    s.add(kernels::softmax_backward, what, y, dy, x);
    s.add(kernels::log_softmax_backward, what, y, dy, x);
  }
  s.add(kernels::sum_rows, "64x256 f32", values({256}), s.x);
  s.add(kernels::sum_rows, "1024x64 f32", values({64}), values({1024, 64}));
  s.add(kernels::sum_columns, "64x256 f32", values({64}), s.x, 1.0);
  s.add(kernels::sum_columns, "1x65536 f32", values({1}), values({1, 65536}), 1.0);
  s.add(kernels::max_columns, "64x256 f32", values({64}), integers(64, 256), s.x);
  s.add(kernels::repeat_columns, "64x256 f32", s.y, s.column, 1.0);
  s.add(kernels::repeat_rows, "64x256 f32", s.y, s.row, 1.0);
  s.add(kernels::place_columns, "64x256 f32", s.y, s.column, integers(64, 256));
}

void add_losses(Samples& s) {
  const Tensor loss = values({1}), logits = values({4096}), slope = values({4096}),
               targets = values({4096});
  s.add(kernels::bce_with_logits, "4096 f32", loss, slope, logits, targets, 1.0);
  s.add(kernels::mse, "4096 f32", loss, slope, logits, targets);
  s.add(kernels::cross_entropy, "64x256 f32", loss, s.y, s.x, integers(64, 256), Tensor(), 0.0);
  s.add(kernels::loss_backward, "64x256 f32", s.y, loss, s.x, 1.0);
}

void add_optimizer(Samples& s) {
  using kernels::UpdateRule;
  constexpr int64_t n = 65536;
  const Tensor w = values({n}), m = values({n}), v = values({n}), g = values({n}),
               hyper = kernels::hyper_tensor({.lr = 1e-3, .momentum = 0.9}).to(Device::cuda),
               norm = values({1}, DType::f64);
  s.add(kernels::optimizer_step, "sgd, 65536 f32", w, m, Tensor(), g, hyper, norm, UpdateRule::sgd);
  s.add(kernels::optimizer_step, "adam, 65536 f32", w, m, v, g, hyper, norm, UpdateRule::adam);
  s.add(kernels::optimizer_step, "adamw, 65536 f32", w, m, v, g, hyper, norm, UpdateRule::adamw);
  s.add(kernels::gradient_norm, "65536 f32", norm, g);
  s.add(kernels::add_l1_gradient, "65536 f32", g, w, hyper);
  s.add(kernels::update_average, "65536 f32", m, w, 0.99);

  const auto weights = [] { return values({256, 256}); };
  s.add(kernels::linear_backward_update, "adam, batch 4, 256x256 f32", weights(), values({256}),
        weights(), weights(), values({256}), values({256}), Tensor(),
        values({kernels::linear_update_scratch(Device::cuda, 4, 256, 256)}), values({4, 256}),
        values({4, 256}), hyper, UpdateRule::adam);
}

void add_matmul(Samples& s) {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    const auto matrix = [dtype] { return values({128, 128}, dtype); };
    const std::string what = concat("128x128x128 ", dtype);
    s.add(kernels::matmul, what, matrix(), matrix(), matrix(), Tensor(), {});
    s.add(kernels::matmul, what + ", b transposed", matrix(), matrix(), matrix(), Tensor(),
          {.transpose_b = true});
  }
}

/// A 14 x 14 picture, as in the third stage of a residual network, and 3 x 3 filters unless it says
/// otherwise.
void add_conv2d(Samples& s) {
  struct Convolution {
    const char* what;
    int64_t channels, filters, window;
    kernels::Conv2dShape shape;
  };
  const kernels::Conv2dShape same{.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1};
  const auto in_groups = [&](int64_t groups) {
    kernels::Conv2dShape shape = same;
    shape.groups = groups;
    return shape;
  };
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const Convolution& v : {Convolution{"64 to 64, 3x3", 64, 64, 3, same},
                                 {"64 to 128, 1x1", 64, 128, 1, {}},
                                 {"128 in 32 groups, 3x3", 128, 128, 3, in_groups(32)},
                                 {"128 depthwise, 3x3", 128, 128, 3, in_groups(128)}}) {
      const std::string what = concat("14x14x", v.what, " ", dtype);
      const Tensor x = values({1, 14, 14, v.channels}, dtype),
                   y = values({1, 14, 14, v.filters}, dtype),
                   w = values({v.filters, v.window, v.window, v.channels / v.shape.groups}, dtype);
      s.add(kernels::conv2d_forward, what, y, x, w, Tensor(), Tensor(), kernels::Nonlinearity::none,
            v.shape);
      s.add(kernels::conv2d_backward_input, what, x, y, w, v.shape);
      s.add(kernels::conv2d_backward_weight, what, w, Tensor(), y, x, v.shape);
    }
}

/// Statistics of 64 channels, of two 14 x 14 pictures.
void add_batch_norm(Samples& s) {
  constexpr auto f = kernels::Nonlinearity::relu;
  const Shape shape{2, 14, 14, 64};
  const Tensor x = values(shape), y = values(shape), dy = values(shape), channel = values({64}),
               mean = values({64}, DType::f64), rstd = values({64}, DType::f64),
               batches = Tensor::zeros({}, DType::i64, Device::cuda);
  const std::string what = "2x14x14x64 f32, relu";
  s.add(kernels::batch_norm_forward, what, y, mean, rstd, values({64}), values({64}), batches, x,
        channel, channel, Tensor(), f, {});
  s.add(kernels::batch_norm_inference, what, y, mean, rstd, x, values({64}), values({64}), channel,
        channel, Tensor(), f, {});
  s.add(kernels::batch_norm_backward, what, values(shape), Tensor(), values({64}), values({64}), dy,
        x, Tensor(), mean, rstd, channel, channel, f, kernels::Statistics::batch);
}

void add_images(Samples& s) {
  using kernels::ResampleAxis;
  using kernels::ResampleKind;
  const Shape shape{2, 14, 14, 64}, halves{2, 7, 7, 64};
  const Tensor x = values(shape), half = values(halves), scales = values({2, 64}),
               index = Tensor::zeros(halves, DType::u8, Device::cuda);
  const kernels::Pool2dShape window{
      .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1};
  const std::string what = "2x14x14x64 f32";
  s.add(kernels::max_pool2d_forward, what + ", 3x3", half, index, x, window);
  s.add(kernels::max_pool2d_backward, what + ", 3x3", values(shape), half, index, window);
  const ResampleAxis pairs{.in = 14, .out = 7, .kernel = 2, .stride = 2},
      all{.kind = ResampleKind::adaptive, .in = 14, .out = 1};
  s.add(kernels::resample2d, what + ", 2x2 means", half, x, {pairs, pairs});
  s.add(kernels::resample2d, what + ", means", values({2, 1, 1, 64}), x, {all, all});
  s.add(kernels::scale_channels_forward, what, values(shape), x, scales);
  s.add(kernels::scale_channels_backward, what, values(shape), values({2, 64}), x, x, scales);
  s.add(kernels::copy_columns, what + " into 128 channels", values({2, 14, 14, 128}), 32, x, 0, 64);
  s.add(kernels::swap_last, "2x196x64 f32", values({2, 64, 196}), values({2, 196, 64}));
  s.add(kernels::drop_path, what, values(shape), x, Tensor(), integers(1, 1),
        {.seed = 1, .p = 0.5});
}

}  // namespace

std::vector<Sample> profile_samples() {
  Samples samples;
  add_basic(samples);
  add_batch_norm(samples);
  add_images(samples);
  add_elementwise(samples, kernels::UnaryOps{}, kernels::BinaryOps{}, kernels::ProductOps{});
  add_rows(samples);
  add_losses(samples);
  add_optimizer(samples);
  add_matmul(samples);
  add_conv2d(samples);
  return std::move(samples.list);
}

}  // namespace lathe::apps
