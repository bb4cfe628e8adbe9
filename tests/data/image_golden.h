// What images.json holds, as tests of images read it.
#pragma once

#include <zlib.h>

#include <nlohmann/json.hpp>

#include "data/image/image.h"
#include "tests/support.h"

namespace lathe::tests {

inline const nlohmann::json& image_golden() {
  static const nlohmann::json json = nlohmann::json::parse(bytes_of(golden("images.json")));
  return json;
}

inline std::vector<std::byte> from_base64(const std::string& text) {
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char letter : text) {
    if (letter == '=') break;
    bits = bits << 6 | uint32_t(letters.find(letter));
    if ((count += 6) >= 8) bytes.push_back(std::byte(bits >> (count -= 8)));
  }
  return bytes;
}

/// The bytes of a file that the golden holds whole.
inline std::vector<std::byte> golden_file(const std::string& name) {
  return from_base64(image_golden()["files"].at(name)["bytes"]);
}

/// As the golden keeps images: width, height, CRC-32 of the pixels.
inline std::vector<int64_t> summary(const Image& image) {
  return {image.width, image.height,
          int64_t(crc32(0, image.pixels.data(), uInt(image.pixels.size())))};
}

}  // namespace lathe::tests
