// Steps that put something around an image, mirror it, or erase a part: torchvision's Pad, flips
// and RandomErasing, albumentations' PadIfNeeded.
#include "data/transforms/steps_pad.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/random_parameters.h"

namespace lathe {
namespace {

constexpr int64_t widest = 100'000;

Margins take_margins(StepParameters& p) {
  const nlohmann::json& given = p.value("padding");
  if (!given.is_array()) {
    const int64_t all = p.integer("padding", 0, 0, widest);
    return {all, all, all, all};
  }
  if (given.size() != 2 && given.size() != 4) p.refuse("padding", "one, two or four whole numbers");
  const auto sides = p.numbers("padding", std::vector<double>(given.size()), 0, double(widest));
  const auto side = [&](size_t i) { return int64_t(sides[i % sides.size()]); };
  return {side(0), side(1), side(2), side(3)};
}

}  // namespace

Padding take_padding(StepParameters& p) {
  static const std::vector<std::string> modes = {"constant", "edge", "reflect", "symmetric"};
  Padding padding = {take_margins(p), Border::constant, p.fill("fill")};
  const std::string mode = p.word("padding_mode", "constant", modes);
  padding.border = Border(std::find(modes.begin(), modes.end(), mode) - modes.begin());
  return padding;
}

Border take_border_mode(StepParameters& p) {
  static const std::vector<std::string> modes = {"constant", "replicate", "reflect", "wrap",
                                                 "reflect_101"};
  // In OpenCV's order.
  constexpr Border borders[] = {Border::constant, Border::edge, Border::symmetric, Border::wrap,
                                Border::reflect};
  if (p.value("border_mode").is_number()) return borders[p.integer("border_mode", 0, 0, 4)];
  const std::string mode = p.word("border_mode", "constant", modes);
  return borders[std::find(modes.begin(), modes.end(), mode) - modes.begin()];
}

namespace {

class Pad final : public Transform {
 public:
  explicit Pad(StepParameters& p) : padding_(take_padding(p)) {
    if (!p.has("padding")) p.refuse("padding", "one, two or four whole numbers");
  }
  Image apply(Image image, Draws&) const override { return padding_.around(image); }

 private:
  Padding padding_;
};

/// Up to min_height and min_width, or to multiples of pad_height_divisor and pad_width_divisor.
class PadIfNeeded final : public Transform {
 public:
  explicit PadIfNeeded(StepParameters& p)
      : height_(take_side(p, "min_height", "pad_height_divisor")),
        width_(take_side(p, "min_width", "pad_width_divisor")),
        position_(
            p.word("position", "center",
                   {"center", "top_left", "top_right", "bottom_left", "bottom_right", "random"})),
        border_(take_border_mode(p)),
        fill_(p.fill("fill")) {}
  Image apply(Image image, Draws& draws) const override {
    const int64_t x = lacking(image.width, width_), y = lacking(image.height, height_);
    if (x == 0 && y == 0) return image;
    Margins m = {x / 2, y / 2, 0, 0};
    if (position_ == "random") {
      m.top = draws.whole(0, y);
      m.left = draws.whole(0, x);
    } else if (position_ != "center") {  // where the image comes to stand
      m.left = position_.ends_with("right") ? x : 0;
      m.top = position_.starts_with("bottom") ? y : 0;
    }
    m.right = x - m.left;
    m.bottom = y - m.top;
    return padded(image, m, border_, fill_);
  }

 private:
  struct Side {
    int64_t least, divisor;  ///< the divisor counts where it is not 0
  };
  static Side take_side(StepParameters& p, const char* least, const char* divisor) {
    const int64_t multiple = p.integer(divisor, 0, 1, widest);
    const int64_t minimum = p.integer(least, 1024, 1, widest);
    if (multiple != 0 && p.has(least)) p.refuse(least, concat("to stand alone, without ", divisor));
    return {minimum, multiple};
  }
  static int64_t lacking(int64_t length, const Side& side) {
    if (side.divisor != 0) return (side.divisor - length % side.divisor) % side.divisor;
    return std::max<int64_t>(side.least - length, 0);
  }
  Side height_, width_;
  std::string position_;
  Border border_;
  std::array<uint8_t, 3> fill_;
};

struct HorizontalFlip final : public Transform {
  explicit HorizontalFlip(StepParameters&) {}
  Image apply(Image image, Draws&) const override { return mirrored(image); }
};

struct VerticalFlip final : public Transform {
  explicit VerticalFlip(StepParameters&) {}
  Image apply(Image image, Draws&) const override { return upside_down(image); }
};

/// Works on bytes, while torchvision's works on what ToTensor or Normalize made: `value` counts so,
/// 0 to 1 in front of Normalize and normalised behind it, and the nearest byte is taken.
class RandomErasing final : public Transform {
 public:
  explicit RandomErasing(StepParameters& p)
      : scale_(p.range("scale", {0.02, 0.33}, 0, 1)),
        ratio_(p.range("ratio", {0.3, 3.3}, 1e-6, 1e6)),
        colors_(p.after().value_or(ColorScale())) {
    const nlohmann::json& value = p.value("value");
    random_ = value.is_string();
    if (random_) p.word("value", "", {"random"});
    const double least = p.after() ? -1e6 : 0, most = p.after() ? 1e6 : 1;
    if (value.is_array()) {
      const std::vector<double> three = p.numbers("value", {0, 0, 0}, least, most);
      std::copy_n(three.begin(), 3, value_.begin());
    } else if (!random_) {
      value_.fill(p.number("value", 0, least, most));
    }
  }
  Image apply(Image image, Draws& draws) const override {
    const auto window = draw_erased(image.width, image.height, scale_, ratio_, draws);
    if (!window) return image;
    Image part(window->width, window->height);
    std::vector<float> noise(random_ ? part.pixels.size() : 0);
    draws.normals(noise);
    for (size_t i = 0; i < part.pixels.size(); ++i)
      part.pixels[i] = byte(random_ ? double(noise[i]) : value_[i % 3], i % 3);
    return pasted(std::move(image), part, window->x, window->y);
  }

 private:
  uint8_t byte(double value, size_t channel) const {
    const double color = colors_.mean[channel] + colors_.deviation[channel] * value;
    return uint8_t(std::nearbyint(std::clamp(color, 0.0, 1.0) * 255));
  }
  Range scale_, ratio_;
  ColorScale colors_;
  bool random_;
  std::array<double, 3> value_;
};

}  // namespace

void add_pad_steps(StepTable& table) {
  table["Pad"] = kind_of<Pad>();
  table["PadIfNeeded"] = kind_of<PadIfNeeded>();
  table["HorizontalFlip"] = table["RandomHorizontalFlip"] = kind_of<HorizontalFlip>(0.5);
  table["VerticalFlip"] = table["RandomVerticalFlip"] = kind_of<VerticalFlip>(0.5);
  table["RandomErasing"] = kind_of<RandomErasing>(0.5);
}

}  // namespace lathe
