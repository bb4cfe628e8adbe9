// The blocks of InceptionV3: branches of convolutions side by side, whose channels are joined.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layers/conv_norm.h"
#include "layers/linear.h"

namespace lathe {

/// torchvision's BasicConv2d: convolution, batch norm, ReLU.
class BasicConv2d final : public Module {
 public:
  BasicConv2d(int64_t in, int64_t out, Size2 kernel, Size2 stride = 1, Padding2 padding = 0);
  Tensor forward(const Tensor& x) override {
    return conv_norm(conv_, bn_, x, kernels::Nonlinearity::relu);
  }
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "BasicConv2d"; }
  int64_t channels() const { return bn_.channels(); }

 private:
  Conv2d conv_;
  BatchNorm2d bn_;
};

/// A block as its table of branches says it.
class InceptionBlock final : public Module {
 public:
  /// A convolution of a branch; the one before it, or the block's input, gives its channels. With
  /// stride 1 it keeps the picture's size, with stride 2 it has no padding.
  struct Conv {
    const char* name;
    int64_t out;
    Size2 kernel;
    Size2 stride = 1;
  };
  enum class Pool { none, average, max };  ///< 3x3, with the stride 1 and 2
  struct Branch {
    std::vector<Conv> convs;
    Pool before = Pool::none;
    bool forked = false;  ///< the last two convolutions both take what comes before them
  };

  InceptionBlock(std::string kind, int64_t in, const std::vector<Branch>& branches);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return kind_; }
  bool is_block() const override { return true; }

 private:
  struct Built {
    std::vector<std::pair<std::string, std::unique_ptr<BasicConv2d>>> convs;
    Pool before;
    bool forked;
  };
  std::string kind_;
  std::vector<Built> branches_;
};

std::unique_ptr<InceptionBlock> inception_a(int64_t in, int64_t pool_features);
std::unique_ptr<InceptionBlock> inception_b(int64_t in);
std::unique_ptr<InceptionBlock> inception_c(int64_t in, int64_t channels_7x7);
std::unique_ptr<InceptionBlock> inception_d(int64_t in);
std::unique_ptr<InceptionBlock> inception_e(int64_t in);

/// The auxiliary head: from a picture of at least 17x17 to logits (N, num_classes).
class InceptionAux final : public Module {
 public:
  InceptionAux(int64_t in, int64_t num_classes);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "InceptionAux"; }

 private:
  BasicConv2d conv0_, conv1_;
  Linear fc_;
};

}  // namespace lathe
