#include "data/image_stats.h"

#include <algorithm>

#include "data/image/image.h"
#include "tests/support.h"

using namespace lathe;

namespace {

std::string write_png(const std::filesystem::path& file, int64_t width, int64_t height,
                      std::array<uint8_t, 3> colour) {
  Image image(width, height);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = colour[i % 3];
  const auto bytes = encode_png(image);
  return tests::write_bytes(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

TEST_CASE("image stats: means over all pixels, sizes, classes; what cannot be read is apart") {
  const tests::ScratchFolder folder;
  ImageList list{{}, {"fake", "real"}};
  list.items = {{write_png(folder / "a.png", 2, 1, {0, 10, 255}), 0, "p"},
                {write_png(folder / "b.png", 4, 3, {255, 10, 0}), 1, "p"},
                {tests::write_bytes(folder / "c.jpg", ""), 1, "q"},
                {folder / "d.jpg", 0, "r"},
                {write_png(folder / "e.png", 7, 2, {0, 10, 255}), 1, "s"},
                {write_png(folder / "f.png", 3, 4, {255, 10, 0}), 1, ""}};
  const ImageStats stats = image_stats(list);
  CHECK_EQ(stats.images, 4);
  CHECK_EQ(stats.groups, 2);
  CHECK_EQ(stats.classes[0].name, "fake");
  CHECK_EQ(stats.classes[0].images, 1);
  CHECK_EQ(stats.classes[1].share, 0.75);
  CHECK_EQ(stats.width.smallest, 2);
  CHECK_EQ(stats.width.largest, 7);
  CHECK_EQ(stats.width.median, 3.5);
  CHECK_EQ(stats.height.median, 2.5);
  const double share = 24.0 / 40;  // of the pixels have red
  CHECK(stats.mean[0] == doctest::Approx(share).epsilon(1e-14));
  CHECK(stats.mean[1] == doctest::Approx(10.0 / 255).epsilon(1e-14));
  CHECK(stats.mean[2] == doctest::Approx(1 - share).epsilon(1e-14));
  CHECK(stats.deviation[0] == doctest::Approx(std::sqrt(share * (1 - share))).epsilon(1e-14));
  CHECK(stats.deviation[1] < 1e-9);
  REQUIRE_EQ(stats.bad.size(), 2);
  CHECK(stats.bad[0].why.find("c.jpg: expects a JPEG, PNG or BMP image, it is empty") !=
        std::string::npos);
  CHECK(stats.bad[1].why.find("d.jpg: cannot be read: ") != std::string::npos);

  list.items = {list.items[2]};
  CHECK_EQ(image_stats(list).images, 0);
  CHECK_EQ(image_stats(list).mean[0], 0);
}
