#include "train/mixing.h"

#include "layers/arithmetic.h"
#include "tensor/check.h"

namespace lathe {

Mixing::Mixing(const MixingOptions& options, LossFunction loss, const Shape& sample)
    : options_(options), loss_(std::move(loss)) {
  LATHE_CHECK(options.cutmix == 0 || sample.rank() == 3,
              "train.cutmix: expects images (height, width, channels), got samples ", sample,
              "; train.mixup takes any");
}

void Mixing::mix(Tensor inputs, const Tensor& labels, uint32_t epoch, int64_t batch) {
  constexpr uint32_t place = 0xffffffff;  // behind all steps of a sample's transforms
  Draws draws(RandomStream(options_.seed, Purpose::augment, epoch, uint32_t(batch), place));
  const Mix mix = options_.cutmix > 0
                      ? draw_cutmix(options_.cutmix, inputs.dim(2), inputs.dim(1), draws)
                      : draw_mixup(options_.mixup, draws);
  mix_inputs(inputs, mix);
  partners_ = partner_labels(labels);
  share_ = mix.share;
  const auto known = feeds_.find(labels.numel());
  if (known != feeds_.end()) set(known->second);
}

void Mixing::set(Feed& feed) const {
  copy_(feed.partners, partners_);
  fill_(feed.share, share_);
  fill_(feed.rest, 1 - share_);
}

/// Traced once for each size of a batch.
Tensor Mixing::mixed(const Tensor& outputs, const Tensor& labels) {
  const Tensor own = loss_(outputs, labels);
  Feed& feed = feeds_[labels.numel()];
  if (!feed.partners) {
    const OutsidePlan is_written_for_each_step;
    feed.partners = Tensor::zeros(labels.shape(), labels.dtype(), labels.device());
    feed.share = Tensor::full(own.shape(), 1, own.dtype(), own.device());
    feed.rest = Tensor::full(own.shape(), 0, own.dtype(), own.device());
    if (partners_ && partners_.numel() == labels.numel()) set(feed);
  }
  return add(mul(own, feed.share), mul(loss_(outputs, feed.partners), feed.rest));
}

}  // namespace lathe
