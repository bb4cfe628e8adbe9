// PNG: the chunks are walked here, the pixels are stb's work. stb does not look at checksums and
// reads on when a file is cut, so both are seen to before. Layout: https://www.w3.org/TR/png
#include <zlib.h>

#include <cstring>
#include <string_view>

#include "data/image/codecs.h"
#include "tensor/check.h"

namespace lathe {
namespace image {
namespace {

constexpr size_t signature = 8, around = 12;  // a chunk's length, name and checksum

uint32_t big_endian(const std::byte* p) {
  return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | uint32_t(p[3]);
}

struct Chunk {
  std::string_view type;
  Bytes data;
};

/// The chunk that begins at `at`, whole and with the right checksum.
Chunk chunk_at(Bytes bytes, size_t at, const std::string& name) {
  const size_t left = bytes.size() - at;
  if (left < around)
    fail(ErrorKind::data, name, ": byte ", at, ": expects a chunk of a PNG image, the file ends");
  const uint32_t size = big_endian(&bytes[at]);
  const std::string_view type(reinterpret_cast<const char*>(&bytes[at + 4]), 4);
  if (size > left - around)
    fail(ErrorKind::data, name, ": byte ", at, ": expects a chunk of ", size, " bytes, ",
         left - around, " are left");
  const auto* const checked = reinterpret_cast<const Bytef*>(&bytes[at + 4]);
  if (crc32(0, checked, size + 4) != big_endian(&bytes[at + 8 + size]))
    fail(ErrorKind::data, name, ": byte ", at, ": the checksum of a chunk is wrong");
  return {type, bytes.subspan(at + 8, size)};
}

}  // namespace

Decoded decode_png(Bytes bytes, const std::string& name, const ImageLimits& limits) {
  const Chunk header = chunk_at(bytes, signature, name);
  if (header.type != "IHDR" || header.data.size() != 13)
    fail(ErrorKind::data, name, ": byte 8: expects the header of a PNG image");
  const uint32_t width = big_endian(&header.data[0]), height = big_endian(&header.data[4]);
  check_size(name, width, height, limits);
  int orientation = 1;
  for (size_t at = signature;;) {
    const Chunk chunk = chunk_at(bytes, at, name);
    if (chunk.type == "IEND") break;
    if (chunk.type == "acTL") fail(ErrorKind::data, name, ": expects one image, this PNG moves");
    if (chunk.type == "eXIf") orientation = exif_orientation(chunk.data);
    at += around + chunk.data.size();
  }
  return {decode_by_stb(bytes, name, "PNG", width, height), orientation};
}

namespace {

void append_chunk(std::vector<std::byte>& to, std::string_view type,
                  const std::vector<uint8_t>& data) {
  const auto number = [&](uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(std::byte(value >> shift));
  };
  number(uint32_t(data.size()));
  const size_t checked = to.size();
  for (const char letter : type) to.push_back(std::byte(letter));
  for (const uint8_t value : data) to.push_back(std::byte(value));
  number(uint32_t(crc32(0, reinterpret_cast<const Bytef*>(&to[checked]), uInt(data.size() + 4))));
}

/// The rows as differences from the row above (PNG's filter 2), which photos compress well by.
std::vector<uint8_t> filtered(const Image& image) {
  const int64_t stride = image.width * 3;
  std::vector<uint8_t> rows(size_t((stride + 1) * image.height));
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* const to = &rows[size_t(y * (stride + 1))];
    const uint8_t* const row = image.row(y);
    to[0] = 2;
    for (int64_t x = 0; x < stride; ++x)
      to[1 + x] = uint8_t(row[x] - (y ? image.row(y - 1)[x] : 0));
  }
  return rows;
}

}  // namespace
}  // namespace image

std::vector<std::byte> encode_png(const Image& image) {
  constexpr int64_t most_bytes = 1 << 30;  // a chunk holds less than twice that
  LATHE_CHECK(image.width >= 1 && image.height >= 1 && image.width <= most_bytes / 4 / image.height,
              "encode_png: expects an image of at most ", most_bytes / 4, " pixels, got ",
              image.width, " x ", image.height);
  const std::vector<uint8_t> rows = image::filtered(image);
  uLongf size = compressBound(uLong(rows.size()));
  std::vector<uint8_t> packed(size);
  if (compress2(packed.data(), &size, rows.data(), uLong(rows.size()), 6) != Z_OK)
    fail(ErrorKind::data, "encode_png: zlib has no memory for ", rows.size(), " bytes");
  packed.resize(size);
  std::vector<uint8_t> header;
  for (const int64_t side : {image.width, image.height})
    for (int shift = 24; shift >= 0; shift -= 8) header.push_back(uint8_t(side >> shift));
  for (const int value : {8, 2, 0, 0, 0}) header.push_back(uint8_t(value));  // 8 bits, RGB
  std::vector<std::byte> bytes;
  for (const int value : {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a})
    bytes.push_back(std::byte(value));
  image::append_chunk(bytes, "IHDR", header);
  image::append_chunk(bytes, "IDAT", packed);
  image::append_chunk(bytes, "IEND", {});
  return bytes;
}

}  // namespace lathe
