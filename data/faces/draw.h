// Draws a face: background, shoulders, hair, head, ears, brows, eyes, nose, mouth, lit from a side.
// Each pixel is computed by itself from shapes that are functions of the place, so edges are smooth
// at any size.
#pragma once

#include <vector>

#include "data/faces/person.h"
#include "data/image/image.h"

namespace lathe::faces {

/// What a picture is before it is rounded to bytes: (size, size) colours, row by row.
struct Canvas {
  explicit Canvas(int64_t size) : size(size), pixels(size_t(size * size)) {}
  int64_t size;
  std::vector<Colour> pixels;
};

/// Without the camera's noise. `texture` is the skin's and the wall's.
Canvas draw_face(const Person& person, const Scene& scene, const Shot& shot, const Texture& texture,
                 int64_t size);

/// Rounded to bytes, after noise of this deviation was added to each value.
Image photograph(const Canvas& canvas, float noise, const RandomStream& random);

/// The picture made smaller by this factor and as large as before again; by 1 it stays as it is.
Image rescaled(const Image& image, float times);

/// How far brows, eyes and mouth stand out from the head: they move by this times yaw and pitch.
constexpr float feature_depth = 0.4f;

/// A place of the picture in units of the face: where its features are drawn, turned as the head.
struct Place {
  float x, y;
};
Place place_on_face(const Shot& shot, float column, float row);

}  // namespace lathe::faces
