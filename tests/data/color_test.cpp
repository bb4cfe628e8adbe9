// Changes of colour against torchvision on PIL, and albumentations on OpenCV.
#include "data/transforms/color.h"

#include "tests/data/image_golden.h"

using namespace lathe;
using tests::message_of;
using tests::pattern;

namespace {

Image changed(const std::string& name, const std::vector<double>& by) {
  const Image image = pattern(64, 24);
  if (name == "brightness") return adjust_brightness(image, by[0]);
  if (name == "contrast") return adjust_contrast(image, by[0]);
  if (name == "saturation") return adjust_saturation(image, by[0]);
  if (name == "hue") return adjust_hue(image, by[0]);
  if (name == "gray") return to_gray(image);
  if (name == "brightness_contrast") return brightness_contrast(image, by[0], by[1]);
  REQUIRE_EQ(name, "hsv");
  return shift_hsv(image, by[0], by[1], by[2]);
}

}  // namespace

TEST_CASE("images: colours equal torchvision's and albumentations'") {
  tests::NearlyEqual nearly;
  for (const auto& row : tests::image_golden()["colour"]) {
    INFO(row[0], row[1].dump());
    const Image image = changed(row[0], row[1]);
    if (row[2].is_string())
      nearly.add(image, row[2]);
    else
      CHECK(tests::summary(image) == row[2].get<std::vector<int64_t>>());
  }
  CHECK(nearly.share() >= 0.99);
}

TEST_CASE("images: changes of colour that have no meaning") {
  const Image image = pattern(2, 2);
  CHECK(message_of([&] { adjust_contrast(image, -1); }) ==
        "adjust_contrast: expects a factor of 0 or more, got -1");
  CHECK(message_of([&] { adjust_hue(image, 0.6); }) ==
        "adjust_hue: expects a shift of -0.5 to 0.5, got 0.6");
  CHECK(adjust_contrast(Image(), 2).pixels.empty());
}
