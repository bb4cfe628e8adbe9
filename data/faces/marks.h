// What gives a fake away: marks that a swapped face leaves between brows and mouth. A picture's
// unevenness of light, the skin's own colours, and soft lenses are in the way of seeing them.
#pragma once

#include "data/faces/person.h"
#include "data/image/image.h"

namespace lathe::faces {

/// How one forger works; the same for all pictures of a person. One to three of the marks are there;
/// the others have the value that changes nothing.
struct Forgery {
  explicit Forgery(Draws draws);

  float left, top, right, bottom;  // of the inner face, in units of the face
  float feather;                   // over how much of it the edge is blended
  float seam = 0;                  // brightness of the edge, of 255; it is smoothed then too
  Colour gain = {1, 1, 1};         // colours of the inner face against the rest
  float shrunk = 1;                // how many times smaller the inner face once was
};

/// The picture with the inner face exchanged.
Image forged(const Image& image, const Shot& shot, const Forgery& forgery);

}  // namespace lathe::faces
