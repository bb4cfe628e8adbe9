// The small detectors for faces: face_cnn for 256 px images, and glem_cnn for 64 px frames of a
// video, whose layers CNN+LSTM takes over.
#pragma once

#include "layers/linear.h"
#include "layers/sequential.h"

namespace lathe {

struct FaceCnnOptions {
  int64_t image_size = 256;  ///< pixels a side, a multiple of 8
  int64_t hidden = 128;      ///< outputs of the first Linear
  int64_t num_classes = 1;
  double dropout = 0.5;
};

/// Three times 3x3 convolution (16, 32, 64 channels), ReLU and 2x2 max pooling; Linear `hidden`,
/// ReLU, dropout, Linear. x (N, H, W, 3) to logits (N,), or (N, num_classes) for more than one.
class FaceCnn final : public Module {
 public:
  explicit FaceCnn(const FaceCnnOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "FaceCnn"; }

 private:
  Sequential features_, classifier_;
};

struct GlemCnnOptions {
  int64_t num_classes = 1;
  double dropout = 0.2;
};

/// Convolutions 3x3, 3x3, 5x5 (16, 32, 64 channels) without padding, each with ReLU, 2x2 max
/// pooling and dropout; Linear 1600-256, ReLU, and the head. x (N, 64, 64, 3) to logits (N,), or
/// (N, num_classes) for more than one.
class GlemCnn final : public Module {
 public:
  explicit GlemCnn(const GlemCnnOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "GlemCnn"; }

 private:
  Sequential layer_;
  Linear head_;
};

}  // namespace lathe
