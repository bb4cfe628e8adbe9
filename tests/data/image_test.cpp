// Decoding: pixels against PIL's, damaged and foreign files, encoding.
#include <algorithm>

#include "tests/data/image_golden.h"

using namespace lathe;
using tests::golden_file;
using tests::image_golden;
using tests::message_of;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* const first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

/// Nothing but an image or an Error(data) may come of any bytes. True when it was an image.
bool survives(std::span<const std::byte> bytes) {
  try {
    decode_image(bytes, "file", {.pixels = 10'000'000});
    return true;
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::data);
    return false;
  }
}

/// Sets a number of 4 bytes and the checksum of the PNG chunk that begins at byte 8.
void set_png_width(std::vector<std::byte>& png, uint32_t width) {
  for (int i = 0; i < 4; ++i) png[16 + i] = std::byte(width >> (24 - 8 * i));
  const uint32_t crc = uint32_t(crc32(0, reinterpret_cast<const Bytef*>(&png[12]), 17));
  for (int i = 0; i < 4; ++i) png[29 + i] = std::byte(crc >> (24 - 8 * i));
}

}  // namespace

TEST_CASE("images: pixels of generated files equal PIL's") {
  for (const auto& [name, file] : image_golden()["files"].items()) {
    INFO(name);
    const Image image = decode_image(tests::from_base64(file["bytes"]), name);
    CHECK(tests::summary(image) == file["rgb"].get<std::vector<int64_t>>());
  }
}

TEST_CASE("images: pixels of real files equal PIL's") {
  const auto root = tests::real_data("images").parent_path();
  if (root.empty()) return tests::skip("real images", "shared/data is absent");
  int equal = 0, refused = 0;
  std::vector<std::string> different, only_pil, only_here;
  for (const auto& [name, expected] : image_golden()["real"].items()) {
    std::vector<int64_t> got;
    try {
      got = tests::summary(read_image(root / name));
    } catch (const Error& e) {
      CHECK(e.kind() == ErrorKind::data);
      if (!expected.is_null()) only_pil.push_back(e.what());
    }
    if (got.empty()) ++refused;
    if (!got.empty() && expected.is_null()) only_here.push_back(name);
    if (got.empty() || expected.is_null()) continue;
    if (got == expected.get<std::vector<int64_t>>())
      ++equal;
    else
      different.push_back(name);
  }
  for (const std::string& name : different) FAIL_CHECK("differs: ", name);
  for (const std::string& name : only_here) FAIL_CHECK("PIL refuses this: ", name);
  for (const std::string& name : only_pil) MESSAGE("PIL reads this: ", name);
  MESSAGE(equal, " equal, ", refused, " refused");
}

TEST_CASE("images: other files are named for what they are") {
  const auto message = [](const std::string& text) {
    return message_of([&] { decode_image(bytes_of(text), "face.jpg"); });
  };
  CHECK(message("") == "face.jpg: expects a JPEG, PNG or BMP image, it is empty");
  CHECK(message("<!DOCTYPE html><html>").find("HTML") != std::string::npos);
  CHECK(message("version https://git-lfs.github.com/spec/v1\noid").find("Git LFS pointer") !=
        std::string::npos);
  CHECK(message("hello") ==
        "face.jpg: expects a JPEG, PNG or BMP image, this is none of them and no kind of file that "
        "is known here");
  for (const auto& [what, file] : image_golden()["refused"].items()) {
    INFO(what);
    const auto bytes = tests::from_base64(file);
    CHECK(message_of([&] { decode_image(bytes, "x"); }).find(what) != std::string::npos);
  }
  CHECK(message_of([] { read_image("/no/such.jpg"); }).find("/no/such.jpg: cannot be read: ") == 0);
  CHECK(message_of([] { read_image("/"); }) == "/: expects an image, this is a folder");
}

TEST_CASE("images: sizes are limited before memory is taken") {
  auto png = golden_file("png RGB");
  set_png_width(png, 30'000'000);
  CHECK(message_of([&] { decode_image(png, "big.png"); }) ==
        "big.png: expects at most 100000000 pixels, the header says 30000000 x 29");
  set_png_width(png, 0);
  CHECK(message_of([&] { decode_image(png, "x"); }).find("at least one pixel") !=
        std::string::npos);
  set_png_width(png, 38);  // the rows are too short now
  CHECK(!survives(png));
  const auto jpeg = golden_file("jpeg grey");
  CHECK(message_of([&] { decode_image(jpeg, "x", {.pixels = 1000}); }) ==
        "x: expects at most 1000 pixels, the header says 37 x 29");
}

TEST_CASE("images: 30,000 x 30,000 pixels are refused by every format's header") {
  const auto put = [](std::vector<std::byte>& file, size_t at, std::initializer_list<int> bytes) {
    for (int byte : bytes) file[at++] = std::byte(byte);
  };
  auto png = golden_file("png RGB");
  put(png, 20, {0, 0, 30'000 >> 8, 30'000 & 255});
  set_png_width(png, 30'000);
  auto bmp = golden_file("bmp RGB");
  put(bmp, 18, {30'000 & 255, 30'000 >> 8, 0, 0, 30'000 & 255, 30'000 >> 8, 0, 0});
  auto jpeg = golden_file("jpeg subsampling 0");
  const std::byte frame[] = {std::byte(0xff), std::byte(0xc0)};
  const auto found = std::search(jpeg.begin(), jpeg.end(), frame, frame + 2);
  REQUIRE(found != jpeg.end());
  put(jpeg, size_t(found - jpeg.begin()) + 5,
      {30'000 >> 8, 30'000 & 255, 30'000 >> 8, 30'000 & 255});
  for (const auto& file : {png, bmp, jpeg})
    CHECK(message_of([&] { decode_image(file, "big"); }) ==
          "big: expects at most 100000000 pixels, the header says 30000 x 30000");
}

TEST_CASE("images: a file's name does not say what it is") {
  const tests::ScratchFolder folder;
  for (const std::string name : {"png RGB", "jpeg grey", "bmp RGB"}) {
    const auto bytes = golden_file(name);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const char* file : {"a.jpg", "a.png", "a.bmp", "a.txt", "a"})
      CHECK(read_image(tests::write_bytes(folder / file, text)) == decode_image(bytes, name));
  }
  tests::write_bytes(folder / "empty.png", "");
  CHECK(message_of([&] { read_image(folder / "empty.png"); }) ==
        (folder / "empty.png").string() + ": expects a JPEG, PNG or BMP image, it is empty");
}

TEST_CASE("images: no damaged file crashes, none that is cut is read") {
  uint64_t state = 1;
  const auto draw = [&](size_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return size_t(state >> 33) % below;
  };
  for (const std::string name : {"jpeg subsampling 2", "jpeg progressive", "png RGB", "png palette",
                                 "bmp RGB", "bmp palette"}) {
    INFO(name);
    const auto file = golden_file(name);
    for (int i = 0; i < 300; ++i) {
      auto cut = file;
      cut.resize(draw(file.size() - 2));
      CHECK_FALSE(survives(cut));
      auto flipped = file;
      for (size_t flips = 1 + draw(4); flips > 0; --flips)
        flipped[draw(file.size())] ^= std::byte(1u << draw(8));
      survives(flipped);
    }
  }
}

TEST_CASE("images: what is encoded is read again") {
  const Image image = decode_image(golden_file("png RGB"), "png");
  CHECK(decode_image(encode_png(image), "again") == image);
  const Image jpeg = decode_image(encode_jpeg(image, 95), "jpeg");
  CHECK(jpeg.width == image.width);
  int64_t error = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i)
    error += std::abs(int(jpeg.pixels[i]) - int(image.pixels[i]));
  CHECK(double(error) / double(image.pixels.size()) < 8);
  CHECK(encode_jpeg(image, 60).size() < encode_jpeg(image, 95).size());
  CHECK(message_of([&] { encode_jpeg(image, 0); }) ==
        "encode_jpeg: expects a quality from 1 to 100, got 0");
  CHECK_THROWS_AS(encode_png(Image()), Error);
}
