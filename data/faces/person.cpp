#include "data/faces/person.h"

#include <algorithm>
#include <iterator>

namespace lathe::faces {
namespace {

/// A colour between two neighbours of a row of colours, with a little of its own.
template <size_t N>
Colour between(const Colour (&colours)[N], Draws& draws, float own) {
  const float at = draws.uniform(0, float(N - 1));
  const size_t first = std::min(size_t(at), N - 2);
  const Colour c = mix(colours[first], colours[first + 1], at - float(first));
  return c * Colour{1 + draws.bell(own), 1 + draws.bell(own), 1 + draws.bell(own)};
}

constexpr Colour skins[] = {{246, 214, 192}, {232, 190, 160}, {206, 158, 122},
                            {160, 112, 80},  {120, 80, 58},   {88, 58, 44}};
constexpr Colour hairs[] = {{22, 18, 18},   {50, 34, 26},  {92, 60, 38},
                            {190, 150, 92}, {150, 70, 36}, {150, 146, 142}};
constexpr Colour irises[] = {{60, 38, 24}, {96, 66, 36}, {92, 110, 70}, {90, 130, 160}};
constexpr Colour walls[] = {{60, 66, 80},  {120, 130, 140}, {196, 190, 176},
                            {96, 120, 96}, {150, 110, 90},  {210, 214, 220}};
constexpr Colour cloths[] = {
    {40, 44, 60}, {170, 40, 44}, {220, 220, 214}, {50, 96, 70}, {60, 90, 160}};

}  // namespace

Texture::Texture(Draws& draws) {
  for (float& value : values_) value = draws.uniform(-1, 1);
}

float Texture::at(float u, float v) const {
  u += 4096, v += 4096;  // so that cutting the fraction off rounds down
  const int column = int(u), row = int(v);
  const auto smooth = [](float t) { return t * t * (3 - 2 * t); };
  const float s = smooth(u - float(column)), t = smooth(v - float(row));
  const auto value = [&](int dx, int dy) {
    return values_[size_t((row + dy) % side * side + (column + dx) % side)];
  };
  const float above = value(0, 0) * (1 - s) + value(1, 0) * s;
  const float below = value(0, 1) * (1 - s) + value(1, 1) * s;
  return above * (1 - t) + below * t;
}

Person::Person(Draws draws) {
  skin = between(skins, draws, 0.03f);
  hair = between(hairs, draws, 0.06f);
  iris = between(irises, draws, 0.08f);
  clothes = between(cloths, draws, 0.1f);
  lips = mix(skin * Colour{0.86f, 0.62f, 0.6f}, {176, 40, 56}, draws.uniform(0, 0.6f));
  width = draws.uniform(0.92f, 1.08f);
  height = draws.uniform(1.24f, 1.42f);
  jaw = draws.uniform(0.12f, 0.34f);
  hair_volume = draws.uniform(0.04f, 0.26f);
  hair_end = draws.chance(0.5f) ? draws.uniform(0.6f, 1.9f) : draws.uniform(-0.4f, 0.1f);
  hairline = draws.uniform(-1.02f, -0.74f);
  fringe = draws.uniform(0.1f, 0.5f);
  brow_y = draws.uniform(-0.47f, -0.38f);
  brow_thickness = draws.uniform(0.02f, 0.05f);
  brow_tilt = draws.uniform(-0.15f, 0.2f);
  eye_x = draws.uniform(0.37f, 0.45f);
  eye_y = draws.uniform(-0.22f, -0.16f);
  eye_width = draws.uniform(0.16f, 0.205f);
  eye_height = draws.uniform(0.065f, 0.1f);
  nose_width = draws.uniform(0.13f, 0.21f);
  nose_y = draws.uniform(0.24f, 0.36f);
  mouth_y = draws.uniform(0.62f, 0.72f);
  mouth_width = draws.uniform(0.25f, 0.37f);
  lip_height = draws.uniform(0.045f, 0.085f);
  beard = draws.chance(0.25f) ? draws.uniform(0.2f, 0.8f) : 0;
  freckles = draws.chance(0.3f) ? draws.uniform(0.2f, 1) : 0;
  glasses = draws.chance(0.2f);
}

Scene::Scene(Draws draws) {
  wall = between(walls, draws, 0.1f);
  other_wall = between(walls, draws, 0.1f);
  wall_turn = draws.uniform(-1, 1);
  wall_contrast = draws.uniform(0, 30);
  light_x = draws.uniform(-0.8f, 0.8f);
  light_y = draws.uniform(-0.8f, 0.1f);
  ambient = draws.uniform(0.45f, 0.75f);
  cast = {1 + draws.bell(0.05f), 1 + draws.bell(0.02f), 1 + draws.bell(0.06f)};
}

Shot::Shot(Draws draws, int64_t size) {
  const auto side = float(size);
  x = side * (0.5f + draws.bell(0.02f));
  y = side * (0.5f + draws.bell(0.02f));
  scale = side * draws.uniform(0.27f, 0.33f);
  const float turn = draws.bell(0.06f);  // tangent of half the roll
  cosine = (1 - turn * turn) / (1 + turn * turn);
  sine = 2 * turn / (1 + turn * turn);
  yaw = draws.bell(0.25f);
  pitch = draws.bell(0.1f);
  mouth_open = draws.chance(0.4f) ? draws.uniform(0, 1) : 0;
  eye_open = draws.chance(0.06f) ? 0.15f : draws.uniform(0.7f, 1.1f);
  light_x = draws.bell(0.1f);
  light_y = draws.bell(0.1f);
  brightness = draws.uniform(0.82f, 1.12f);
  noise = draws.uniform(1.5f, 3.5f);
  softness = draws.chance(0.3f) ? draws.uniform(1, 1.3f) : 1;
  quality = int(draws.uniform(80, 96));
}

}  // namespace lathe::faces
