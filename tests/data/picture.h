// Small images for tests, as files.
#pragma once

#include <filesystem>
#include <string>

#include "data/image/image.h"
#include "tests/support.h"

namespace lathe::tests {

/// An image whose pixels depend on its size and a number.
inline Image picture(int64_t width, int64_t height, int number = 0) {
  Image image(width, height);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = uint8_t(i * 7 + i / 31 + size_t(number) * 53);
  return image;
}

/// Writes it as PNG, with the folders above it, and gives its path.
inline std::filesystem::path write_picture(const std::filesystem::path& file, const Image& image) {
  std::filesystem::create_directories(file.parent_path());
  const auto bytes = encode_png(image);
  return write_bytes(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace lathe::tests
