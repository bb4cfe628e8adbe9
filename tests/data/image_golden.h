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

/// The image of make_images.py's pattern().
inline Image pattern(int64_t width, int64_t height) {
  Image image(width, height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.row(y)[x * 3 + c] =
            uint8_t((x * x * 3 + y * y * 5 + x * y * 7 * (c + 1) + c * 60) >> 3);
  return image;
}

/// Counts bytes that equal a golden's; none may differ by more than 1.
class NearlyEqual {
 public:
  void add(const Image& image, const std::string& base64) {
    const std::vector<std::byte> expected = from_base64(base64);
    REQUIRE_EQ(image.pixels.size(), expected.size());
    int largest = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      const int difference = std::abs(int(image.pixels[i]) - int(expected[i]));
      largest = std::max(largest, difference);
      equal_ += difference == 0;
    }
    CHECK(largest <= 1);
    all_ += int64_t(expected.size());
  }
  double share() const { return double(equal_) / double(all_); }

 private:
  int64_t equal_ = 0, all_ = 0;
};

/// As the golden keeps images: width, height, CRC-32 of the pixels.
inline std::vector<int64_t> summary(const Image& image) {
  return {image.width, image.height,
          int64_t(crc32(0, image.pixels.data(), uInt(image.pixels.size())))};
}

}  // namespace lathe::tests
