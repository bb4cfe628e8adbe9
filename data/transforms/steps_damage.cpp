// Steps that make an image worse, and the choice of one step among several: albumentations'
// GaussNoise, GaussianBlur, ImageCompression and OneOf.
#include <algorithm>
#include <cmath>

#include "data/transforms/blur.h"
#include "data/transforms/compression.h"
#include "data/transforms/noise.h"
#include "data/transforms/random_parameters.h"
#include "data/transforms/step_parameters.h"
#include "tensor/check.h"

namespace lathe {
namespace {

/// std_range and mean_range are shares of 255. The older var_limit is a variance in 255ths, drawn
/// as such, its root taken afterwards.
class GaussNoise final : public Transform {
 public:
  explicit GaussNoise(StepParameters& p)
      : by_variance_(p.has("var_limit")),
        deviation_(by_variance_ ? p.up_to("var_limit", {}, 1e6)
                                : p.range("std_range", {0.2, 0.44}, 0, 1)),
        mean_(p.range("mean_range", {0, 0}, -1, 1)),
        per_channel_(p.flag("per_channel", true)) {
    if (by_variance_ && p.has("std_range")) p.refuse("var_limit", "to stand without std_range");
    p.value("std_range");
  }
  Image apply(Image image, Draws& draws) const override {
    const double drawn = draws.uniform(deviation_);
    const float deviation = float(by_variance_ ? std::sqrt(drawn) : drawn * 255);
    const float mean = float(draws.uniform(mean_) * 255);
    ReusedVector<float> noise(image.pixels.size());
    draws.normals(std::span(noise).first(per_channel_ ? noise.size() : noise.size() / 3));
    if (!per_channel_)  // one number for the colours of a pixel
      for (size_t i = noise.size(); i-- > 0;) noise[i] = noise[i / 3];
    for (float& number : noise) number = mean + deviation * number;
    return noisy(image, noise);
  }

 private:
  bool by_variance_;
  Range deviation_, mean_;
  bool per_channel_;
};

class GaussianBlur final : public Transform {
 public:
  explicit GaussianBlur(StepParameters& p)
      : size_(p.up_to("blur_limit", {0, 0}, 999)), sigma_(p.up_to("sigma_limit", {0.5, 3}, 100)) {
    if (size_.low != std::trunc(size_.low) || size_.high != std::trunc(size_.high))
      p.refuse("blur_limit", "whole numbers");
  }
  Image apply(Image image, Draws& draws) const override {
    const auto [sigma, size] = draw_blur(sigma_, size_, draws);
    return blurred(image, gaussian_kernel(sigma, size));
  }

 private:
  Range size_, sigma_;
};

/// The older names of the ends of quality_range are quality_lower and quality_upper.
class ImageCompression final : public Transform {
 public:
  explicit ImageCompression(StepParameters& p) {
    const double lower = double(p.integer("quality_lower", 99, 1, 100)),
                 upper = double(p.integer("quality_upper", 100, 1, 100));
    const Range range = p.range("quality_range", {lower, upper}, 1, 100);
    if (range.low > range.high) p.refuse("quality_lower", "at most quality_upper");
    lower_ = int64_t(range.low);
    upper_ = int64_t(range.high);
    p.word("compression_type", "jpeg", {"jpeg"});
  }
  Image apply(Image image, Draws& draws) const override {
    return jpeg_compressed(image, int(draws.whole(lower_, upper_)));
  }

 private:
  int64_t lower_, upper_;
};

/// One of `transforms`, as often as its p has a share in the sum of theirs.
class OneOf final : public Transform {
 public:
  explicit OneOf(StepParameters& p) {
    const nlohmann::json& members = p.value("transforms");
    if (!members.is_array() || members.empty()) p.refuse("transforms", "a list of steps");
    for (size_t i = 0; i < members.size(); ++i) {
      MadeStep made = make_step(members[i], concat(p.place(), "transforms[", i, "]: "));
      members_.push_back(std::move(made.transform));
      weights_.push_back(made.p);
    }
    if (*std::max_element(weights_.begin(), weights_.end()) <= 0)
      p.refuse("transforms", "a member with p above 0");
  }
  Image apply(Image image, Draws& draws) const override {
    return members_[draw_choice(weights_, draws)]->apply(std::move(image), draws);
  }

 private:
  std::vector<std::unique_ptr<Transform>> members_;
  std::vector<double> weights_;
};

}  // namespace

void add_damage_steps(StepTable& table) {
  table["GaussNoise"] = kind_of<GaussNoise>(0.5);
  table["GaussianBlur"] = kind_of<GaussianBlur>(0.5);
  table["ImageCompression"] = kind_of<ImageCompression>(0.5);
  table["OneOf"] = kind_of<OneOf>(0.5);
}

}  // namespace lathe
