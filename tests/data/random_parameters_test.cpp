// What random steps draw, against 10,000 draws of their originals: the Kolmogorov-Smirnov distance
// of two samples of this size is above 0.0276 once in a thousand times if they are of one
// distribution. The distance is taken at the golden's points.
#include "data/transforms/random_parameters.h"

#include <map>

#include "data/transforms/step_parameters.h"
#include "tests/data/image_golden.h"

using namespace lathe;

namespace {

constexpr int count = 10'000;
constexpr double most_distance = 0.0276;

const nlohmann::json& drawn_golden() {
  static const nlohmann::json json =
      nlohmann::json::parse(tests::bytes_of(tests::golden("transform_draws.json")));
  return json;
}

/// Values of each parameter, 10,000 applications of a step long.
using Columns = std::map<std::string, std::vector<double>>;

/// `draw` adds one application's parameters.
template <class F>
Columns drawn(const F& draw) {
  Columns columns;
  for (uint32_t sample = 0; sample < count; ++sample) {
    Draws draws(RandomStream(11, Purpose::augment, 2, sample, 0));
    draw(columns, draws);
  }
  return columns;
}

double distance(std::vector<double> values, const nlohmann::json& points) {
  std::sort(values.begin(), values.end());
  double most = 0;
  for (const auto& point : points) {
    const auto above = std::upper_bound(values.begin(), values.end(), point[0].get<double>());
    const double share = double(above - values.begin()) / double(values.size());
    most = std::max(most, std::abs(share - point[1].get<double>()));
  }
  return most;
}

void compare(const std::string& name, const Columns& columns) {
  const auto& golden = drawn_golden()["draws"].at(name);
  REQUIRE_EQ(golden.size(), columns.size());
  for (const auto& [column, values] : columns) {
    INFO(name, ": ", column);
    CHECK(distance(values, golden.at(column)) < most_distance);
  }
}

void add_window(Columns& columns, const Window& window) {
  columns["x"].push_back(double(window.x));
  columns["y"].push_back(double(window.y));
  columns["width"].push_back(double(window.width));
  columns["height"].push_back(double(window.height));
}

}  // namespace

TEST_CASE("draws: torchvision's parts of images") {
  compare("RandomCrop", drawn([](Columns& columns, Draws& draws) {
            add_window(columns, draw_crop(64, 48, 40, 31, draws));
          }));
  compare("RandomResizedCrop", drawn([](Columns& columns, Draws& draws) {
            add_window(columns, draw_resized_crop(64, 48, {0.08, 1}, {3.0 / 4, 4.0 / 3}, draws));
          }));
  compare("RandomErasing", drawn([](Columns& columns, Draws& draws) {
            const auto window = draw_erased(64, 48, {0.02, 0.33}, {0.3, 3.3}, draws);
            add_window(columns, window.value_or(Window{0, 0, 64, 48}));
          }));
}

TEST_CASE("draws: torchvision's colours and affine maps") {
  const std::array<std::optional<Range>, 4> jitters = {Range{0.6, 1.4}, Range{0.7, 1.3},
                                                       Range{0.8, 1.2}, Range{-0.1, 0.1}};
  compare("ColorJitter", drawn([&](Columns& columns, Draws& draws) {
            const Jitter jitter = draw_jitter(jitters, draws);
            double order = 0;
            for (const int i : jitter.order) order = order * 4 + i;
            columns["order"].push_back(order);
            columns["brightness"].push_back(*jitter.amounts[0]);
            columns["contrast"].push_back(*jitter.amounts[1]);
            columns["saturation"].push_back(*jitter.amounts[2]);
            columns["hue"].push_back(*jitter.amounts[3]);
          }));
  const AffineRanges ranges = {{-10, 20}, {0.1, 0.2}, {0.8, 1.3}, {Range{-5, 5}, Range{-9, 3}}};
  compare("RandomAffine", drawn([&](Columns& columns, Draws& draws) {
            const DrawnAffine drawn = draw_affine(ranges, 64, 48, draws);
            columns["degrees"].push_back(drawn.degrees);
            columns["x"].push_back(drawn.translate[0]);
            columns["y"].push_back(drawn.translate[1]);
            columns["scale"].push_back(drawn.scale);
            columns["shear_x"].push_back(drawn.shear[0]);
            columns["shear_y"].push_back(drawn.shear[1]);
          }));
  compare("RandomRotation", drawn([](Columns& columns, Draws& draws) {
            columns["degrees"].push_back(draws.uniform(Range{-15, 15}));
          }));
}

TEST_CASE("draws: albumentations' parameters") {
  const ShiftScaleRotateRanges moved = {{Range{-0.1, 0.1}, Range{-0.1, 0.1}}, {0.8, 1.2}, {-5, 5}};
  compare("ShiftScaleRotate", drawn([&](Columns& columns, Draws& draws) {
            const DrawnShiftScaleRotate drawn = draw_shift_scale_rotate(moved, 64, 48, draws);
            columns["degrees"].push_back(drawn.degrees);
            columns["x"].push_back(drawn.shift[0]);
            columns["y"].push_back(drawn.shift[1]);
            columns["scale_x"].push_back(drawn.scale[0]);
            columns["scale_y"].push_back(drawn.scale[1]);
            columns["scales"].push_back(drawn.scale[0] - drawn.scale[1]);
          }));
  compare("RandomBrightnessContrast", drawn([](Columns& columns, Draws& draws) {
            const DrawnLight light = draw_light({-0.2, 0.2}, {-0.1, 0.3}, draws);
            columns["contrast"].push_back(light.contrast);
            columns["brightness"].push_back(light.brightness);
          }));
  const std::array<Range, 3> hsv = {Range{-20, 20}, Range{-30, 30}, Range{-20, 20}};
  compare("HueSaturationValue", drawn([&](Columns& columns, Draws& draws) {
            const auto shifts = draw_hsv(hsv, draws);
            columns["hue_shift"].push_back(shifts[0]);
            columns["sat_shift"].push_back(shifts[1]);
            columns["val_shift"].push_back(shifts[2]);
          }));
  compare("FancyPCA", drawn([](Columns& columns, Draws& draws) {
            const auto amounts = draw_principal(0.1, draws);
            columns["a"].push_back(amounts[0]);
            columns["b"].push_back(amounts[1]);
            columns["c"].push_back(amounts[2]);
          }));
  compare("GaussNoise", drawn([](Columns& columns, Draws& draws) {
            columns["deviation"].push_back(draws.uniform(Range{0.05, 0.2}));
            std::array<float, 7> normals;
            draws.normals(normals);
            columns["normal"].push_back(normals[columns["normal"].size() % 7]);
          }));
  compare("GaussianBlur", drawn([](Columns& columns, Draws& draws) {
            const DrawnBlur blur = draw_blur({0.5, 3}, {3, 9}, draws);
            columns["sigma"].push_back(blur.sigma);
            columns["size"].push_back(double(blur.size));
          }));
  compare("ImageCompression", drawn([](Columns& columns, Draws& draws) {
            columns["quality"].push_back(double(draws.whole(60, 100)));
          }));
  compare("OneOf", drawn([](Columns& columns, Draws& draws) {
            columns["choice"].push_back(double(draw_choice(std::array{0.5, 0.2, 1.0}, draws)));
          }));
}

TEST_CASE("draws: how often a step is applied") {
  for (const auto& [name, p] : drawn_golden()["p"].items()) {
    INFO(name);
    CHECK(make_step({{"name", name}}, "").p == p.get<double>());
  }
  CHECK(make_step({{"name", "OneOf"}, {"transforms", {{{"name", "ToGray"}}}}}, "").p == 0.5);
  CHECK(make_step({{"name", "ColorJitter"}}, "").p == 1);
  const Pipeline flip({R"({"name": "HorizontalFlip", "p": 0.3})"});
  const Image image = tests::pattern(4, 1), other = mirrored(image);
  int flipped = 0;
  for (uint32_t sample = 0; sample < count; ++sample)
    flipped += flip.pixels(image, {1, 1, sample}) == other;
  CHECK(std::abs(flipped / double(count) - 0.3) < 0.015);  // three deviations
}
