// Steps that move, turn and shear: torchvision's RandomAffine and RandomRotation, albumentations'
// ShiftScaleRotate.
#include "data/transforms/affine.h"
#include "data/transforms/random_parameters.h"
#include "data/transforms/steps_pad.h"
#include "tensor/check.h"

namespace lathe {
namespace {

/// Whether torchvision's `interpolation` is bilinear.
bool takes_bilinear(StepParameters& p) {
  return p.word("interpolation", "nearest", {"nearest", "bilinear"}) == "bilinear";
}

Range take_degrees(StepParameters& p) {
  if (!p.has("degrees")) p.refuse("degrees", "a number, or [low, high]");
  return p.symmetric("degrees", {}, -1e6, 1e6);
}

Image looked_up(const Image& image, const AffineMap& lookup, bool bilinear,
                std::array<uint8_t, 3> fill) {
  return bilinear ? transform_bilinear(image, lookup, fill)
                  : transform_nearest(image, lookup, fill);
}

class RandomAffine final : public Transform {
 public:
  explicit RandomAffine(StepParameters& p) : bilinear_(takes_bilinear(p)), fill_(p.fill("fill")) {
    ranges_.degrees = take_degrees(p);
    const std::vector<double> translate = p.numbers("translate", {0, 0}, 0, 1);
    ranges_.translate = {translate[0], translate[1]};
    ranges_.scale = p.range("scale", {1, 1}, 1e-6, 1e6);
    const nlohmann::json& shear = p.value("shear");
    if (shear.is_array() && shear.size() == 4) {
      const std::vector<double> ends = p.numbers("shear", {0, 0, 0, 0}, -89.9, 89.9);
      if (ends[0] > ends[1] || ends[2] > ends[3]) p.refuse("shear", "[low, high, low, high]");
      ranges_.shear = {Range{ends[0], ends[1]}, Range{ends[2], ends[3]}};
    } else {
      ranges_.shear[0] = p.symmetric("shear", {}, -89.9, 89.9);
    }
  }
  Image apply(Image image, Draws& draws) const override {
    const auto [degrees, translate, scale, shear] =
        draw_affine(ranges_, image.width, image.height, draws);
    const AffineMap lookup =
        torchvision_lookup(image.width, image.height, degrees, translate, scale, shear);
    return looked_up(image, lookup, bilinear_, fill_);
  }

 private:
  AffineRanges ranges_;
  bool bilinear_;
  std::array<uint8_t, 3> fill_;
};

class RandomRotation final : public Transform {
 public:
  explicit RandomRotation(StepParameters& p)
      : degrees_(take_degrees(p)), bilinear_(takes_bilinear(p)), fill_(p.fill("fill")) {}
  Image apply(Image image, Draws& draws) const override {
    const double degrees = draws.uniform(degrees_);
    return looked_up(image, pil_rotation_lookup(image.width, image.height, degrees), bilinear_,
                     fill_);
  }

 private:
  Range degrees_;
  bool bilinear_;
  std::array<uint8_t, 3> fill_;
};

class ShiftScaleRotate final : public Transform {
 public:
  explicit ShiftScaleRotate(StepParameters& p) : fill_(p.fill("fill")) {
    const Range shift = p.symmetric("shift_limit", {-0.0625, 0.0625}, -1, 1);
    ranges_.shift = {p.symmetric("shift_limit_x", shift, -1, 1),
                     p.symmetric("shift_limit_y", shift, -1, 1)};
    const Range scale = p.symmetric("scale_limit", {-0.1, 0.1}, -0.999, 1e6);
    ranges_.scale = {1 + scale.low, 1 + scale.high};
    ranges_.degrees = p.symmetric("rotate_limit", {-45, 45}, -1e6, 1e6);
    if (take_border_mode(p) != Border::constant) p.refuse("border_mode", "constant");
    if (p.value("interpolation").is_number())
      p.integer("interpolation", 1, 1, 1);
    else
      p.word("interpolation", "linear", {"linear"});
  }
  Image apply(Image image, Draws& draws) const override {
    const auto [shift, scale, degrees] =
        draw_shift_scale_rotate(ranges_, image.width, image.height, draws);
    return warp_linear(
        image, shift_scale_rotate_map(image.width, image.height, shift, scale, degrees), fill_);
  }

 private:
  ShiftScaleRotateRanges ranges_;
  std::array<uint8_t, 3> fill_;
};

}  // namespace

void add_affine_steps(StepTable& table) {
  table["RandomAffine"] = kind_of<RandomAffine>();
  table["RandomRotation"] = kind_of<RandomRotation>();
  table["ShiftScaleRotate"] = kind_of<ShiftScaleRotate>(0.5);
}

}  // namespace lathe
