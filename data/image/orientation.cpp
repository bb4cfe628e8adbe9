// Which way up a photo is. EXIF is a TIFF header ("II" or "MM" for the byte order, 42, the offset
// of a directory), then a directory: a count, and entries of 12 bytes (tag, type, count, value).
// Tag 0x0112 is the orientation. Every offset is checked against the block's end.
#include <algorithm>
#include <string_view>

#include "data/image/codecs.h"

namespace lathe::image {
namespace {

constexpr uint32_t orientation_tag = 0x0112, type_byte = 1, type_short = 3, type_long = 4;

/// Numbers of a TIFF block in its byte order.
struct Tiff {
  Bytes bytes;
  bool big_endian;

  bool holds(uint64_t offset, uint64_t size) const {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  }
  uint32_t number(uint64_t offset, int size) const {
    uint32_t value = 0;
    for (int i = 0; i < size; ++i)
      value = value << 8 | uint32_t(bytes[offset + (big_endian ? i : size - 1 - i)]);
    return value;
  }
};

int value_of(const Tiff& tiff, uint64_t entry) {
  const uint32_t type = tiff.number(entry + 2, 2), count = tiff.number(entry + 4, 4);
  if (count != 1) return 0;
  uint32_t value = 0;
  if (type == type_byte) value = tiff.number(entry + 8, 1);
  if (type == type_short) value = tiff.number(entry + 8, 2);
  if (type == type_long) value = tiff.number(entry + 8, 4);
  return value <= 8 ? int(value) : 0;
}

/// Where the pixel (x, y) of the upright image is in the file's image.
template <int orientation>
int64_t source(int64_t x, int64_t y, int64_t width, int64_t height) {
  const int64_t right = width - 1, bottom = height - 1;  // of the file's image
  if constexpr (orientation == 2) return y * width + right - x;
  if constexpr (orientation == 3) return (bottom - y) * width + right - x;
  if constexpr (orientation == 4) return (bottom - y) * width + x;
  if constexpr (orientation == 5) return x * width + y;
  if constexpr (orientation == 6) return (bottom - x) * width + y;
  if constexpr (orientation == 7) return (bottom - x) * width + right - y;
  if constexpr (orientation == 8) return x * width + right - y;
}

template <int orientation>
Image turned(const Image& from) {
  Image to(from.width, from.height);
  if (orientation >= 5) std::swap(to.width, to.height);
  uint8_t* out = to.pixels.data();
  for (int64_t y = 0; y < to.height; ++y)
    for (int64_t x = 0; x < to.width; ++x, out += 3)
      std::copy_n(&from.pixels[source<orientation>(x, y, from.width, from.height) * 3], 3, out);
  return to;
}

}  // namespace

int exif_orientation(Bytes bytes) {
  if (bytes.size() < 8) return 0;
  const bool big_endian = bytes[0] == std::byte('M');
  const Tiff tiff{bytes, big_endian};
  if (bytes[0] != bytes[1] || (!big_endian && bytes[0] != std::byte('I'))) return 0;
  if (tiff.number(2, 2) != 42) return 0;
  const uint64_t directory = tiff.number(4, 4);
  if (!tiff.holds(directory, 2)) return 0;
  const uint32_t entries = tiff.number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + uint64_t(12) * i;
    if (!tiff.holds(entry, 12)) return 0;
    if (tiff.number(entry, 2) == orientation_tag) return value_of(tiff, entry);
  }
  return 0;
}

int xmp_orientation(Bytes packet) {
  const std::string_view text(reinterpret_cast<const char*>(packet.data()), packet.size());
  const std::string_view tag = "tiff:Orientation";
  for (size_t at = text.find(tag); at != text.npos; at = text.find(tag, at + 1)) {
    std::string_view rest = text.substr(at + tag.size());
    if (rest.starts_with("=\""))
      rest.remove_prefix(2);
    else if (rest.starts_with(">"))
      rest.remove_prefix(1);
    else
      continue;
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return 0;
}

Image turned_upright(Image image, int orientation) {
  switch (orientation) {
    case 2:
      return turned<2>(image);
    case 3:
      return turned<3>(image);
    case 4:
      return turned<4>(image);
    case 5:
      return turned<5>(image);
    case 6:
      return turned<6>(image);
    case 7:
      return turned<7>(image);
    case 8:
      return turned<8>(image);
    default:
      return image;
  }
}

}  // namespace lathe::image
