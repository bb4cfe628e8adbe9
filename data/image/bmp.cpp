// BMP: the header is looked at here, since stb takes the rows that a cut file lacks for black; the
// pixels are stb's work. Layout: Microsoft's "Bitmap Storage" (BITMAPFILEHEADER, BITMAPINFOHEADER).
#include <cstdlib>

#include "data/image/codecs.h"
#include "tensor/check.h"

namespace lathe::image {
namespace {

uint32_t little_endian(Bytes bytes, size_t at, int size) {
  uint32_t value = 0;
  for (int i = size; i-- > 0;) value = value << 8 | uint32_t(bytes[at + i]);
  return value;
}

}  // namespace

Decoded decode_bmp(Bytes bytes, const std::string& name, const ImageLimits& limits) {
  if (bytes.size() < 34)
    fail(ErrorKind::data, name, ": expects the header of a BMP image, the file ends after ",
         bytes.size(), " bytes");
  const uint32_t pixels_at = little_endian(bytes, 10, 4), header = little_endian(bytes, 14, 4);
  if (header != 40 && header != 56 && header != 108 && header != 124)
    fail(ErrorKind::data, name, ": byte 14: expects a BMP header of 40, 56, 108 or 124 bytes, has ",
         header);
  const int64_t width = int32_t(little_endian(bytes, 18, 4));
  const int64_t height = std::abs(int64_t(int32_t(little_endian(bytes, 22, 4))));
  const uint32_t bits = little_endian(bytes, 28, 2), packing = little_endian(bytes, 30, 4);
  if (width < 0) fail(ErrorKind::data, name, ": byte 18: expects a width, has ", width);
  check_size(name, uint64_t(width), uint64_t(height), limits);
  const bool masks = packing == 3 && bits == 32;
  const bool plain =
      packing == 0 && (bits == 1 || bits == 4 || bits == 8 || bits == 24 || bits == 32);
  if (!masks && !plain)
    fail(ErrorKind::data, name,
         ": expects a plain BMP image of 1, 4, 8, 24 or 32 bits a pixel, has ", bits,
         " bits, packed by method ", packing);
  const uint64_t stride = (uint64_t(width) * bits + 31) / 32 * 4;
  if (bytes.size() < pixels_at || (bytes.size() - pixels_at) / stride < uint64_t(height))
    fail(ErrorKind::data, name, ": expects ", stride * uint64_t(height),
         " bytes of pixels from byte ", pixels_at, " on, the file ends after ", bytes.size());
  return {decode_by_stb(bytes, name, "BMP", width, height)};
}

}  // namespace lathe::image
