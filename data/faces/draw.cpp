#include "data/faces/draw.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/resize.h"

namespace lathe::faces {
namespace {

float clamped(float value) { return std::clamp(value, 0.f, 1.f); }
float square(float value) { return value * value; }

/// How far a place is outside an ellipse around (0, 0), about; negative inside.
float outside_ellipse(float x, float y, float a, float b) {
  return (std::sqrt(square(x / a) + square(y / b)) - 1) * std::min(a, b);
}
/// 1 in the middle of a blob of this radius, falling smoothly to nothing.
float blob(float x, float y, float a, float b) {
  const float r = square(x / a) + square(y / b);
  return 1 / square(1 + r);
}

class Painter {
 public:
  Painter(const Person& person, const Scene& scene, const Shot& shot, const Texture& texture,
          int64_t size)
      : p_(person), scene_(scene), shot_(shot), texture_(texture), size_(float(size)) {
    lx_ = scene.light_x + shot.light_x, ly_ = scene.light_y + shot.light_y;
    const float length = std::sqrt(lx_ * lx_ + ly_ * ly_ + 1);
    lx_ /= length, ly_ /= length, lz_ = 1 / length;
  }

  Colour at(float column, float row) const {
    const Place place = place_on_face(shot_, column, row);
    Colour c = wall(column / size_, row / size_);
    shoulders(c, (column - shot_.x) / shot_.scale, (row - shot_.y) / shot_.scale);
    const float x = place.x, y = place.y;
    hair_behind(c, x, y);
    neck_and_ears(c, x, y);
    if (outside_head(x, y) * shot_.scale < 1) head(c, x, y);
    return c * scene_.cast * shot_.brightness;
  }

 private:
  /// The share of a pixel that lies in a shape whose edge is so far away.
  float cover(float outside) const { return clamped(0.5f - outside * shot_.scale); }
  void paint(Colour& under, Colour over, float share) const { under = mix(under, over, share); }

  /// A colour on a ball-like surface whose normal leans to (nx, ny).
  Colour lit(Colour c, float nx, float ny) const {
    const float flat = std::min(square(nx) + square(ny), 1.f);
    const float toward = nx * lx_ + ny * ly_ + std::sqrt(1 - flat) * lz_;
    return c * (scene_.ambient + (1 - scene_.ambient) * 1.25f * std::max(toward, 0.f));
  }

  Colour wall(float u, float v) const {
    const float t = clamped(0.5f + (u - 0.5f) * scene_.wall_turn + (v - 0.5f));
    const float spots = texture_.at(u * 5, v * 5) * scene_.wall_contrast;
    return mix(scene_.wall, scene_.other_wall, t) + Colour{spots, spots, spots};
  }

  void shoulders(Colour& c, float x, float y) const {
    const float body = outside_ellipse(x, y - 2.6f, 1.9f, 1.15f);
    const float folds = 1 + 0.12f * texture_.at(x * 4 + 9, y * 2 + 5);
    paint(c, lit(p_.clothes * folds, x / 2.2f, 0), cover(body));
  }

  float outside_head(float x, float y) const {
    const float chin = std::max(y, 0.f) / p_.height;
    return outside_ellipse(x, y, p_.width * (1 - p_.jaw * chin * chin), p_.height);
  }

  Colour hair_colour(float x, float y) const {
    const float strands = 1 + 0.25f * texture_.at(x * 14, y * 2.5f + 3);
    return lit(p_.hair * strands, x / 1.6f, y / 2);
  }

  void hair_behind(Colour& c, float x, float y) const {
    const float wide = p_.width + p_.hair_volume;
    const float cap = outside_ellipse(x, y, wide, p_.height + p_.hair_volume);
    const float falls = std::max(std::abs(x) - wide, std::max(-y, y - p_.hair_end));
    paint(c, hair_colour(x, y), cover(std::max(std::min(cap, falls), y - p_.hair_end)));
  }

  void neck_and_ears(Colour& c, float x, float y) const {
    const float neck = std::max(std::abs(x) - 0.5f * p_.width, std::max(-y, y - 1.75f));
    paint(c, lit(p_.skin * 0.8f, x, 0.3f), cover(neck));
    const float side = std::abs(x) - p_.width;
    const float ear = outside_ellipse(side, y - 0.02f, 0.11f, 0.24f);
    paint(c, lit(p_.skin * 0.88f, x > 0 ? 0.6f : -0.6f, 0), cover(ear));
  }

  void head(Colour& c, float x, float y) const {
    Colour face = skin_at(x, y);
    const float fx = x - shot_.yaw * feature_depth, fy = y - shot_.pitch * feature_depth;
    nose(face, fx - shot_.yaw * 0.12f, fy);
    mouth(face, fx, fy - p_.mouth_y);
    eyes(face, fx, fy - p_.eye_y);
    brows(face, fx, fy - p_.brow_y);
    if (p_.glasses) glasses(face, fx, fy - p_.eye_y);
    const float line = p_.hairline + p_.fringe * square(x - 0.2f) * (x > 0.2f ? 1.f : 0.7f);
    paint(face, hair_colour(x, y), cover(y - line - 0.04f * texture_.at(x * 9, 1)));
    paint(c, face, cover(outside_head(x, y)));
  }

  Colour skin_at(float x, float y) const {
    Colour skin = p_.skin * (1 + 0.025f * texture_.at(x * 7 + 11, y * 7));
    const float cheeks = blob(std::abs(x) - 0.5f, y - 0.28f, 0.25f, 0.2f);
    skin = skin * Colour{1, 1 - 0.09f * cheeks, 1 - 0.07f * cheeks};
    const float spots = std::max(texture_.at(x * 19, y * 19) - 0.55f, 0.f) * cheeks;
    skin = skin * (1 - 0.9f * p_.freckles * spots);
    const float bearded = clamped((y - 0.42f) * 4) * clamped(1.4f - 0.4f * y);
    paint(skin, p_.hair * (1 + 0.3f * texture_.at(x * 26, y * 21)), p_.beard * bearded);
    return lit(skin, x / p_.width * 0.9f, y / p_.height * 0.8f);
  }

  void nose(Colour& c, float x, float y) const {
    const float bridge = blob(x, y + 0.05f, 0.1f, 0.35f), tip = blob(x, y - p_.nose_y, 0.1f, 0.09f);
    const float dark = blob(x + lx_ * 0.16f, y - p_.nose_y + 0.12f, 0.09f, 0.3f);
    c = c * (1 + 0.06f * bridge + 0.12f * tip - 0.16f * dark);
    c = c * (1 - 0.16f * blob(x, y - p_.nose_y - 0.09f, p_.nose_width, 0.04f));
    const float nostril =
        outside_ellipse(std::abs(x) - p_.nose_width * 0.5f, y - p_.nose_y - 0.07f, 0.045f, 0.025f);
    paint(c, c * 0.4f, 0.8f * cover(nostril));
  }

  void mouth(Colour& c, float x, float y) const {
    const float narrow = 1 - square(x / p_.mouth_width), open = 0.1f * shot_.mouth_open;
    c = c * (1 - 0.14f * blob(x, y - p_.lip_height - open - 0.1f, 0.2f, 0.05f));
    if (narrow <= 0) return;
    const float bow = 1 - 0.3f * blob(x, 0, 0.05f, 1);
    const float upper = -p_.lip_height * narrow * bow,
                lower = (p_.lip_height * 1.25f + open) * narrow;
    const float lips = std::max(upper - y, y - lower);
    const Colour red = p_.lips * (scene_.ambient + 0.35f + (y > 0 ? 0.08f : -0.06f));
    paint(c, red, cover(lips));
    const float inside = std::max(-y, y - open * narrow);
    paint(c, y < 0.05f ? Colour{216, 208, 198} : Colour{60, 20, 22},
          open > 0.01f ? cover(inside) : 0);
    paint(c, p_.lips * 0.45f, 0.8f * cover(std::abs(y) - 0.012f));
  }

  void eyes(Colour& c, float x, float y) const {
    const float side = x > 0 ? 1.f : -1.f, ex = x - side * p_.eye_x;
    c = c * (1 - 0.2f * blob(ex, y + 0.04f, p_.eye_width * 1.3f, 0.13f));
    const float narrow = 1 - square(ex / p_.eye_width);
    if (narrow <= 0) return;
    const float high = p_.eye_height * shot_.eye_open;
    const float lids = std::max(-y - high * narrow, y - high * 0.75f * narrow);
    const float gaze = ex - shot_.yaw * 0.1f;
    const float iris = std::sqrt(square(gaze) + square(y)) - 0.078f;
    Colour ball = Colour{232, 228, 224} * (0.75f + 0.25f * narrow);
    paint(ball, p_.iris * (1 + 4 * std::max(iris + 0.078f, 0.f)), cover(iris));
    paint(ball, {14, 12, 12}, cover(iris + 0.045f));
    paint(ball, {250, 250, 250},
          0.9f * cover(std::sqrt(square(gaze - lx_ * 0.05f) + square(y + 0.03f)) - 0.018f));
    paint(c, ball * (0.55f + 0.4f * scene_.ambient), cover(lids));
    paint(c, p_.hair * 0.35f, 0.85f * cover(std::abs(y + high * narrow) - 0.014f));
  }

  void brows(Colour& c, float x, float y) const {
    const float ex = std::abs(x) - p_.eye_x, along = ex / 0.24f;
    const float middle = 0.06f * square(along) - p_.brow_tilt * ex;
    const float thick = p_.brow_thickness * (1.15f - 0.5f * along);
    const float outside = std::max(std::abs(y - middle) - thick, std::abs(ex) - 0.24f);
    paint(c, p_.hair * (0.7f + 0.2f * texture_.at(x * 30, y * 12)), 0.85f * cover(outside));
  }

  void glasses(Colour& c, float x, float y) const {
    const float ring = std::abs(outside_ellipse(std::abs(x) - p_.eye_x, y - 0.02f, 0.3f, 0.22f));
    const float bridge = std::max(std::abs(y + 0.02f), std::abs(x) - 0.12f);
    paint(c, {30, 28, 30}, 0.9f * cover(std::min(ring, bridge) - 0.016f));
  }

  const Person& p_;
  const Scene& scene_;
  const Shot& shot_;
  const Texture& texture_;
  float size_, lx_, ly_, lz_;
};

}  // namespace

Place place_on_face(const Shot& shot, float column, float row) {
  const float x = (column - shot.x) / shot.scale, y = (row - shot.y) / shot.scale;
  return {x * shot.cosine + y * shot.sine, y * shot.cosine - x * shot.sine};
}

Canvas draw_face(const Person& person, const Scene& scene, const Shot& shot, const Texture& texture,
                 int64_t size) {
  const Painter painter(person, scene, shot, texture, size);
  Canvas canvas(size);
  for (int64_t row = 0; row < size; ++row)
    for (int64_t column = 0; column < size; ++column)
      canvas.pixels[size_t(row * size + column)] =
          painter.at(float(column) + 0.5f, float(row) + 0.5f);
  return canvas;
}

Image photograph(const Canvas& canvas, float noise, const RandomStream& random) {
  Image image(canvas.size, canvas.size);
  // The sum of a word's four bytes is bell-shaped around 510 with a deviation of 147.8.
  const auto rounded = [&](float value, uint32_t word) {
    const uint32_t sum = (word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24);
    value += noise * (float(sum) - 510) / 147.8f;
    return uint8_t(std::clamp(value + 0.5f, 0.f, 255.f));
  };
  for (size_t i = 0; i < canvas.pixels.size(); ++i) {
    const Colour c = canvas.pixels[i];
    const Philox4 words = random.block(i);
    image.pixels[3 * i] = rounded(c.r, words.x);
    image.pixels[3 * i + 1] = rounded(c.g, words.y);
    image.pixels[3 * i + 2] = rounded(c.b, words.z);
  }
  return image;
}

Image rescaled(const Image& image, float times) {
  if (times == 1) return image;
  const auto width = int64_t(float(image.width) / times + 0.5f);
  const auto height = int64_t(float(image.height) / times + 0.5f);
  return resize(resize(image, width, height, Interpolation::bilinear), image.width, image.height,
                Interpolation::bilinear);
}

}  // namespace lathe::faces
