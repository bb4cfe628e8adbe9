#include "models/inception_v3.h"

#include "layers/arithmetic.h"
#include "layers/channels.h"
#include "layers/init.h"
#include "layers/pool2d.h"

namespace lathe {
namespace {

/// From ImageNet's means and deviations of each channel to 0.5 and 0.5.
Tensor renormalized(const Tensor& x) {
  constexpr double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
  std::vector<Tensor> channels;
  for (int c = 0; c < 3; ++c)
    channels.push_back(
        add(mul(slice_channels(x, c, c + 1), deviation[c] / 0.5), (mean[c] - 0.5) / 0.5));
  return concat_channels(channels);
}

}  // namespace

InceptionV3::InceptionV3(const InceptionV3Options& options)
    : transform_input_(options.transform_input),
      conv_1a_(3, 32, 3, 2),
      conv_2a_(32, 32, 3),
      conv_2b_(32, 64, 3, 1, 1),
      conv_3b_(64, 80, 1),
      conv_4a_(80, 192, 3),
      mixed_5b_(inception_a(192, 32)),
      mixed_5c_(inception_a(256, 64)),
      mixed_5d_(inception_a(288, 64)),
      mixed_6a_(inception_b(288)),
      mixed_6b_(inception_c(768, 128)),
      mixed_6c_(inception_c(768, 160)),
      mixed_6d_(inception_c(768, 160)),
      mixed_6e_(inception_c(768, 192)),
      mixed_7a_(inception_d(768)),
      mixed_7b_(inception_e(1280)),
      mixed_7c_(inception_e(2048)),
      fc_(2048, options.classifier) {
  if (options.aux_logits)
    aux_ = std::make_unique<InceptionAux>(768, options.classifier.num_classes);
  if (fc_.is_linear()) init_normal_(fc_.last().weight, 0.1);
}

Tensor InceptionV3::to_17x17(const Tensor& x) {  // (N, 299, 299, 3)
  LATHE_CHECK(x.rank() == 4 && x.dim(1) >= 75 && x.dim(2) >= 75,
              "inception_v3: expects pictures (N, H, W, 3) of at least 75 x 75 pixels, got ",
              x.shape());
  Tensor h = transform_input_ ? renormalized(x) : x;
  h = conv_2b_(conv_2a_(conv_1a_(h)));              // (N, 147, 147, 64)
  h = max_pool2d(h, {.kernel = 3, .stride = 2});    // (N, 73, 73, 64)
  h = conv_4a_(conv_3b_(h));                        // (N, 71, 71, 192)
  h = max_pool2d(h, {.kernel = 3, .stride = 2});    // (N, 35, 35, 192)
  h = (*mixed_5d_)((*mixed_5c_)((*mixed_5b_)(h)));  // (N, 35, 35, 288)
  h = (*mixed_6c_)((*mixed_6b_)((*mixed_6a_)(h)));  // (N, 17, 17, 768)
  return (*mixed_6e_)((*mixed_6d_)(h));
}

Tensor InceptionV3::from_17x17(const Tensor& x) {
  const Tensor h = (*mixed_7c_)((*mixed_7b_)((*mixed_7a_)(x)));  // (N, 8, 8, 2048)
  return fc_(global_avg_pool(h));                                // (N, num_classes)
}

Tensor InceptionV3::forward(const Tensor& x) {
  const Tensor h = to_17x17(x);
  if (aux_ && training()) aux_outputs_ = (*aux_)(h);
  return from_17x17(h);
}

void InceptionV3::visit(Visitor& visitor) {
  visitor.child("Conv2d_1a_3x3", conv_1a_);
  visitor.child("Conv2d_2a_3x3", conv_2a_);
  visitor.child("Conv2d_2b_3x3", conv_2b_);
  visitor.child("Conv2d_3b_1x1", conv_3b_);
  visitor.child("Conv2d_4a_3x3", conv_4a_);
  visitor.child("Mixed_5b", *mixed_5b_);
  visitor.child("Mixed_5c", *mixed_5c_);
  visitor.child("Mixed_5d", *mixed_5d_);
  visitor.child("Mixed_6a", *mixed_6a_);
  visitor.child("Mixed_6b", *mixed_6b_);
  visitor.child("Mixed_6c", *mixed_6c_);
  visitor.child("Mixed_6d", *mixed_6d_);
  visitor.child("Mixed_6e", *mixed_6e_);
  if (aux_) visitor.child("AuxLogits", *aux_);
  visitor.child("Mixed_7a", *mixed_7a_);
  visitor.child("Mixed_7b", *mixed_7b_);
  visitor.child("Mixed_7c", *mixed_7c_);
  visitor.child("fc", fc_);
}

namespace {
const bool registered =
    register_model("inception_v3", [](ModelOptions& options) -> std::unique_ptr<Module> {
      const InceptionV3Options defaults;
      return std::make_unique<InceptionV3>(InceptionV3Options{
          .classifier = classifier_options(options, defaults.classifier),
          .aux_logits = options.flag("aux_logits", defaults.aux_logits),
          .transform_input = options.flag("transform_input", defaults.transform_input)});
    });
}  // namespace

}  // namespace lathe
