// A synthetic stand-in for photos of real and swapped faces, so that a fresh checkout has images to
// train on: drawn faces of many kinds, poses and lights, as JPEG. In a fake the inner face shows
// one to three marks: a seam around it, colours that do not match, less detail than the rest.
#pragma once

#include <cstdint>
#include <filesystem>

namespace lathe {

struct MakeFacesOptions {
  int64_t train = 1600, valid = 200, test = 400;  ///< pictures, half of them real
  int64_t size = 128;                             ///< width and height in pixels
  uint64_t seed = 0;
};

/// Writes train/fake/0000_00.jpg, train/real/0000_00.jpg, valid/…, test/… to the folder, which is
/// made where needed. 0012_02.jpg is picture 2 of person 12, in one place; the one in `fake` is the
/// one in `real` with another inner face, as forgers make them. A person has three pictures of each
/// class and is in one of train, valid and test. The same seed gives the same bytes, for any number
/// of threads. Throws Error(usage) when the folders hold images that would be left among the new
/// ones, Error(device) when the disk is full.
void make_faces(const std::filesystem::path& folder, const MakeFacesOptions& options = {});

}  // namespace lathe
