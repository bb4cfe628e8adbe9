#include "models/lenet.h"

#include "layers/activation.h"
#include "layers/flatten.h"
#include "layers/pool2d.h"
#include "models/registry.h"

namespace lathe {

LeNet::LeNet(int64_t num_classes)
    : conv1_({.in_channels = 1, .out_channels = 6, .kernel = 5, .padding = 2}),
      conv2_({.in_channels = 6, .out_channels = 16, .kernel = 5}),
      fc1_(400, 120),
      fc2_(120, 84),
      fc3_(84, num_classes) {}

Tensor LeNet::forward(const Tensor& x) {
  LATHE_CHECK(x.rank() >= 1 && x.numel() == x.dim(0) * 784,
              "LeNet: expects pictures of 28 x 28 pixels, got ", x.shape());
  Tensor h = reshape(x, {x.dim(0), 28, 28, 1});
  h = max_pool2d(relu(conv1_(h)), {.kernel = 2});  // (N, 14, 14, 6)
  h = max_pool2d(relu(conv2_(h)), {.kernel = 2});  // (N, 5, 5, 16)
  h = fc1_.forward_relu(flatten(h, 1));            // (N, 120)
  return fc3_(fc2_.forward_relu(h));               // (N, num_classes)
}

void LeNet::visit(Visitor& visitor) {
  visitor.child("conv1", conv1_);
  visitor.child("conv2", conv2_);
  visitor.child("fc1", fc1_);
  visitor.child("fc2", fc2_);
  visitor.child("fc3", fc3_);
}

namespace {
const bool registered =
    register_model("lenet", [](ModelOptions& options) -> std::unique_ptr<Module> {
      return std::make_unique<LeNet>(options.integer("num_classes", 10));
    });
}  // namespace

}  // namespace lathe
