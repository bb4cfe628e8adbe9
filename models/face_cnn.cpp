#include "models/face_cnn.h"

#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dropout.h"
#include "layers/flatten.h"
#include "layers/pool2d.h"
#include "models/registry.h"

namespace lathe {
namespace {

void add_conv(Sequential& to, int64_t in, int64_t out, int64_t kernel, int64_t padding) {
  to.add<Conv2d>(
      Conv2dOptions{.in_channels = in, .out_channels = out, .kernel = kernel, .padding = padding});
  to.add<ReLU>();
  to.add<MaxPool2d>(PoolWindow{.kernel = 2});
}

/// (N, 1) as (N,), which is what binary losses take.
Tensor logits(const Tensor& y) { return y.dim(1) == 1 ? reshape(y, {y.dim(0)}) : y; }

}  // namespace

FaceCnn::FaceCnn(const FaceCnnOptions& options) {
  LATHE_CHECK(options.image_size >= 8 && options.image_size % 8 == 0,
              "face_cnn: expects an image_size that is a multiple of 8, got ", options.image_size);
  add_conv(features_, 3, 16, 3, 1);   // 0 1 2
  add_conv(features_, 16, 32, 3, 1);  // 3 4 5
  add_conv(features_, 32, 64, 3, 1);  // 6 7 8
  const int64_t side = options.image_size / 8;
  classifier_.add<Flatten>();                                    // 0
  classifier_.add<Linear>(64 * side * side, options.hidden);     // 1
  classifier_.add<ReLU>();                                       // 2
  classifier_.add<Dropout>(options.dropout);                     // 3
  classifier_.add<Linear>(options.hidden, options.num_classes);  // 4
}

Tensor FaceCnn::forward(const Tensor& x) { return logits(classifier_(features_(x))); }

void FaceCnn::visit(Visitor& visitor) {
  visitor.child("features", features_);
  visitor.child("classifier", classifier_);
}

GlemCnn::GlemCnn(const GlemCnnOptions& options) : head_(256, options.num_classes) {
  add_conv(layer_, 3, 16, 3, 0);         // 0 1 2: 64 to 62 to 31
  layer_.add<Dropout>(options.dropout);  // 3
  add_conv(layer_, 16, 32, 3, 0);        // 4 5 6: 29 to 14
  layer_.add<Dropout>(options.dropout);  // 7
  add_conv(layer_, 32, 64, 5, 0);        // 8 9 10: 10 to 5
  layer_.add<Dropout>(options.dropout);  // 11
  layer_.add<Flatten>();                 // 12
  layer_.add<Linear>(1600, 256);         // 13
}

Tensor GlemCnn::forward(const Tensor& x) { return logits(head_(relu(layer_(x)))); }

void GlemCnn::visit(Visitor& visitor) {
  visitor.child("layer", layer_);
  visitor.child("head", head_);
}

namespace {

const bool registered[] = {
    register_model("face_cnn",
                   [](ModelOptions& options) -> std::unique_ptr<Module> {
                     FaceCnnOptions face;
                     face.image_size = options.integer("image_size", face.image_size);
                     face.hidden = options.integer("hidden", face.hidden);
                     face.num_classes = options.integer("num_classes", face.num_classes);
                     face.dropout = options.probability("dropout", face.dropout);
                     return std::make_unique<FaceCnn>(face);
                   }),
    register_model("glem_cnn", [](ModelOptions& options) -> std::unique_ptr<Module> {
      const GlemCnnOptions defaults;
      return std::make_unique<GlemCnn>(
          GlemCnnOptions{.num_classes = options.integer("num_classes", defaults.num_classes),
                         .dropout = options.probability("dropout", defaults.dropout)});
    })};

}  // namespace

}  // namespace lathe
