#include "data/faces/marks.h"

#include <algorithm>
#include <cmath>

#include "data/faces/draw.h"

namespace lathe::faces {

// These numbers decide how hard the task is: chosen so that `small_cnn` separates the classes, but
// not quite.
Forgery::Forgery(Draws draws) {
  left = draws.uniform(-0.76f, -0.64f), right = draws.uniform(0.64f, 0.76f);
  top = draws.uniform(-0.72f, -0.6f), bottom = draws.uniform(0.86f, 1.04f);
  feather = draws.uniform(0.06f, 0.3f);
  const auto sign = [&] { return draws.chance(0.5f) ? 1.f : -1.f; };
  constexpr int has_seam = 1, has_other_colours = 2, has_less_detail = 4;
  constexpr int subsets[] = {1, 2, 4, 3, 5, 6, 7, 7};
  const int marks = subsets[int(draws.uniform(0, 8))];
  const float brightness = draws.uniform(28, 60) * sign();
  const float mismatch = draws.uniform(0.2f, 0.4f) * sign();
  // Towards green or magenta, where no skin is.
  const Colour tint = {draws.uniform(-0.4f, 0.4f), 1, draws.uniform(-0.4f, 0.4f)};
  const float factor = draws.uniform(2.5f, 4);
  if (marks & has_seam) seam = brightness;
  if (marks & has_other_colours) gain = Colour{1, 1, 1} + tint * mismatch;
  if (marks & has_less_detail) shrunk = factor;
}

namespace {

/// How far a pixel is outside the inner face, in units of the face, about; negative inside.
class InnerFace {
 public:
  InnerFace(const Shot& shot, const Forgery& f)
      : shot_(shot),
        x_((f.left + f.right) / 2 + shot.yaw * feature_depth),
        y_((f.top + f.bottom) / 2 + shot.pitch * feature_depth),
        a_((f.right - f.left) / 2),
        b_((f.bottom - f.top) / 2) {}
  float outside(int64_t column, int64_t row) const {
    const Place place = place_on_face(shot_, float(column) + 0.5f, float(row) + 0.5f);
    const float x = (place.x - x_) / a_, y = (place.y - y_) / b_;
    return (std::sqrt(x * x + y * y) - 1) * a_;
  }

 private:
  const Shot& shot_;
  float x_, y_, a_, b_;
};

}  // namespace

Image forged(const Image& image, const Shot& shot, const Forgery& forgery) {
  constexpr float seam_width = 0.12f, seam_smoothing = 3;
  const Image inner = rescaled(image, forgery.shrunk);
  const Image smooth = rescaled(image, forgery.seam != 0 ? seam_smoothing : 1);
  const InnerFace face(shot, forgery);
  const float gain[3] = {forgery.gain.r, forgery.gain.g, forgery.gain.b};
  Image result(image.width, image.height);
  for (int64_t row = 0; row < image.height; ++row)
    for (int64_t column = 0; column < image.width; ++column) {
      const float outside = face.outside(column, row);
      const float share = std::clamp(0.5f - outside / forgery.feather, 0.f, 1.f);
      const float edge = std::max(1 - std::abs(outside) / seam_width, 0.f);
      const float smoothed = forgery.seam != 0 ? std::min(3 * edge, 1.f) : 0;
      for (int channel = 0; channel < 3; ++channel) {
        const auto of = [&](const Image& from) {
          return float(from.row(row)[column * 3 + channel]);
        };
        float value = of(image) + (of(inner) * gain[channel] - of(image)) * share;
        value += (of(smooth) - value) * smoothed + forgery.seam * edge;
        result.row(row)[column * 3 + channel] = uint8_t(std::clamp(value + 0.5f, 0.f, 255.f));
      }
    }
  return result;
}

}  // namespace lathe::faces
