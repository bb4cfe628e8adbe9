// Mixup and CutMix: a batch is mixed with itself, each sample with the one before it, the first
// with the last, as torchvision's v2 transforms do. One share for the whole batch is drawn by the
// key of its step, so that it is the same for any number of workers and after a resume. Sources:
// Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018; Yun et al., "CutMix", 2019.
#pragma once

#include "data/image/image.h"
#include "data/transforms/draws.h"
#include "tensor/tensor.h"

namespace lathe {

/// How a batch is mixed. Its loss is share * loss(outputs, labels) + (1 - share) * loss(outputs,
/// labels of the partners).
struct Mix {
  double share = 1;   ///< of each sample itself
  bool cuts = false;  ///< CutMix: `cut` comes from the partner; Mixup: all is blended
  Window cut = {};
};
/// The share from Beta(alpha, alpha).
Mix draw_mixup(double alpha, Draws& draws);
/// A window with the area that such a share leaves, anywhere, cut at the image's edges; the share
/// then counts the pixels that stay.
Mix draw_cutmix(double alpha, int64_t width, int64_t height, Draws& draws);

/// Mixes a batch in place: floating inputs (B, …) on the CPU, (B, height, width, channels)
/// with a cut. Throws Error(usage) for others.
void mix_inputs(Tensor& inputs, const Mix& mix);
/// The partners' labels, of labels (B) or (B, …) on the CPU.
Tensor partner_labels(const Tensor& labels);

}  // namespace lathe
