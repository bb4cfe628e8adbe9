// Steps that change an image's size: torchvision's Resize, CenterCrop, RandomCrop and
// RandomResizedCrop, and the IsotropicResize of the winners of the DFDC.
#include <algorithm>
#include <cmath>

#include "data/transforms/random_parameters.h"
#include "data/transforms/steps_pad.h"
#include "data/transforms/steps_sizing.h"
#include "tensor/check.h"

namespace lathe {

Interpolation take_interpolation(StepParameters& p, const std::string& name,
                                 const std::string& otherwise) {
  static const std::vector<std::string> names = {"nearest", "bilinear", "bicubic", "lanczos",
                                                 "area",    "linear",   "cubic"};
  const std::string word = p.word(name, otherwise, names);
  return Interpolation(std::find(names.begin(), names.end(), word) - names.begin());
}

Image SizeStep::apply(Image image, Draws&) const {
  const Target to = target(image.width, image.height);
  if (to.width == image.width && to.height == image.height) return image;
  return resize(image, to.width, to.height, to.interpolation);
}

namespace {

constexpr int64_t largest_side = 100'000;

/// A height and a width.
struct Extent {
  int64_t height, width;
};

/// `size`: one number for both sides, or [height, width].
Extent take_size(StepParameters& p) {
  if (!p.value("size").is_array()) {
    const int64_t side = p.integer("size", 1, largest_side);
    return {side, side};
  }
  const std::vector<double> sides = p.numbers("size", {0, 0}, 1, double(largest_side));
  return {int64_t(sides[0]), int64_t(sides[1])};
}

/// One number is the shorter side: the other keeps the ratio, rounded down, and at most max_size.
class Resize final : public SizeStep {
 public:
  explicit Resize(StepParameters& p)
      : shorter_(!p.value("size").is_array()),
        size_(take_size(p)),
        longest_(p.integer("max_size", 0, 1, largest_side)),
        interpolation_(take_interpolation(p, "interpolation", "bilinear")) {
    if (longest_ != 0 && (!shorter_ || longest_ <= size_.height))
      p.refuse("max_size", "a number above size, which is one number then");
    if (!p.flag("antialias", true)) p.refuse("antialias", "true, as PIL resizes");
  }
  Target target(int64_t width, int64_t height) const override {
    if (!shorter_) return {size_.width, size_.height, interpolation_};
    const auto scaled = [](int64_t side, int64_t by, int64_t to) {
      return std::max<int64_t>(int64_t(double(side * by) / double(to)), 1);
    };
    int64_t shorter = size_.height;
    int64_t longer = scaled(shorter, std::max(width, height), std::min(width, height));
    if (longest_ != 0 && longer > longest_) {
      shorter = scaled(longest_, shorter, longer);
      longer = longest_;
    }
    if (width <= height) return {shorter, longer, interpolation_};
    return {longer, shorter, interpolation_};
  }

 private:
  bool shorter_;
  Extent size_;
  int64_t longest_;
  Interpolation interpolation_;
};

/// The longer side becomes max_side, by one filter where the image shrinks and another where it
/// grows. Sides are cut off to whole numbers.
class IsotropicResize final : public SizeStep {
 public:
  explicit IsotropicResize(StepParameters& p)
      : side_(p.integer("max_side", 1, largest_side)),
        down_(take_interpolation(p, "interpolation_down", "area")),
        up_(take_interpolation(p, "interpolation_up", "cubic")) {}
  Target target(int64_t width, int64_t height) const override {
    const int64_t longer = std::max(width, height);
    const double scale = double(side_) / double(longer);
    const auto scaled = [&](int64_t side) {
      return side == longer ? side_ : std::max<int64_t>(int64_t(double(side) * scale), 1);
    };
    return {scaled(width), scaled(height), scale > 1 ? up_ : down_};
  }

 private:
  int64_t side_;
  Interpolation down_, up_;
};

void check_crop(const char* name, int64_t width, int64_t height, const Extent& size) {
  if (height < size.height || width < size.width)
    fail(ErrorKind::data, name, ": expects an image of at least ", size.width, " x ", size.height,
         ", got ", width, " x ", height, "; put a Resize in front, or say pad_if_needed = true");
}

class CenterCrop final : public CutStep {
 public:
  explicit CenterCrop(StepParameters& p)
      : size_(take_size(p)), pads_(p.flag("pad_if_needed", false)) {}
  std::optional<Window> window(int64_t width, int64_t height, Draws&) const override {
    if (pads_ && (width < size_.width || height < size_.height)) return std::nullopt;
    check_crop("CenterCrop", width, height, size_);
    // torchvision rounds half to even, as Python's round does.
    const auto middle = [](int64_t whole, int64_t part) {
      return int64_t(std::nearbyint(double(whole - part) / 2.0));
    };
    return Window{middle(width, size_.width), middle(height, size_.height), size_.width,
                  size_.height};
  }
  Image apply(Image image, Draws& draws) const override {
    if (pads_) {
      const int64_t x = std::max<int64_t>(size_.width - image.width, 0),
                    y = std::max<int64_t>(size_.height - image.height, 0);
      if (x + y > 0)
        image = padded(image, {x / 2, y / 2, (x + 1) / 2, (y + 1) / 2}, Border::constant, {});
    }
    return crop(image, *window(image.width, image.height, draws));
  }

 private:
  Extent size_;
  bool pads_;
};

class RandomCrop final : public CutStep {
 public:
  explicit RandomCrop(StepParameters& p)
      : size_(take_size(p)), pads_(p.flag("pad_if_needed", false)), padding_(take_padding(p)) {}
  std::optional<Window> window(int64_t width, int64_t height, Draws& draws) const override {
    const bool small = width < size_.width || height < size_.height;
    if (!padding_.empty() || (pads_ && small)) return std::nullopt;
    return cut(width, height, draws);
  }
  Image apply(Image image, Draws& draws) const override {
    if (!padding_.empty()) image = padding_.around(image);
    const int64_t x = size_.width - image.width, y = size_.height - image.height;
    // On both sides, each time all that lacks: so says torchvision.
    if (pads_ && x > 0) image = padding_.around(image, {x, 0, x, 0});
    if (pads_ && y > 0) image = padding_.around(image, {0, y, 0, y});
    return crop(image, cut(image.width, image.height, draws));
  }

 private:
  Window cut(int64_t width, int64_t height, Draws& draws) const {
    check_crop("RandomCrop", width, height, size_);
    return draw_crop(width, height, size_.width, size_.height, draws);
  }
  Extent size_;
  bool pads_;
  Padding padding_;
};

class RandomResizedCrop final : public Transform {
 public:
  explicit RandomResizedCrop(StepParameters& p)
      : size_(take_size(p)),
        scale_(p.range("scale", {0.08, 1}, 1e-9, 1)),
        ratio_(p.range("ratio", {3.0 / 4, 4.0 / 3}, 1e-6, 1e6)),
        interpolation_(take_interpolation(p, "interpolation", "bilinear")) {
    if (!p.flag("antialias", true)) p.refuse("antialias", "true, as PIL resizes");
  }
  Image apply(Image image, Draws& draws) const override {
    const Window part = draw_resized_crop(image.width, image.height, scale_, ratio_, draws);
    return resize(crop(image, part), size_.width, size_.height, interpolation_);
  }

 private:
  Extent size_;
  Range scale_, ratio_;
  Interpolation interpolation_;
};

}  // namespace

void add_size_steps(StepTable& table) {
  table["Resize"] = kind_of<Resize>();
  table["IsotropicResize"] = kind_of<IsotropicResize>();
  table["CenterCrop"] = kind_of<CenterCrop>();
  table["RandomCrop"] = kind_of<RandomCrop>();
  table["RandomResizedCrop"] = kind_of<RandomResizedCrop>();
}

}  // namespace lathe
