#include "models/cifar_resnet.h"

#include "layers/channels.h"
#include "layers/pool2d.h"
#include "models/registry.h"
#include "models/resnet_blocks.h"

namespace lathe {
namespace {

constexpr auto relu = kernels::Nonlinearity::relu;

/// Two 3x3 convolutions; where the channels double, the shortcut takes every second pixel and
/// surrounds the channels by zeros.
class Block final : public Module {
 public:
  Block(int64_t in, int64_t out)
      : conv1_(unbiased(in, out, 3, in == out ? 1 : 2)),
        bn1_(out),
        conv2_(unbiased(out, out, 3)),
        bn2_(out),
        widens_(in != out) {}

  Tensor forward(const Tensor& x) override {
    const Tensor h = conv_norm(conv1_, bn1_, x, relu);
    return conv_norm(conv2_, bn2_, h, relu, widens_ ? shortcut(x) : x);
  }
  void visit(Visitor& visitor) override {
    visitor.child("conv1", conv1_);
    visitor.child("bn1", bn1_);
    visitor.child("conv2", conv2_);
    visitor.child("bn2", bn2_);
  }
  std::string kind() const override { return "BasicBlock"; }
  bool is_block() const override { return true; }

 private:
  static Tensor shortcut(const Tensor& x) {
    const Tensor half = avg_pool2d(x, {.kernel = 1, .stride = 2});
    const Tensor zeros = Tensor::zeros(half.shape().with(3, x.dim(3) / 2), x.dtype(), x.device());
    return concat_channels({zeros, half, zeros});
  }

  Conv2d conv1_;
  BatchNorm2d bn1_;
  Conv2d conv2_;
  BatchNorm2d bn2_;
  bool widens_;
};

}  // namespace

CifarResNet::CifarResNet(int64_t depth, int64_t num_classes)
    : conv1_(unbiased(3, 16, 3)), bn1_(16), linear_(64, num_classes) {
  LATHE_CHECK(depth >= 8 && depth % 6 == 2, "CifarResNet: expects a depth of 6 n + 2, got ", depth);
  const int64_t blocks = (depth - 2) / 6;
  for (int64_t i = 0; i < blocks; ++i) {
    layer1_.add<Block>(16, 16);
    layer2_.add<Block>(i == 0 ? 16 : 32, 32);
    layer3_.add<Block>(i == 0 ? 32 : 64, 64);
  }
}

Tensor CifarResNet::forward(const Tensor& x) {  // (N, H, W, 3)
  Tensor h = conv_norm(conv1_, bn1_, x, relu);  // (N, H, W, 16)
  h = layer3_(layer2_(layer1_(h)));             // (N, H/4, W/4, 64)
  return linear_(global_avg_pool(h));           // (N, num_classes)
}

void CifarResNet::visit(Visitor& visitor) {
  visitor.child("conv1", conv1_);
  visitor.child("bn1", bn1_);
  visitor.child("layer1", layer1_);
  visitor.child("layer2", layer2_);
  visitor.child("layer3", layer3_);
  visitor.child("linear", linear_);
}

namespace {
template <int depth>
std::unique_ptr<Module> make(ModelOptions& options) {
  return std::make_unique<CifarResNet>(depth, options.integer("num_classes", 10));
}
const bool registered[] = {
    register_model("resnet20", make<20>), register_model("resnet32", make<32>),
    register_model("resnet44", make<44>), register_model("resnet56", make<56>)};
}  // namespace

}  // namespace lathe
