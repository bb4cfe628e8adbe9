#include "data/mix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/transforms/pixels.h"
#include "data/transforms/random_parameters.h"
#include "tensor/check.h"

namespace lathe {

Mix draw_mixup(double alpha, Draws& draws) {
  LATHE_CHECK(alpha > 0 && alpha <= 1e6, "mixup: expects an alpha above 0, got ", alpha);
  return {draw_beta(alpha, draws)};
}

Mix draw_cutmix(double alpha, int64_t width, int64_t height, Draws& draws) {
  LATHE_CHECK(alpha > 0 && alpha <= 1e6, "cutmix: expects an alpha above 0, got ", alpha);
  const double half = 0.5 * std::sqrt(1 - draw_beta(alpha, draws));
  struct Ends {
    int64_t begin, end;
  };
  const auto ends = [&](int64_t side) {
    const int64_t middle = draws.below(side), reach = int64_t(half * double(side));
    return Ends{std::max<int64_t>(middle - reach, 0), std::min(middle + reach, side)};
  };
  const Ends x = ends(width), y = ends(height);
  const Window cut = {x.begin, y.begin, x.end - x.begin, y.end - y.begin};
  return {1 - double(cut.width * cut.height) / double(width * height), true, cut};
}

namespace {

template <class T>
void blend(T* to, const T* from, int64_t count, const Mix& mix) {
  using A = acc_t<T>;
  const A share = A(mix.share), rest = A(1 - mix.share);
  for (int64_t i = 0; i < count; ++i) to[i] = T(A(from[i]) * rest + A(to[i]) * share);
}

/// An image of `width` pixels of `channels`.
template <class T>
void paste_cut(T* to, const T* from, int64_t width, int64_t channels, const Window& cut) {
  for (int64_t y = cut.y; y < cut.y + cut.height; ++y) {
    const int64_t first = (y * width + cut.x) * channels;
    std::copy_n(from + first, cut.width * channels, to + first);
  }
}

}  // namespace

void mix_inputs(Tensor& inputs, const Mix& mix) {
  const Shape shape = inputs.shape();
  LATHE_CHECK(inputs.device() == Device::cpu && shape.rank() >= 1 && inputs.numel() > 0 &&
                  (!mix.cuts || shape.rank() == 4),
              mix.cuts ? "cutmix: expects images (B, height, width, channels)"
                       : "mixup: expects a batch (B, …)",
              " on the CPU, got ", shape);
  const bool nothing = mix.cuts && (mix.cut.width == 0 || mix.cut.height == 0);
  if (mix.cuts && !nothing) check_window("cutmix", shape[2], shape[1], mix.cut);
  if (nothing) return;
  const int64_t batch = shape[0], size = inputs.numel() / batch;
  dispatch_floating("mix", inputs.dtype(), [&]<class T>() {
    T* samples = inputs.data<T>();
    // From the last to the first, each partner is unchanged yet, but for the first one's.
    const std::vector<T> last(samples + (batch - 1) * size, samples + batch * size);
    for (int64_t i = batch - 1; i >= 0; --i) {
      T* to = samples + i * size;
      const T* from = i == 0 ? last.data() : to - size;
      if (mix.cuts)
        paste_cut(to, from, shape[2], shape[3], mix.cut);
      else
        blend(to, from, size, mix);
    }
  });
}

Tensor partner_labels(const Tensor& labels) {
  LATHE_CHECK(labels.device() == Device::cpu && labels.shape().rank() >= 1 && labels.numel() > 0,
              "mix: expects the labels of a batch, (B, …) on the CPU, got ", labels.shape());
  Tensor partners = Tensor::empty(labels.shape(), labels.dtype());
  const std::byte* from = labels.raw();
  std::byte* to = partners.raw();
  const size_t all = size_t(labels.bytes()), one = all / size_t(labels.shape()[0]);
  std::memcpy(to, from + all - one, one);
  std::memcpy(to + one, from, all - one);
  return partners;
}

}  // namespace lathe
