// Steps that change an image's size: torchvision's Resize, CenterCrop, RandomCrop.
#include <algorithm>
#include <cmath>

#include "data/transforms/resize.h"
#include "data/transforms/step_parameters.h"
#include "tensor/check.h"

namespace lathe {
namespace {

/// A height and a width.
struct Extent {
  int64_t height, width;
};

constexpr int64_t largest_side = 100'000;

Interpolation take_interpolation(StepParameters& p, const std::string& name,
                                 const std::string& otherwise) {
  static const std::vector<std::string> names = {"nearest", "bilinear", "bicubic", "lanczos",
                                                 "area",    "linear",   "cubic"};
  const std::string word = p.word(name, otherwise, names);
  return Interpolation(std::find(names.begin(), names.end(), word) - names.begin());
}

/// `size`: one number for both sides, or [height, width].
Extent take_size(StepParameters& p) {
  const nlohmann::json& given = p.value("size");
  if (given.is_array()) {
    const std::vector<double> sides = p.numbers("size", {0, 0}, 1, double(largest_side));
    return {int64_t(sides[0]), int64_t(sides[1])};
  }
  const int64_t side = p.integer("size", 1, largest_side);
  return {side, side};
}

/// torchvision's Resize: one number is the shorter side, the other keeps the ratio, rounded down.
class Resize final : public Transform {
 public:
  explicit Resize(StepParameters& p)
      : shorter_(!p.value("size").is_array()),
        size_(take_size(p)),
        interpolation_(take_interpolation(p, "interpolation", "bilinear")) {}

  Extent result(const Image& image) const {
    if (!shorter_) return size_;
    const int64_t size = size_.height;
    const bool wide = image.width > image.height;
    const int64_t shorter = wide ? image.height : image.width;
    const int64_t longer =
        int64_t(double(size) * double(wide ? image.width : image.height) / double(shorter));
    return wide ? Extent{size, longer} : Extent{longer, size};
  }
  Image apply(Image image, Draws&) const override {
    const Extent to = result(image);
    if (to.width == image.width && to.height == image.height) return image;
    return resize(image, to.width, to.height, interpolation_);
  }

 private:
  bool shorter_;
  Extent size_;
  Interpolation interpolation_;
};

void check_crop(const char* name, const Image& image, const Extent& size) {
  if (image.height < size.height || image.width < size.width)
    fail(ErrorKind::data, name, ": expects an image of at least ", size.width, " x ", size.height,
         ", got ", image.width, " x ", image.height,
         "; put a Resize in front, or say pad_if_needed");
}

class CenterCrop final : public Transform {
 public:
  explicit CenterCrop(StepParameters& p) : size_(take_size(p)) {}
  Image apply(Image image, Draws&) const override {
    check_crop("CenterCrop", image, size_);
    // torchvision rounds half to even, as Python's round does.
    const auto middle = [](int64_t whole, int64_t part) {
      return int64_t(std::nearbyint(double(whole - part) / 2.0));
    };
    return crop(image, {middle(image.width, size_.width), middle(image.height, size_.height),
                        size_.width, size_.height});
  }

 private:
  Extent size_;
};

class RandomCrop final : public Transform {
 public:
  explicit RandomCrop(StepParameters& p) : size_(take_size(p)) {}
  Image apply(Image image, Draws& draws) const override {
    check_crop("RandomCrop", image, size_);
    const int64_t y = draws.below(image.height - size_.height + 1);
    const int64_t x = draws.below(image.width - size_.width + 1);
    return crop(image, {x, y, size_.width, size_.height});
  }

 private:
  Extent size_;
};

/// Mirrors each image; how often says p.
class HorizontalFlip final : public Transform {
 public:
  Image apply(Image image, Draws&) const override { return mirrored(image); }
};

}  // namespace

void add_size_steps(StepTable& table) {
  table["Resize"] = [](StepParameters& p) { return std::make_unique<Resize>(p); };
  table["CenterCrop"] = [](StepParameters& p) { return std::make_unique<CenterCrop>(p); };
  table["RandomCrop"] = [](StepParameters& p) { return std::make_unique<RandomCrop>(p); };
  table["HorizontalFlip"] = [](StepParameters&) { return std::make_unique<HorizontalFlip>(); };
}

}  // namespace lathe
