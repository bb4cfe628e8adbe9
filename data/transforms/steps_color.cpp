// Steps that change colours: torchvision's ColorJitter, albumentations' RandomBrightnessContrast,
// HueSaturationValue, ToGray and FancyPCA.
#include <algorithm>
#include <numeric>

#include "data/transforms/color.h"
#include "data/transforms/noise.h"
#include "data/transforms/random_parameters.h"
#include "data/transforms/step_parameters.h"

namespace lathe {
namespace {

class ColorJitter final : public Transform {
 public:
  explicit ColorJitter(StepParameters& p)
      : ranges_{around(p, "brightness", 1, 0, 1e6), around(p, "contrast", 1, 0, 1e6),
                around(p, "saturation", 1, 0, 1e6), around(p, "hue", 0, -0.5, 0.5)} {}
  Image apply(Image image, Draws& draws) const override {
    const Jitter jitter = draw_jitter(ranges_, draws);
    constexpr std::array change = {adjust_brightness, adjust_contrast, adjust_saturation,
                                   adjust_hue};
    for (const int i : jitter.order)
      if (const auto& amount = jitter.amounts[size_t(i)]) image = change[size_t(i)](image, *amount);
    return image;
  }

 private:
  /// One number is a reach around `center`, cut at 0; nothing where it stays there.
  static std::optional<Range> around(StepParameters& p, const char* name, double center,
                                     double least, double most) {
    Range range = {center, center};
    if (p.value(name).is_number()) {
      const double reach = p.number(name, 0, 0, most - center);
      range = {std::max(center - reach, least), center + reach};
    } else {
      range = p.range(name, range, least, most);
    }
    if (range.low == center && range.high == center) return std::nullopt;
    return range;
  }
  std::array<std::optional<Range>, 4> ranges_;
};

class RandomBrightnessContrast final : public Transform {
 public:
  explicit RandomBrightnessContrast(StepParameters& p)
      : brightness_(p.symmetric("brightness_limit", {-0.2, 0.2})),
        contrast_(p.symmetric("contrast_limit", {-0.2, 0.2})),
        by_max_(p.flag("brightness_by_max", true)),
        safe_(p.flag("ensure_safe_range", false)) {}
  Image apply(Image image, Draws& draws) const override {
    auto [contrast, brightness] = draw_light(brightness_, contrast_, draws);
    brightness *= by_max_ ? 255.0 : mean(image);
    if (safe_) {  // as albumentations does it
      brightness = contrast > 0 ? std::clamp(brightness, 0.0, 255.0) : std::min(brightness, 255.0);
      contrast = contrast > 0 ? std::min(contrast, (255 - brightness) / 255)
                              : std::max(contrast, -brightness / 255);
    }
    return brightness_contrast(image, contrast, brightness);
  }

 private:
  static double mean(const Image& image) {
    const int64_t sum = std::accumulate(image.pixels.begin(), image.pixels.end(), int64_t(0));
    return double(sum) / double(std::max<size_t>(image.pixels.size(), 1));
  }
  Range brightness_, contrast_;
  bool by_max_, safe_;
};

class HueSaturationValue final : public Transform {
 public:
  explicit HueSaturationValue(StepParameters& p)
      : ranges_{p.symmetric("hue_shift_limit", {-20, 20}, -1e6, 1e6),
                p.symmetric("sat_shift_limit", {-30, 30}, -1e6, 1e6),
                p.symmetric("val_shift_limit", {-20, 20}, -1e6, 1e6)} {}
  Image apply(Image image, Draws& draws) const override {
    const auto [hue, saturation, value] = draw_hsv(ranges_, draws);
    return shift_hsv(image, hue, saturation, value);
  }

 private:
  std::array<Range, 3> ranges_;
};

struct ToGray final : public Transform {
  explicit ToGray(StepParameters& p) {
    p.word("method", "weighted_average", {"weighted_average"});
    p.integer("num_output_channels", 3, 3, 3);
  }
  Image apply(Image image, Draws&) const override { return to_gray(image); }
};

class FancyPCA final : public Transform {
 public:
  explicit FancyPCA(StepParameters& p) : alpha_(p.number("alpha", 0.1, 0, 1e6)) {}
  Image apply(Image image, Draws& draws) const override {
    return fancy_pca(image, draw_principal(alpha_, draws));
  }

 private:
  double alpha_;
};

}  // namespace

void add_color_steps(StepTable& table) {
  table["ColorJitter"] = kind_of<ColorJitter>();
  table["RandomBrightnessContrast"] = kind_of<RandomBrightnessContrast>(0.5);
  table["HueSaturationValue"] = kind_of<HueSaturationValue>(0.5);
  table["ToGray"] = kind_of<ToGray>(0.5);
  table["FancyPCA"] = kind_of<FancyPCA>(0.5);
}

}  // namespace lathe
