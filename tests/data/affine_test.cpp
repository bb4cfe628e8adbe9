// AffineMap maps of images against torchvision on PIL, and OpenCV.
#include "data/transforms/affine.h"

#include "tests/data/image_golden.h"

using namespace lathe;
using tests::message_of;
using tests::pattern;

namespace {
constexpr std::array<uint8_t, 3> fill = {7, 8, 9};
}

TEST_CASE("images: affine maps equal torchvision's, and OpenCV's but for rounding") {
  const Image image = pattern(64, 48);
  for (const auto& row : tests::image_golden()["affine"]["lookup"]) {
    INFO(row.dump());
    const AffineMap lookup = torchvision_lookup(64, 48, row[0], row[1], row[2], row[3]);
    CHECK(tests::summary(transform_nearest(image, lookup, fill)) ==
          row[4].get<std::vector<int64_t>>());
  }
  tests::NearlyEqual nearly;
  for (const auto& row : tests::image_golden()["affine"]["warp"]) {
    INFO(row[0].dump());
    nearly.add(warp_linear(image, row[0].get<AffineMap>(), fill), row[1]);
  }
  CHECK(nearly.share() >= 0.99);
}

TEST_CASE("images: affine maps undo each other, and bear extreme numbers") {
  const AffineMap map = {1.5, 0.2, 3, -0.4, 0.8, -7}, back = inverse(map);
  const double x = map[0] * 2 + map[1] * 5 + map[2], y = map[3] * 2 + map[4] * 5 + map[5];
  CHECK(back[0] * x + back[1] * y + back[2] == doctest::Approx(2));
  CHECK(back[3] * x + back[4] * y + back[5] == doctest::Approx(5));
  CHECK(message_of([] { inverse({1, 2, 0, 2, 4, 0}); }).find("can be undone") != std::string::npos);
  const Image image = pattern(5, 4);
  for (const double huge : {1e9, 1e200}) {
    CHECK(transform_nearest(image, {huge, 0.1, huge, 0.1, huge, -huge}, fill).row(0)[0] == 7);
    CHECK(transform_nearest(image, {huge, 0, huge, 0, huge, huge}, fill).row(3)[0] == 7);
    CHECK(warp_linear(image, {1, 0, -huge, 0, 1, huge}, fill).row(3)[1] == 8);
  }
}
