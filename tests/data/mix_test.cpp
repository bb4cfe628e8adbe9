// Mixup and CutMix against torchvision's v2 transforms: batches, labels, and what is drawn.
#include "data/mix.h"

#include <map>
#include <nlohmann/json.hpp>

#include "tests/support.h"

using namespace lathe;
using tests::message_of;

namespace {

nlohmann::json golden_of(const std::string& file) {
  return nlohmann::json::parse(tests::bytes_of(tests::golden(file)));
}

/// The batch of make_transforms.py.
Tensor batch(DType dtype = DType::f64) {
  std::vector<double> values;
  for (int i = 0; i < 4 * 6 * 5 * 3; ++i) values.push_back((i * 7919 % 1013) / 1013.0);
  if (dtype == DType::f64) return Tensor::from(values, {4, 6, 5, 3});
  return Tensor::from(std::vector<float>(values.begin(), values.end()), {4, 6, 5, 3});
}

}  // namespace

TEST_CASE("mix: batches and labels equal torchvision's") {
  const auto golden = golden_of("transforms.json")["functions"];
  const Tensor labels = Tensor::from(std::vector<int64_t>{2, 0, 1, 1}, {4});
  const std::vector<int64_t> partners = partner_labels(labels).to_vector<int64_t>();
  CHECK(partners == std::vector<int64_t>{1, 2, 0, 1});
  const std::map<std::string, Mix> mixes = {{"mixup", {0.3125, false, {}}},
                                            {"cutmix", {1 - 3 * 4 / 30.0, true, {1, 2, 3, 4}}}};
  for (const auto& [name, mix] : mixes) {
    INFO(name);
    Tensor inputs = batch();
    mix_inputs(inputs, mix);
    const auto expected = golden[name]["inputs"].get<std::vector<double>>();
    CHECK(inputs.to_vector<double>() == expected);
    Tensor singles = batch(DType::f32);
    mix_inputs(singles, mix);
    for (size_t i = 0; i < expected.size(); ++i)
      REQUIRE(singles.data<float>()[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    for (size_t i = 0; i < 4; ++i)
      for (int64_t c = 0; c < 3; ++c)
        CHECK(golden[name]["labels"][i][size_t(c)].get<double>() ==
              doctest::Approx((labels.data<int64_t>()[i] == c) * mix.share +
                              (partners[i] == c) * (1 - mix.share)));
  }
}

TEST_CASE("mix: shares and windows are drawn as torchvision draws them") {
  const auto golden = golden_of("transform_draws.json")["draws"];
  std::map<std::string, std::map<std::string, std::vector<double>>> drawn;
  for (uint32_t step = 0; step < 10'000; ++step) {
    Draws draws(RandomStream(5, Purpose::augment, 0, step));
    for (const auto& [name, alpha] :
         {std::pair("MixUp 0.2", 0.2), {"MixUp 1.0", 1.0}, {"MixUp 3.0", 3.0}})
      drawn[name]["lam"].push_back(draw_mixup(alpha, draws).share);
    const Mix mix = draw_cutmix(1, 64, 48, draws);
    auto& cut = drawn["CutMix"];
    cut["share"].push_back(mix.share);
    cut["left"].push_back(double(mix.cut.x));
    cut["top"].push_back(double(mix.cut.y));
    cut["right"].push_back(double(mix.cut.x + mix.cut.width));
    cut["bottom"].push_back(double(mix.cut.y + mix.cut.height));
  }
  for (auto& [name, columns] : drawn)
    for (auto& [column, values] : columns) {
      INFO(name, ": ", column);
      std::sort(values.begin(), values.end());
      double distance = 0;  // Kolmogorov and Smirnov's, as in random_parameters_test.cpp
      for (const auto& point : golden.at(name).at(column)) {
        const auto above = std::upper_bound(values.begin(), values.end(), point[0].get<double>());
        distance = std::max(
            distance, std::abs(double(above - values.begin()) / 10'000 - point[1].get<double>()));
      }
      CHECK(distance < 0.0276);
    }
}

TEST_CASE("mix: one sample mixes with itself; what cannot be mixed") {
  Tensor one = Tensor::from(std::vector<double>{1, 2, 3}, {1, 3});
  mix_inputs(one, {0.25, false, {}});
  CHECK(one.to_vector<double>() == std::vector<double>{1, 2, 3});
  CHECK(message_of([&] {
          mix_inputs(one, {0.5, true, {0, 0, 1, 1}});
        }).find("cutmix: expects images (B, height, width, channels)") != std::string::npos);
  Tensor images = batch();
  CHECK(!message_of([&] { mix_inputs(images, {0.5, true, {3, 3, 9, 9}}); }).empty());
  mix_inputs(images, {1, true, {}});
  CHECK(images.to_vector<double>() == batch().to_vector<double>());
  Draws draws(RandomStream(1, Purpose::test));
  CHECK(!message_of([&] { draw_mixup(0, draws); }).empty());
  CHECK(!message_of([&] { draw_cutmix(-1, 3, 3, draws); }).empty());
}
