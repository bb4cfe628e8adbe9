// The parts of decode_image, one a format; used by data/image alone.
#pragma once

#include "data/image/image.h"

namespace lathe::image {

using Bytes = std::span<const std::byte>;

/// A decoded file and how it has to be turned.
struct Decoded {
  Image image;
  int orientation = 1;  ///< as EXIF counts: 1 upright … 8
};

Decoded decode_jpeg(Bytes bytes, const std::string& name, const ImageLimits& limits);
Decoded decode_png(Bytes bytes, const std::string& name, const ImageLimits& limits);
Decoded decode_bmp(Bytes bytes, const std::string& name, const ImageLimits& limits);

/// The pixels of a PNG or BMP file whose header says so many; `format` is for messages.
Image decode_by_stb(Bytes bytes, const std::string& name, const char* format, int64_t width,
                    int64_t height);

/// Throws unless an image of this size is within the limit. Any extents are allowed here.
void check_size(const std::string& name, uint64_t width, uint64_t height,
                const ImageLimits& limits);

/// The orientation that an EXIF block (a TIFF header and its first directory) holds; 0 when it has
/// none or is damaged, since PIL reads such photos as they stand.
int exif_orientation(Bytes tiff);
/// The same of an XMP packet, in which PIL looks when EXIF says nothing.
int xmp_orientation(Bytes packet);
/// Turned as the orientation says; others than 2 to 8 change nothing.
Image turned_upright(Image image, int orientation);

}  // namespace lathe::image
