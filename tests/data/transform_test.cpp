// Steps of recipes against torchvision and albumentations, their parameters fixed; what a recipe
// may say; the same key, the same bytes.
#include "data/transforms/transform.h"

#include <set>

#include "data/transforms/noise.h"
#include "tests/data/image_golden.h"

using namespace lathe;
using tests::message_of;
using tests::pattern;

namespace {

const nlohmann::json& transform_golden() {
  static const nlohmann::json json =
      nlohmann::json::parse(tests::bytes_of(tests::golden("transforms.json")));
  return json;
}

/// The image that a list of steps makes.
Image made(const std::vector<std::string>& steps, Image image, const SampleKey& key = {}) {
  return Pipeline(steps).pixels(std::move(image), key);
}

/// Why a step is refused.
std::string refusal(const std::string& step) {
  return message_of([&] { Pipeline({step}, "transform.train"); });
}

bool same_size(const Image& image, const nlohmann::json& golden) {
  return image.width == golden[0] && image.height == golden[1];
}

}  // namespace

TEST_CASE("transforms: steps make what torchvision and albumentations make") {
  std::map<std::string, tests::NearlyEqual> nearly;
  for (const auto& row : transform_golden()["steps"]) {
    nlohmann::json step = row[0];
    INFO(step.dump());
    if (!step.contains("p")) step["p"] = 1;
    const Image image = made({step.dump()}, pattern(row[1], row[2]));
    if (row[3][2].is_string()) {
      REQUIRE(same_size(image, row[3]));
      nearly[step["name"]].add(image, row[3][2]);
    } else {
      CHECK(tests::summary(image) == row[3].get<std::vector<int64_t>>());
    }
  }
  for (const auto& [name, equal] : nearly) {
    INFO(name);
    CHECK(equal.share() >= 0.99);
  }
}

TEST_CASE("transforms: noise and principal colours are albumentations'") {
  std::vector<float> noise;
  for (int i = 0; i < 40 * 24 * 3; ++i) noise.push_back(float((i * 7919 % 1013 - 506) * 0.11));
  const auto& functions = transform_golden()["functions"];
  CHECK(tests::summary(noisy(pattern(40, 24), noise)) ==
        functions["noise"].get<std::vector<int64_t>>());
  tests::NearlyEqual nearly;
  for (const auto& row : functions["fancy_pca"]) {
    Image image(40, 24);
    const std::vector<std::byte> pixels = tests::from_base64(row[1]);
    std::memcpy(image.pixels.data(), pixels.data(), pixels.size());
    nearly.add(fancy_pca(image, row[0].get<std::array<double, 3>>()), row[2][2]);
  }
  CHECK(nearly.share() >= 0.99);
  CHECK(bool(fancy_pca(pattern(1, 1), {1, 1, 1}) == pattern(1, 1)));
  CHECK(message_of([&] { noisy(pattern(2, 2), noise); }) == "noise: expects 12 numbers, got 2880");
}

TEST_CASE("transforms: noise may be one number for the colours of a pixel") {
  Image image(9, 7);
  std::fill(image.pixels.begin(), image.pixels.end(), uint8_t(128));
  const auto gray_pixels = [&](const std::string& per_channel) {
    const Image result = made({R"({"name": "GaussNoise", "p": 1, "std_range": [0.1, 0.1],
                                   "per_channel": )" +
                               per_channel + "}"},
                              image);
    int gray = 0;
    for (size_t i = 0; i < result.pixels.size(); i += 3)
      gray += result.pixels[i] == result.pixels[i + 1] && result.pixels[i] == result.pixels[i + 2];
    return gray;
  };
  CHECK(gray_pixels("false") == 63);
  CHECK(gray_pixels("true") < 10);
}

TEST_CASE("transforms: the key decides, and nothing else") {
  const std::vector<std::string> steps = {
      R"({"name": "Resize", "size": 40})",
      R"({"name": "RandomCrop", "size": 32})",
      R"({"name": "HorizontalFlip"})",
      R"({"name": "ColorJitter", "brightness": 0.4, "hue": 0.1})",
      R"({"name": "GaussNoise", "p": 1})",
      R"({"name": "OneOf", "p": 1, "transforms": [{"name": "GaussianBlur"}, {"name": "ToGray"}]})"};
  const Pipeline pipeline(steps);
  const SampleKey key = {7, 3, 11};
  const Image image = pipeline.pixels(pattern(60, 50), key);
  CHECK(image.width == 32);
  CHECK(bool(image == Pipeline(steps).pixels(pattern(60, 50), key)));
  for (const SampleKey& other : {SampleKey{8, 3, 11}, {7, 4, 11}, {7, 3, 12}})
    CHECK(!bool(image == pipeline.pixels(pattern(60, 50), other)));
}

TEST_CASE("transforms: a resize and a crop make one step, with the same bytes") {
  const std::string crops[] = {R"({"name": "CenterCrop", "size": 30})",
                               R"({"name": "RandomCrop", "size": [30, 25]})",
                               R"({"name": "RandomCrop", "size": 60, "pad_if_needed": true})",
                               R"({"name": "CenterCrop", "size": 60, "pad_if_needed": true})"};
  for (const std::string resize :
       {R"({"name": "Resize", "size": 40})", R"({"name": "IsotropicResize", "max_side": 50})"})
    for (const std::string& crop : crops)
      for (uint32_t sample = 0; sample < 4; ++sample) {
        // A step that changes nothing keeps the two apart; the crop's place stays.
        const std::string flip = R"({"name": "HorizontalFlip", "p": 0})";
        const Image together = made({flip, resize, crop}, pattern(80, 56), {1, 2, sample});
        const Image apart =
            Pipeline({flip, flip, crop}).pixels(made({resize}, pattern(80, 56)), {1, 2, sample});
        INFO(resize, crop);
        CHECK(bool(together == apart));
      }
}

TEST_CASE("transforms: an image may be any size, 1 x 1 too") {
  for (const std::string step :
       {R"({"name": "Resize", "size": 5})", R"({"name": "IsotropicResize", "max_side": 3})",
        R"({"name": "RandomResizedCrop", "size": 3})", R"({"name": "RandomAffine", "degrees": 9})",
        R"({"name": "ShiftScaleRotate", "p": 1})", R"({"name": "GaussianBlur", "p": 1})",
        R"({"name": "GaussNoise", "p": 1})", R"({"name": "FancyPCA", "p": 1})",
        R"({"name": "ImageCompression", "p": 1})", R"({"name": "RandomErasing", "p": 1})",
        R"({"name": "Pad", "padding": 4, "padding_mode": "reflect"})"})
    for (const auto& [width, height] : {std::pair(1, 1), {1, 300}, {300, 1}}) {
      INFO(step);
      CHECK(!made({step}, pattern(width, height)).pixels.empty());
    }
  CHECK(made({R"({"name": "Resize", "size": [3, 4]})"}, pattern(9, 9)).width == 4);
}

TEST_CASE("transforms: erasing counts as torchvision's tensors do, before and after Normalize") {
  const std::string normalize = R"({"name": "Normalize", "mean": [0.5, 0.4, 0.3],
                                    "std": [0.2, 0.2, 0.2]})";
  const auto erased = [&](bool after, const std::string& value) {
    const std::string erase = R"({"name": "RandomErasing", "p": 1, "value": )" + value + "}";
    const Image image =
        made(after ? std::vector{normalize, erase} : std::vector{erase}, Image(pattern(9, 9)));
    std::set<std::array<int, 3>> changed;
    for (size_t i = 0; i < image.pixels.size(); i += 3)
      if (!std::equal(&image.pixels[i], &image.pixels[i] + 3, &pattern(9, 9).pixels[i]))
        changed.insert({image.pixels[i], image.pixels[i + 1], image.pixels[i + 2]});
    return changed;
  };
  using Colors = std::set<std::array<int, 3>>;
  CHECK(erased(false, "0") == Colors{{0, 0, 0}});
  CHECK(erased(false, "[1, 0.5, 0]") == Colors{{255, 128, 0}});
  CHECK(erased(true, "0") == Colors{{128, 102, 76}});
  CHECK(erased(true, "[1, -1, 9]") == Colors{{178, 51, 255}});
  CHECK(erased(true, R"("random")").size() > 1);
  const PixelScale scale = Pipeline({normalize}).scale();
  std::vector<double> numbers(3);
  Image one(1, 1);
  one.pixels = {51, 102, 153};
  scale.apply(one, numbers.data());
  CHECK(numbers == std::vector{(0.2 - 0.5) / 0.2, (0.4 - 0.4) / 0.2, (0.6 - 0.3) / 0.2});
}

TEST_CASE("transforms: older names of albumentations, and other spellings of ranges") {
  const Image image = pattern(30, 20);
  const auto same = [&](const std::string& one, const std::string& other) {
    for (uint32_t sample = 0; sample < 3; ++sample)
      CHECK(bool(made({one}, image, {1, 1, sample}) == made({other}, image, {1, 1, sample})));
  };
  same(R"({"name": "ImageCompression", "p": 1, "quality_lower": 20, "quality_upper": 40})",
       R"({"name": "ImageCompression", "p": 1, "quality_range": [20, 40]})");
  same(R"({"name": "GaussNoise", "p": 1, "var_limit": [100, 100]})",
       R"({"name": "GaussNoise", "p": 1, "std_range": [0.0392156862745098, 0.0392156862745098]})");
  same(R"({"name": "ShiftScaleRotate", "p": 1, "shift_limit": 0.1, "border_mode": 0, "value": 9})",
       R"({"name": "ShiftScaleRotate", "p": 1, "shift_limit": [-0.1, 0.1], "fill": [9, 9, 9]})");
  same(
      R"({"name": "PadIfNeeded", "min_height": 40, "min_width": 40, "border_mode": 4})",
      R"({"name": "PadIfNeeded", "min_height": 40, "min_width": 40, "border_mode": "reflect_101"})");
  same(R"({"name": "ColorJitter", "contrast": 0.3})",
       R"({"name": "ColorJitter", "contrast": [0.7, 1.3]})");
}

TEST_CASE("transforms: what a recipe may not say") {
  CHECK(refusal(R"({"size": 3})").find("transform.train[0]: expects a table with a name: ") == 0);
  CHECK(refusal(R"({"name": "Resise", "size": 3})").find("did you mean 'Resize'?") !=
        std::string::npos);
  CHECK(refusal(R"({"name": "Resize"})") ==
        "transform.train[0]: Resize: size expects an integer from 1 to 100000, got nothing");
  CHECK(refusal(R"({"name": "Resize", "size": 3, "sise": 4})").find("has no parameter 'sise'") !=
        std::string::npos);
  CHECK(refusal(R"({"name": "HorizontalFlip", "p": 2})").find("p expects a number from 0 to 1") !=
        std::string::npos);
  CHECK(refusal(R"({"name": "OneOf", "transforms": []})").find("a list of steps") !=
        std::string::npos);
  CHECK(refusal(R"({"name": "OneOf", "transforms": [{"name": "Normalize"}]})")
            .find("transforms[0]: Normalize expects to stand in the list itself") !=
        std::string::npos);
  for (const std::string step :
       {R"({"name": "Pad"})", R"({"name": "RandomAffine"})", R"({"name": "Resize", "size": [1]})",
        R"({"name": "Resize", "size": 9, "max_size": 9})", R"({"name": "Resize", "size": 1e9})",
        R"({"name": "ShiftScaleRotate", "border_mode": 2})",
        R"({"name": "GaussNoise", "std_range": [0.4, 0.2]})",
        R"({"name": "ImageCompression", "quality_range": [0, 20]})",
        R"({"name": "ImageCompression", "compression_type": "webp"})",
        R"({"name": "RandomErasing", "value": "noise"})",
        R"({"name": "RandomErasing", "value": 2})",
        R"({"name": "RandomAffine", "degrees": [5, 1]})", R"({"name": "ColorJitter", "hue": 0.6})",
        R"({"name": "PadIfNeeded", "min_width": 3, "pad_width_divisor": 2})",
        R"({"name": "OneOf", "transforms": [{"name": "ToGray", "p": 0}]})"}) {
    INFO(step);
    CHECK(!refusal(step).empty());
  }
  const std::string normalize = R"({"name": "Normalize"})", flip = R"({"name": "HorizontalFlip"})";
  CHECK(message_of([&] {
          Pipeline({normalize, flip});
        }).find("HorizontalFlip expects to stand in front of Normalize") != std::string::npos);
  CHECK(!message_of([&] { Pipeline({normalize, normalize}); }).empty());
  CHECK(message_of([] { made({R"({"name": "RandomCrop", "size": 9})"}, pattern(8, 20)); }) ==
        "RandomCrop: expects an image of at least 9 x 9, got 8 x 20; put a Resize in front, or say "
        "pad_if_needed = true");
}
