// InceptionV3 (Szegedy et al., arXiv:1512.00567) as torchvision builds it, with its names and
// shapes.
#pragma once

#include <utility>

#include "models/classifier.h"
#include "models/inception_blocks.h"

namespace lathe {

struct InceptionV3Options {
  ClassifierOptions classifier = {.dropout = 0.5};
  /// The second, smaller classifier on the 17x17 picture in the middle, for training on pictures of
  /// at least 299 pixels. torchvision's files of weights contain it.
  bool aux_logits = false;
  /// The picture, normalised by ImageNet's means and deviations, is brought to those of 0.5 first,
  /// which torchvision's weights were trained with.
  bool transform_input = false;
};

/// x (N, H, W, 3) of at least 75 pixels a side, 299 usually, to logits (N, num_classes).
class InceptionV3 final : public Module {
 public:
  explicit InceptionV3(const InceptionV3Options& options = {});
  Tensor forward(const Tensor& x) override;
  /// The second classifier's logits (N, num_classes).
  Tensor take_auxiliary_outputs() override { return std::exchange(aux_outputs_, {}); }
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Inception3"; }

 private:
  Tensor to_17x17(const Tensor& x);
  Tensor from_17x17(const Tensor& h);

  bool transform_input_;
  BasicConv2d conv_1a_, conv_2a_, conv_2b_, conv_3b_, conv_4a_;
  std::unique_ptr<InceptionBlock> mixed_5b_, mixed_5c_, mixed_5d_, mixed_6a_, mixed_6b_, mixed_6c_,
      mixed_6d_, mixed_6e_;
  std::unique_ptr<InceptionAux> aux_;
  Tensor aux_outputs_;
  std::unique_ptr<InceptionBlock> mixed_7a_, mixed_7b_, mixed_7c_;
  Classifier fc_;
};

}  // namespace lathe
