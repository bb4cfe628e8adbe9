#include "data/transforms/compression.h"

#include <utility>

namespace lathe {
namespace {

void swap_red_and_blue(Image& image) {
  for (size_t i = 0; i < image.pixels.size(); i += 3)
    std::swap(image.pixels[i], image.pixels[i + 2]);
}

}  // namespace

Image jpeg_compressed(const Image& image, int quality) {
  Image swapped = image;
  swap_red_and_blue(swapped);
  const std::vector<std::byte> bytes = encode_jpeg(swapped, quality);
  swapped = decode_image(bytes, "ImageCompression");
  swap_red_and_blue(swapped);
  return swapped;
}

}  // namespace lathe
