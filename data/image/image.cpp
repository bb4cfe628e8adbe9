#include "data/image/image.h"

#include <cstring>
#include <fstream>
#include <string_view>

#include "data/image/codecs.h"
#include "tensor/check.h"

namespace lathe {
namespace image {
namespace {

constexpr uint64_t largest_file = 1u << 30;

/// What begins like another kind of file than those that are read, in words; null when unknown.
const char* other_kind(std::string_view head) {
  const auto begins = [&](std::string_view with) { return head.starts_with(with); };
  if (begins("GIF8")) return "a GIF image";
  if (begins("RIFF") && head.substr(0, 12).ends_with("WEBP")) return "a WebP image";
  if (begins(std::string_view("II*\0", 4)) || begins(std::string_view("MM\0*", 4)))
    return "a TIFF image";
  if (head.size() > 8 && head.substr(4).starts_with("ftyp")) return "a HEIF, AVIF or video file";
  if (begins("version https://git-lfs")) return "a Git LFS pointer, not the file it stands for";
  if (begins("PK\3\4")) return "a zip archive";
  const size_t text = head.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (text != std::string_view::npos && head[text] == '<')
    return "an HTML or XML page (a failed download?)";
  return nullptr;
}

Decoded decode(Bytes bytes, const std::string& name, const ImageLimits& limits) {
  if (bytes.empty()) fail(ErrorKind::data, name, ": expects a JPEG, PNG or BMP image, it is empty");
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 64));
  if (head.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes, name, limits);
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes, name, limits);
  if (head.starts_with("BM")) return decode_bmp(bytes, name, limits);
  const char* const kind = other_kind(head);
  fail(ErrorKind::data, name, ": expects a JPEG, PNG or BMP image, this is ",
       kind ? kind : "none of them and no kind of file that is known here");
}

}  // namespace

void check_size(const std::string& name, uint64_t width, uint64_t height,
                const ImageLimits& limits) {
  if (width == 0 || height == 0)
    fail(ErrorKind::data, name, ": expects at least one pixel, the header says ", width, " x ",
         height);
  if (height > uint64_t(limits.pixels) / width)
    fail(ErrorKind::data, name, ": expects at most ", limits.pixels, " pixels, the header says ",
         width, " x ", height);
}

}  // namespace image

Image decode_image(std::span<const std::byte> bytes, const std::string& name,
                   const ImageLimits& limits) {
  image::Decoded decoded = image::decode(bytes, name, limits);
  return image::turned_upright(std::move(decoded.image), decoded.orientation);
}

Image read_image(const std::filesystem::path& path, const ImageLimits& limits) {
  const std::string name = path.string();
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    fail(ErrorKind::data, name, ": expects an image, this is a folder");
  const uint64_t size = std::filesystem::file_size(path, code);
  if (code) fail(ErrorKind::data, name, ": cannot be read: ", code.message());
  if (size > image::largest_file)
    fail(ErrorKind::data, name, ": expects an image of at most 1 GiB, the file has ", size,
         " bytes");
  ReusedVector<std::byte> bytes(size);
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorKind::data, name, ": cannot be opened");
  file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(size));
  if (uint64_t(file.gcount()) != size)
    fail(ErrorKind::data, name, ": expects ", size, " bytes, reading stopped after ",
         file.gcount());
  return decode_image(bytes, name, limits);
}

}  // namespace lathe
