// resize() against PIL and OpenCV, and the vectorised passes against the plain ones.
#include "data/transforms/pixels.h"
#include "data/transforms/resample.h"
#include "tests/data/image_golden.h"

using namespace lathe;
using tests::message_of;
using tests::pattern;

namespace {

/// All of an image resized by these passes.
Image resampled(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
                const image::Passes& passes) {
  return image::resample(image, width, height, interpolation, {0, 0, width, height}, passes);
}

Interpolation interpolation_of(const std::string& name) {
  if (name == "nearest") return Interpolation::nearest;
  if (name == "bilinear") return Interpolation::bilinear;
  if (name == "bicubic") return Interpolation::bicubic;
  if (name == "lanczos") return Interpolation::lanczos;
  if (name == "area") return Interpolation::area;
  return name == "linear" ? Interpolation::linear : Interpolation::cubic;
}

}  // namespace

TEST_CASE("resize: bytes equal PIL's") {
  for (const auto& row : tests::image_golden()["resize"]) {
    INFO(row.dump());
    const Image from = pattern(row[0], row[1]);
    const Interpolation interpolation = interpolation_of(row[2]);
    const std::vector<int64_t> expected = {row[3], row[4], row[5]};
    CHECK(tests::summary(resize(from, row[3], row[4], interpolation)) == expected);
    if (interpolation == Interpolation::nearest) continue;
    CHECK(tests::summary(resampled(from, row[3], row[4], interpolation, image::plain_passes)) ==
          expected);
  }
}

TEST_CASE("resize: OpenCV's bytes, but for 1 of 255 in one of a hundred") {
  tests::NearlyEqual same;
  for (const auto& row : tests::image_golden()["resize by opencv"]) {
    INFO(row[0], " x ", row[1], " to ", row[3], " x ", row[4], ", ", row[2]);
    same.add(resize(pattern(row[0], row[1]), row[3], row[4], interpolation_of(row[2])), row[5]);
  }
  CHECK(same.share() >= 0.99);
}

TEST_CASE("resize: vectors give the plain loops' bytes") {
  if (!image::avx2_passes()) return tests::skip("resize in vectors", "the processor has no AVX2");
  const std::vector<int64_t> sides = {1, 2, 3, 5, 6, 31, 64, 257};
  for (const int64_t width : sides)
    for (const int64_t to_width : sides)
      for (const int64_t height : {1, 3, 4, 30})
        for (const int64_t to_height : {1, 7, 30, 61})
          for (const Interpolation interpolation :
               {Interpolation::bilinear, Interpolation::bicubic, Interpolation::lanczos}) {
            const Image from = pattern(width, height);
            const bool same =
                resampled(from, to_width, to_height, interpolation, *image::avx2_passes()) ==
                resampled(from, to_width, to_height, interpolation, image::plain_passes);
            INFO(width, " x ", height, " to ", to_width, " x ", to_height);
            CHECK(same);
          }
}

TEST_CASE("resize: a part is cut from the whole") {
  for (const Interpolation interpolation :
       {Interpolation::nearest, Interpolation::bilinear, Interpolation::lanczos,
        Interpolation::area, Interpolation::linear, Interpolation::cubic})
    for (const auto& [width, height] : {std::pair(50, 40), {20, 9}, {31, 61}, {37, 29}, {44, 3}}) {
      const Image from = pattern(37, 29), whole = resize(from, width, height, interpolation);
      for (const Window& part :
           {Window{0, 0, width, height}, Window{3, 1, 7, 2}, Window{width - 5, height - 1, 5, 1}})
        CHECK(bool(resize(from, width, height, interpolation, part) == crop(whole, part)));
    }
  CHECK(message_of([] {
          resize(pattern(9, 9), 5, 5, Interpolation::bilinear, {1, 0, 5, 5});
        }) == "resize: expects a window inside the image of 5 x 5, got 5 x 5 at 1, 0");
}

TEST_CASE("pixels: cut, mirrored, turned over, scaled") {
  const Image image = pattern(5, 3);
  const Image part = crop(image, {1, 2, 3, 1});
  CHECK(std::equal(part.pixels.begin(), part.pixels.end(), image.row(2) + 3));
  CHECK(bool(mirrored(mirrored(image)) == image));
  CHECK(mirrored(image).row(1)[4] == image.row(1)[10]);
  CHECK(bool(upside_down(upside_down(image)) == image));
  CHECK(upside_down(image).row(0)[4] == image.row(2)[4]);
  std::vector<float> numbers(45);
  const PixelScale scale({0.5, 0.25, 0}, {2, 0.5, 1});
  scale.apply(image, numbers.data());
  for (size_t i = 0; i < 45; i += 3) {
    CHECK(numbers[i] == (float(image.pixels[i]) / 255 - 0.5f) / 2);
    CHECK(numbers[i + 1] == (float(image.pixels[i + 1]) / 255 - 0.25f) / 0.5f);
  }
  CHECK(message_of([] {
          PixelScale({0, 0, 0}, {1, 0, 1});
        }).find("positive deviations") != std::string::npos);
}

TEST_CASE("resize: sizes that cannot be") {
  CHECK(message_of([] { resize(pattern(3, 3), 0, 5, Interpolation::bilinear); }) ==
        "resize: expects sides of at least 1 and at most 1073741824 pixels, got 0 x 5");
  CHECK(message_of([] { resize(Image(), 5, 5, Interpolation::bilinear); }) ==
        "resize: expects an image with pixels");
}
