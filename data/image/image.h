// Photos: bytes of a JPEG, PNG or BMP file to pixels, and back. What a file is says its content,
// never its name. The pixels are those of PIL's exif_transpose(open(file)).convert("RGB"), byte for
// byte (docs/images.md says how that is reached): alpha is dropped, grey is repeated, 16 bits
// become 8 by their high byte, a photo taken sideways is turned upright.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/image/reused_memory.h"

namespace lathe {

/// 8-bit RGB, row by row. The pixels of a new image are not set.
struct Image {
  int64_t width = 0, height = 0;
  ReusedVector<uint8_t> pixels;  ///< (height, width, 3)

  Image() = default;
  Image(int64_t width, int64_t height)
      : width(width), height(height), pixels(size_t(width * height * 3)) {}
  uint8_t* row(int64_t y) { return pixels.data() + y * width * 3; }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * width * 3; }
  bool operator==(const Image&) const = default;
};

/// A part of an image.
struct Window {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// What a file may ask for. It is checked in the header, before memory is taken.
struct ImageLimits {
  int64_t pixels = 100'000'000;
};

/// `name` stands in front of messages. Throws Error(data) for another format (named), for damaged
/// or cut data, for more pixels than the limit; animated PNGs are refused too.
Image decode_image(std::span<const std::byte> bytes, const std::string& name,
                   const ImageLimits& limits = {});
Image read_image(const std::filesystem::path& path, const ImageLimits& limits = {});

/// Baseline JPEG with 4:2:0 colour and libjpeg's tables at `quality` 1 to 100: PIL's defaults.
std::vector<std::byte> encode_jpeg(const Image& image, int quality = 75);
std::vector<std::byte> encode_png(const Image& image);

}  // namespace lathe
