// Who is drawn and how they are photographed: the parameters of draw_face(), drawn at random.
// Everything here is made of +, -, *, / and square roots alone, which every machine computes alike,
// so that the same seed gives the same picture to the last bit.
#pragma once

#include <array>
#include <cstdint>

#include "tensor/random.h"

namespace lathe::faces {

/// Red, green and blue, 0 to 255.
struct Colour {
  float r = 0, g = 0, b = 0;
};
inline Colour operator*(Colour c, float k) { return {c.r * k, c.g * k, c.b * k}; }
inline Colour operator*(Colour c, Colour k) { return {c.r * k.r, c.g * k.g, c.b * k.b}; }
inline Colour operator+(Colour a, Colour b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
/// From a (t = 0) to b (t = 1).
inline Colour mix(Colour a, Colour b, float t) { return a * (1 - t) + b * t; }

/// Random numbers drawn one after another; those of data/transforms/draws.h are in f64 and take
/// logarithms.
class Draws {
 public:
  explicit Draws(const RandomStream& stream) : stream_(stream) {}
  float uniform(float low, float high) { return low + (high - low) * stream_.uniform(next_++); }
  bool chance(float probability) { return stream_.uniform(next_++) < probability; }
  /// Around 0, bell-shaped, with this deviation: a sum of four uniform numbers.
  float bell(float deviation) {
    float sum = -2;
    for (int i = 0; i < 4; ++i) sum += uniform(0, 1);
    return sum * 1.7320508f * deviation;
  }

 private:
  RandomStream stream_;
  uint64_t next_ = 0;
};

/// A smooth random surface, -1 to 1, that repeats every 32 units.
class Texture {
 public:
  explicit Texture(Draws& draws);
  float at(float u, float v) const;

 private:
  static constexpr int side = 32;
  std::array<float, side * side> values_;
};

/// Lengths are in half widths of an average head, from the middle of the face; y points down.
struct Person {
  explicit Person(Draws draws);

  Colour skin, hair, iris, lips, clothes;
  float width, height, jaw;                       // of the head; how much narrower the chin is
  float hair_volume, hair_end, hairline, fringe;  // beyond the head; how far down; on the forehead
  float brow_y, brow_thickness, brow_tilt;
  float eye_x, eye_y, eye_width, eye_height;
  float nose_width, nose_y, mouth_y, mouth_width, lip_height;
  float beard, freckles;  // 0 to 1
  bool glasses;
};

/// Where a person is photographed.
struct Scene {
  explicit Scene(Draws draws);

  Colour wall, other_wall;
  float wall_turn, wall_contrast;
  float light_x, light_y, ambient;  // where the light comes from; the share that is everywhere
  Colour cast;                      // of the light, around 1
};

/// One picture of it. `size` is the picture's side in pixels.
struct Shot {
  Shot(Draws draws, int64_t size);

  float x, y, scale;                   // the middle of the face and its unit, in pixels
  float cosine, sine;                  // of the head's roll
  float yaw, pitch;                    // how far the nose moves against the outline, a depth
  float mouth_open, eye_open;          // 0 to 1
  float light_x, light_y, brightness;  // changes of the scene's
  float noise;                         // the camera's, of 255
  float softness;                      // how much smaller the picture once was: 1 or more
  int quality;                         // of the JPEG
};

}  // namespace lathe::faces
