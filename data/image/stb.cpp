// stb_image, built in with the two formats that are read by it. Debian's snapshot is older than the
// fixes of CVE-2023-45661 to 45667; those are in other formats, which are left out. Its memory
// comes from here, with a bound: a few compressed bytes can ask for gigabytes.
#include <cstdlib>
#include <cstring>
#include <limits>

#include "data/image/codecs.h"
#include "tensor/check.h"

namespace {

thread_local size_t largest_block = 0;  // that stb may take for the image it is reading

void* stb_malloc(size_t size) { return size <= largest_block ? std::malloc(size) : nullptr; }
void* stb_realloc(void* block, size_t size) {
  return size <= largest_block ? std::realloc(block, size) : nullptr;
}

}  // namespace

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS (1 << 26)  // a side; check_size() bounds their product
#define STBI_MALLOC(size) stb_malloc(size)
#define STBI_REALLOC(block, size) stb_realloc(block, size)
#define STBI_FREE(block) std::free(block)
#include <stb/stb_image.h>

namespace lathe::image {

Image decode_by_stb(Bytes bytes, const std::string& name, const char* format, int64_t width,
                    int64_t height) {
  // Four channels of 16 bits, the filters' bytes, the compressed data: nothing honest needs more.
  largest_block = size_t(width * height * 8 + 16 * (width + height)) + bytes.size() + (1 << 16);
  if (bytes.size() > size_t(std::numeric_limits<int>::max()))
    fail(ErrorKind::data, name, ": expects less than 2 GiB");
  int got_width = 0, got_height = 0, channels = 0;
  stbi_uc* const pixels =
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), int(bytes.size()),
                            &got_width, &got_height, &channels, 3);
  if (!pixels)
    fail(ErrorKind::data, name, ": expects a whole ", format,
         " image, stb_image says: ", stbi_failure_reason());
  const bool same = got_width == width && got_height == height;
  Image image;
  if (same) {
    image = Image(width, height);
    std::memcpy(image.pixels.data(), pixels, image.pixels.size());
  }
  std::free(pixels);
  if (!same) fail(ErrorKind::data, name, ": its header is read in two ways");
  return image;
}

}  // namespace lathe::image
